"""`study.log`: the sweep as Optuna's own journal, so that optuna-dashboard and `optuna.load_study` open it.

It is written behind and never read back: the truth is our journal, from which it can be made anew at any time. Trials
have our numbers. Nobody else writes here, so no lock is taken: one that a killed driver left would hold up the next.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, distribution_to_json
from optuna.study import StudyDirection
from optuna.trial import TrialState

from tuner.records.journal import Line
from tuner.records.run_directory import write_atomically
from tuner.records.seeds import over_seeds
from tuner.records.trial import COMPLETED, DOOMED, FAILED, INTERRUPTED, SweepRecord, trial_name
from tuner.records.values import Config, decode_metrics, decode_number
from tuner.search import translation
from tuner.space import Choice, Space

BATCH = 256
"""Lines that wait at most; about ten trials of 27 epochs."""
PATIENCE = 1.0
"""Seconds of the journal's own clock after which fewer are written, too."""

# Optuna's names for them: optuna.storages.journal._storage.JournalOperation. A test opens what is written.
CREATE_STUDY, CREATE_TRIAL, SET_STATE, SET_REPORT, SET_USER_ATTR = 0, 4, 6, 7, 8


class StudyLog:
    """Follows the journal's lines, from its first one on, and writes them as Optuna's, in batches."""

    def __init__(self, path: Path, space: Space) -> None:
        self._path = path
        self._operations: _Operations | None = None
        self._space = space
        self._metric = ""
        self._rows: list[bytes] = []
        self._known_trials: set[str] = set()
        """Without the trainings on further seeds, which are no trials to Optuna."""
        self._broken: dict[str, bool] = {}
        """Of each running trial: whether its last report held something that is not finite."""
        self._written_at = -math.inf

    def lines(self, lines: Iterable[Line]) -> None:
        for line in lines:
            match line["kind"]:
                case "sweep":
                    self._metric = line["metric"]
                    self._operations = _Operations(self._space, line["mode"])
                    write_atomically(self._path, b"")
                    self._rows = [self._operations.study(line["run"])]
                case "suggestion":
                    self._known_trials.add(line["trial"])
                    self._add(line, self._known.begin(line["number"], line["config"], line["origin"], line["at"]))
                case "report" if line["trial"] in self._known_trials:
                    self._add(line, self._report(line))
                case "ending" if line["trial"] in self._known_trials and not line.get("paused"):  # that may go on
                    self._add(line, self._end(line))

    def _report(self, line: Line) -> list[bytes]:
        metrics = decode_metrics(line["metrics"])
        self._broken[line["trial"]] = not all(map(math.isfinite, metrics.values()))
        if self._metric not in metrics:
            return []
        return [self._known.report(int(line["trial"]), line["epoch"], metrics[self._metric])]

    def _end(self, line: Line) -> list[bytes]:
        broken = self._broken.pop(line["trial"], False)
        value = None if line["value"] is None else decode_number(line["value"])
        diverged = (line["ending"] == DOOMED and broken) or line.get("failure") == "out_of_memory"
        return self._known.end(int(line["trial"]), line["ending"], line["reason"], value, diverged, line["at"])

    def flush(self) -> None:
        """All that was told is in the file."""
        if self._rows:
            with self._path.open("ab", buffering=0) as file:
                file.write(b"".join(self._rows))
            self._rows = []

    @property
    def _known(self) -> _Operations:
        assert self._operations is not None, "the journal's first line comes first"
        return self._operations

    def _add(self, line: Line, rows: list[bytes]) -> None:
        self._rows += rows
        if len(self._rows) >= BATCH or line["at"] - self._written_at >= PATIENCE:
            self._written_at = line["at"]
            self.flush()


def write_study_log(record: SweepRecord, space: Space, path: Path) -> None:
    """The whole file anew, from a sweep's record; with repeats, a trial's value is the mean of its seeds."""
    operations = _Operations(space, record.mode)
    rows = [operations.study(record.run)]
    means = {one.trial.trial: one.mean for one in over_seeds(record) if one.whole and record.seeds_each > 1}
    for trial in record.trials:
        rows += operations.begin(trial.number, trial.config, trial.origin, trial.started_at or record.started_at)
        for epoch in trial.epochs:
            if record.metric in epoch.metrics:
                rows.append(operations.report(trial.number, epoch.epoch, epoch.metrics[record.metric]))
        if trial.ending is not None:
            broken = bool(trial.epochs) and not all(map(math.isfinite, trial.epochs[-1].metrics.values()))
            diverged = (trial.ending == DOOMED and broken) or trial.failure == "out_of_memory"
            at = trial.ended_at or record.started_at
            value = means.get(trial.trial) or trial.value
            rows += operations.end(trial.number, trial.ending, trial.reason, value, diverged, at)
    write_atomically(path, b"".join(rows))


class _Operations:
    """Optuna's operations on one study as lines of its journal; an Optuna trial's id is its place in the file."""

    def __init__(self, space: Space, mode: str) -> None:
        self._space = space
        self._direction = StudyDirection.MINIMIZE if mode == "min" else StudyDirection.MAXIMIZE
        self._distributions = {
            name: distribution_to_json(_shown(space, name, found))
            for name, found in translation.distributions(space).items()
        }
        self._ids: dict[int, int] = {}
        self._last: dict[int, tuple[int, float]] = {}
        """Of each trial: its last report."""

    def study(self, name: str) -> bytes:
        return _row(CREATE_STUDY, study_name=name, directions=[int(self._direction)])

    def begin(self, number: int, config: Config, origin: str, at: float) -> list[bytes]:
        self._ids[number] = len(self._ids)
        told = translation.told(self._space, config)
        row = _row(
            CREATE_TRIAL,
            study_id=0,
            datetime_start=_time(at),
            state=int(TrialState.RUNNING),
            value=None,
            values=None,
            distributions={name: self._distributions[name] for name in told},
            params=told,
            user_attrs={"trial": trial_name(number), "origin": origin},
            system_attrs={},
            intermediate_values={},
        )
        return [row]

    def report(self, number: int, epoch: int, value: float) -> bytes:
        self._last[number] = epoch, value
        return _row(SET_REPORT, trial_id=self._ids[number], step=epoch, intermediate_value=value)

    def end(self, number: int, ending: str, reason: str, value: float | None, diverged: bool, at: float) -> list[bytes]:
        """As the table of endings says; of an interrupted trial nothing: to Optuna it still runs."""
        if ending == INTERRUPTED:
            return []
        rows = []
        epoch, last = self._last.get(number, (0, math.nan))
        if diverged and not (epoch and math.isnan(last)):
            epoch, last = epoch + 1, math.nan
            rows.append(self.report(number, epoch, last))
        if ending == COMPLETED:
            state, values = TrialState.COMPLETE, [value]
        elif ending == FAILED and not diverged:
            state, values = TrialState.FAIL, None
        else:
            state, values = TrialState.PRUNED, [last] if math.isfinite(last) else None
        trial = self._ids[number]
        rows += [
            _row(SET_USER_ATTR, trial_id=trial, user_attr=attr) for attr in ({"ending": ending}, {"reason": reason})
        ]
        return [*rows, _row(SET_STATE, trial_id=trial, state=int(state), values=values, datetime_complete=_time(at))]


def _shown(space: Space, name: str, told: BaseDistribution) -> BaseDistribution:
    """Options as they are where Optuna can tell them apart, else as text: to it, True and 1 are one."""
    domain = space[name].domain
    if not isinstance(domain, Choice):
        return told
    clash = any(one == other for at, one in enumerate(domain.options) for other in domain.options[:at])
    return CategoricalDistribution([repr(option) if clash else option for option in domain.options])


def _row(operation: int, **fields: Any) -> bytes:
    return json.dumps({"op_code": operation, "worker_id": "tuner", **fields}, separators=(",", ":")).encode() + b"\n"


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")
