"""What a sweep came to, for a notebook: the best trial, all trials and curves as pandas frames, the findings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tuner.records.finding import Finding
from tuner.records.run_directory import RunDirectory
from tuner.records.seeds import OverSeeds, over_seeds
from tuner.records.trial import FinalTest, SweepRecord, TrialRecord

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Result:
    """A run directory's content; `tuner.run` returns one, `tuner.open_run` reads one again."""

    directory: RunDirectory
    record: SweepRecord

    @property
    def status(self) -> str:
        """`finished`, `stopped`, `failed`, or `running` while another process drives it."""
        return self.record.status

    @property
    def best(self) -> TrialRecord | None:
        """The best trial; None where no trial has reported a finite metric."""
        return self.record.best

    @property
    def final_test(self) -> FinalTest | None:
        """What the test split said of the best one; None where it was not asked."""
        return self.record.final_test

    @property
    def over_seeds(self) -> tuple[OverSeeds, ...]:
        """Configurations that were trained on several seeds, best mean first, each with its `mean` and `interval`."""
        return over_seeds(self.record)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """One row a trial: trial, ending, reason, verdict, value, best_epoch, epochs, seconds, node, config.NAME.

        With further seeds also one a training on one, and the columns repeat_of and seed.
        """
        from tuner.report.tables import trials_table

        frame: pd.DataFrame = trials_table(self.record).to_pandas()
        return frame

    @cached_property
    def curves(self) -> pd.DataFrame:
        """One row a trial and distinct epoch, from epoch 1: trial, epoch, train_loss, val_loss, other metrics."""
        from tuner.report.tables import curves_table

        frame: pd.DataFrame = curves_table(self.record).to_pandas()
        return frame

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Of the sweep as a whole; a trial's own are in its `diagnosis`."""
        return self.record.findings
