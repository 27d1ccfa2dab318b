"""From journal lines to records. This is the one place that knows the keys of every kind of line.

kind        keys beside `kind` and `at` (Unix seconds)
sweep       version, run, name, metric, mode, max_epochs, trials, seed, task, parameters; always the first line; warm:
            how many `warm` lines follow, where there are any; repeats, or finalists (top, seeds), where it has them
warm        number, run, source, config, reports ([epoch, value]), ending, value, diverged: a trial of an earlier run
            that the searcher is told before its first one; it is none of this sweep's and in no record
warm_from   run, trials, fit, left_out and discounted ([count, why]), says: what became of one source's trials, whose
            lines follow. A `warm` line with `again` is tried first; one with `told` false is told to nobody
driver      attempt, pid, host: a driver took the sweep on (the first, or after a stop or a kill)
change      settings: path of the sweep file -> value, of what is otherwise from here on: the run was resumed with it
suggestion  trial, number, config, origin, seed; tried: the trials, of earlier runs too, whose configurations the
            searcher named before; seen where it was thought out ahead: of how many trials the end was known, the first
            that ended in the journal
further_seed  trial, of, nth, number, config, origin (repeat, finalist), seed: the configuration of trial `of`, trained
            again on its nth seed; its lines are as a trial's, but for rungs, which it meets none of
control     trial, nth, config (whole settings), seed: a control trial; its lines are as a trial's, but for rungs
controls    wanted: so many control trials there are to be, decided when the first ones had ended
search_over reason: nothing more is suggested, though the sweep's trials are not used up
night       id, control at the start; verdict, why, state before the end: of a sweep of every night
finalists   trials, seeds: the search is over, and these are trained again; a suggestion after it takes it back
waiting     says: a cluster that grows has no node yet that could hold a trial, and was asked for one
start       trial, attempt, after_epoch
report      trial, attempt, epoch, metrics, seconds; data_seconds where measured; with the first of an attempt: facts,
            node; at the last: finished
repeated    trial, attempt, epoch, seconds: an epoch that the journal had already, trained again after a loss
rung        trial, epoch, value, promoted, reason; paused where the trial waits there
promotion   trial, epoch: a paused trial goes on
finding     trial, finding: seen while the trial ran
lost        trial, attempt, failure, reason, traceback: the trial goes back to its last checkpoint. node where it is
            known; node_gone: the whole node is; wait: seconds before the trial is handed out again
avoid       node, trials, until, reason: the node lost too many workers, and further ones start elsewhere
ending      trial, attempt, ending, reason, value, best_epoch, diagnosis, failure, traceback; paused: the trial still
            waited at its rung when there was nothing left to try, and waits again if the sweep is extended
sweep_finding  finding
final_test  trial, training, epoch, metrics, validation, noise, n_test, n_val, touched, says: a look at the test split
end         status, reason, seconds: the driver left in good order; `driver` after it means that it was resumed
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from tuner.errors import RunError
from tuner.records.epochs import EpochMetrics, Facts
from tuner.records.finding import Diagnosis, Finding
from tuner.records.journal import Line
from tuner.records.trial import CONTROL, AvoidedNode, FinalTest, Loss, ParameterRecord, Rung, SweepRecord, TrialRecord
from tuner.records.values import Scalar, decode_metrics, decode_number, encode_metrics, encode_number

_FACTS = {item.name for item in fields(Facts)}
_FINAL_TEST = {item.name for item in fields(FinalTest)}


def encode_facts(facts: Facts) -> dict[str, Any]:
    """Only what is known."""
    out = {name: value for name, value in asdict(facts).items() if value is not None and value != {}}
    return {name: encode_number(value) if isinstance(value, float) else value for name, value in out.items()}


def decode_facts(data: Line) -> Facts:
    known = {name: value for name, value in data.items() if name in _FACTS}
    for name in ("initial_loss", "baseline_loss"):
        if name in known:
            known[name] = decode_number(known[name])
    return Facts(**known)


def report_line(report_epoch: EpochMetrics, trial: str, attempt: int, at: float) -> dict[str, Any]:
    waited = report_epoch.data_seconds
    line = {
        "kind": "report",
        "at": at,
        "trial": trial,
        "attempt": attempt,
        "epoch": report_epoch.epoch,
        "metrics": encode_metrics(report_epoch.metrics),
        "seconds": round(report_epoch.seconds, 6),
    }
    return line if waited is None else line | {"data_seconds": round(waited, 6)}


def decode_epoch(line: Line) -> EpochMetrics:
    """Of a `report` line."""
    return EpochMetrics(line["epoch"], decode_metrics(line["metrics"]), line["seconds"], line.get("data_seconds"))


def decode_diagnosis(data: Line | None) -> Diagnosis | None:
    if data is None:
        return None
    findings = tuple(Finding.from_json(finding) for finding in data.get("findings", ()))
    return Diagnosis(data["id"], data["verdict"], findings, data.get("note", ""))


@dataclass
class _Trial:
    trial: str
    number: int
    config: dict[str, Scalar]
    origin: str
    ending: str | None = None
    reason: str = ""
    value: float | None = None
    best_epoch: int | None = None
    epochs: dict[int, EpochMetrics] = field(default_factory=dict)
    repeated: int = 0
    facts: Facts | None = None
    diagnosis: Diagnosis | None = None
    rungs: list[Rung] = field(default_factory=list)
    attempt: int = 0
    node: str | None = None
    traceback: str = ""
    failure: str = ""
    started_at: float | None = None
    ended_at: float | None = None
    last_at: float | None = None
    spans: list[tuple[float, float, str]] = field(default_factory=list)
    open_since: float | None = None
    seed: int = 0
    repeat_of: str | None = None

    def leave(self, at: float) -> None:
        if self.open_since is not None:
            self.spans.append((self.open_since, at, self.node or ""))
            self.open_since = None

    def lost(self, at: float, node: str | None) -> str | None:
        """Leaves the node that the line names: a worker lost before its first report has told none of its own."""
        self.node = node or self.node
        self.leave(at)
        return self.node

    def record(self) -> TrialRecord:
        return TrialRecord(
            trial=self.trial,
            number=self.number,
            config=self.config,
            origin=self.origin,
            ending=self.ending,
            reason=self.reason,
            value=self.value,
            best_epoch=self.best_epoch,
            epochs=tuple(self.epochs[epoch] for epoch in sorted(self.epochs)),
            repeated=self.repeated,
            facts=self.facts,
            diagnosis=self.diagnosis,
            rungs=tuple(self.rungs),
            attempt=self.attempt,
            node=self.node,
            traceback=self.traceback,
            failure=self.failure,
            started_at=self.started_at,
            ended_at=self.ended_at,
            spans=tuple(self.spans),
            seed=self.seed,
            repeat_of=self.repeat_of,
        )


class Fold:
    """Applies lines one after the other; `record()` is the sweep as it stands. Good for a live view, too."""

    def __init__(self, path: str = "") -> None:
        self.path = path
        self._head: Line | None = None
        self._total = 0
        self._warm: list[str] = []
        self._trials: dict[str, _Trial] = {}
        self._findings: list[Finding] = []
        self._status, self._reason = "running", ""
        self._ended_at: float | None = None
        self._seconds: dict[str, float] = {}
        self._attempt = 0
        self._finalists: tuple[str, ...] = ()
        self._final_test: FinalTest | None = None
        self._night: dict[str, str] = {}
        self._losses: list[Loss] = []
        self._avoided: list[AvoidedNode] = []
        self._away: list[tuple[float, float]] = []
        self._last_at: float | None = None

    def apply(self, lines: Iterable[Line]) -> Fold:
        for line in lines:
            kind = line["kind"]
            getattr(self, f"_on_{kind}", _skip)(line)
            self._last_at = line.get("at", self._last_at)
        return self

    def _on_sweep(self, line: Line) -> None:
        self._head, self._total = line, line["trials"]

    def _on_driver(self, line: Line) -> None:
        if self._attempt and self._last_at is not None:
            self._away.append((self._last_at, line["at"]))
        self._attempt = line["attempt"]
        self._status, self._reason, self._ended_at = "running", "", None
        self._findings = []
        for trial in self._trials.values():
            if trial.open_since is not None:  # the last driver was killed while it ran
                trial.leave(trial.last_at or trial.open_since)

    def _on_warm_from(self, line: Line) -> None:
        self._warm.append(line["says"])

    def _on_change(self, line: Line) -> None:
        self._total = line["settings"].get("search.trials", self._total) or 0

    def _on_suggestion(self, line: Line) -> None:
        trial = _Trial(line["trial"], line["number"], dict(line["config"]), line["origin"], seed=line.get("seed", 0))
        self._trials[line["trial"]] = trial
        self._finalists = ()

    def _on_further_seed(self, line: Line) -> None:
        trial = _Trial(line["trial"], line["number"], dict(line["config"]), line["origin"], seed=line["seed"])
        trial.repeat_of = line["of"]
        self._trials[line["trial"]] = trial

    def _on_control(self, line: Line) -> None:
        trial = _Trial(line["trial"], line["nth"] - 1, dict(line["config"]), CONTROL, seed=line["seed"])
        self._trials[line["trial"]] = trial

    def _on_night(self, line: Line) -> None:
        self._night |= {name: str(value) for name, value in line.items() if name not in ("kind", "at")}

    def _on_finalists(self, line: Line) -> None:
        self._finalists = tuple(line["trials"])

    def _on_final_test(self, line: Line) -> None:
        known: dict[str, Any] = {name: line[name] for name in _FINAL_TEST}
        known |= {name: decode_metrics(line[name]) for name in ("metrics", "validation", "noise")}
        self._final_test = FinalTest(**known)

    def _on_start(self, line: Line) -> None:
        trial = self._trials[line["trial"]]
        trial.attempt, trial.open_since = line["attempt"], line["at"]
        trial.started_at = trial.started_at or line["at"]
        trial.ending, trial.reason, trial.failure = None, "", ""  # on a resume: it goes on
        trial.ended_at, trial.diagnosis = None, None

    def _on_report(self, line: Line) -> None:
        trial = self._trials[line["trial"]]
        epoch = decode_epoch(line)
        trial.epochs[epoch.epoch] = epoch
        trial.last_at = line["at"]
        if "facts" in line:
            trial.facts = decode_facts(line["facts"])
        trial.node = line.get("node", trial.node)
        self._note_best(trial, epoch)

    def _note_best(self, trial: _Trial, epoch: EpochMetrics) -> None:
        assert self._head is not None
        value = epoch.metrics.get(self._head["metric"])
        if value is None or value != value or value in (float("inf"), float("-inf")):
            return
        sign = 1.0 if self._head["mode"] == "min" else -1.0
        if trial.value is None or sign * value < sign * trial.value:
            trial.value, trial.best_epoch = value, epoch.epoch

    def _on_repeated(self, line: Line) -> None:
        self._trials[line["trial"]].repeated += 1

    def _on_rung(self, line: Line) -> None:
        rung = Rung(line["trial"], line["epoch"], decode_number(line["value"]), line["promoted"], line["reason"])
        trial = self._trials[line["trial"]]
        trial.rungs.append(rung)
        if line.get("paused"):
            trial.leave(line["at"])

    def _on_finding(self, line: Line) -> None:
        trial = self._trials[line["trial"]]
        finding = Finding.from_json(line["finding"])
        trial.diagnosis = Diagnosis(trial.trial, finding.symptom, (finding,))

    def _on_lost(self, line: Line) -> None:
        trial = self._trials[line["trial"]]
        node = trial.lost(line["at"], line.get("node"))
        trial.traceback = line.get("traceback", "")
        self._losses.append(
            Loss(
                trial=line["trial"],
                failure=line["failure"],
                reason=line["reason"],
                at=line["at"],
                node=node,
                node_gone=line.get("node_gone", False),
            )
        )

    def _on_avoid(self, line: Line) -> None:
        self._avoided.append(AvoidedNode(line["node"], line["at"], line["until"], line["reason"]))

    def _on_ending(self, line: Line) -> None:
        trial = self._trials[line["trial"]]
        trial.leave(line["at"])
        trial.ending, trial.reason, trial.ended_at = line["ending"], line["reason"], line["at"]
        trial.diagnosis = decode_diagnosis(line.get("diagnosis"))
        trial.traceback = line.get("traceback", "")
        trial.failure = line.get("failure", "")

    def _on_sweep_finding(self, line: Line) -> None:
        self._findings.append(Finding.from_json(line["finding"]))

    def _on_end(self, line: Line) -> None:
        self._status, self._reason, self._ended_at = line["status"], line["reason"], line["at"]
        for name, value in line["seconds"].items():
            self._seconds[name] = self._seconds.get(name, 0.0) + value

    def trial(self, name: str) -> TrialRecord:
        """One trial as it stands, without the cost of all the others."""
        return self._trials[name].record()

    def record(self) -> SweepRecord:
        """Raises RunError where not even the first line was written."""
        if self._head is None:
            raise RunError(f"{self.path or 'this journal'}: holds no sweep: its driver died before it began")
        head = self._head
        return SweepRecord(
            run=head["run"],
            path=self.path,
            name=head["name"],
            metric=head["metric"],
            mode=head["mode"],
            max_epochs=head["max_epochs"],
            total_trials=self._total,
            warm=tuple(self._warm),
            status=self._status,
            trials=tuple(trial.record() for trial in self._trials.values() if _is_search(trial)),
            findings=tuple(self._findings),
            reason=self._reason,
            started_at=head["at"],
            ended_at=self._ended_at,
            task=head.get("task"),
            parameters=tuple(ParameterRecord(**_tuples(item)) for item in head.get("parameters", ())),
            seconds=dict(self._seconds),
            attempt=self._attempt,
            repeats=tuple(trial.record() for trial in self._trials.values() if trial.repeat_of is not None),
            seeds_each=head.get("repeats", 1),
            final_seeds=head.get("finalists", {}).get("seeds", 0),
            finalists=self._finalists,
            final_test=self._final_test,
            controls=tuple(trial.record() for trial in self._trials.values() if trial.origin == CONTROL),
            night=dict(self._night),
            losses=tuple(self._losses),
            avoided=tuple(self._avoided),
            away=tuple(self._away),
        )


def _is_search(trial: _Trial) -> bool:
    return trial.repeat_of is None and trial.origin != CONTROL


def _tuples(item: Line) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in item.items()}


def _skip(line: Line) -> None:
    """A kind that a later version added within this journal version: readers pass over it."""
