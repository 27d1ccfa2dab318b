"""Which checkpoints are kept: the best k trials' best ones, and the last one of each trial that may go on."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from tuner.records.journal import Line
from tuner.records.run_directory import RunDirectory
from tuner.records.trial import COMPLETED, INTERRUPTED, PRUNED
from tuner.records.values import decode_number


class CheckpointKeeper:
    """Follows the journal's endings and removes what no longer counts. Built anew on resume from the same lines."""

    def __init__(self, directory: RunDirectory, keep: int, mode: str) -> None:
        self._directory, self._keep = directory, keep
        self._sign = 1.0 if mode == "min" else -1.0
        self._best: list[tuple[float, str]] = []
        """(oriented value, trial) of the trials whose best checkpoint is kept, best first."""

    def lines(self, lines: Sequence[Line]) -> None:
        for line in lines:
            if line["kind"] == "ending" and line["ending"] != INTERRUPTED:
                self._on_ending(line)

    def _on_ending(self, line: Line) -> None:
        trial = line["trial"]
        if line["ending"] not in (COMPLETED, PRUNED) or line["value"] is None:
            self._remove(trial)
            return
        self._best.append((self._sign * decode_number(line["value"]), trial))
        self._best.sort()
        for _, dropped in self._best[self._keep :]:
            self._remove(dropped)
        del self._best[self._keep :]
        (self._directory.trial_checkpoints(trial) / "last.pt").unlink(missing_ok=True)

    def _remove(self, trial: str) -> None:
        shutil.rmtree(self._directory.trial_checkpoints(trial), ignore_errors=True)
