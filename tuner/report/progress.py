"""A running sweep as counts, fed line by line: what the live table shows, kept up at a constant price a line.

`records.fold` keeps every epoch of every trial, which a view that is redrawn four times a second has no use for.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from tuner.records.epochs import LOST, STORAGE
from tuner.records.finding import UNKNOWN
from tuner.records.journal import Line
from tuner.records.trial import DOOMED, FAILED, INTERRUPTED, PRUNED
from tuner.records.values import Config, decode_number
from tuner.report.wording import printable

CURVE_POINTS = 60
"""Of a trial's loss as kept for its sparkline: the last ones."""
ENDINGS_FOR_RATE = 3
"""Endings of this driver before the time left is told."""


@dataclass(slots=True)
class OpenTrial:
    """A trial that has not ended (or was interrupted and may go on)."""

    trial: str
    config: Config
    running: bool = False
    paused: bool = False
    """It waits at its rung for the scheduler."""
    interrupted: bool = False
    attempt: int = 0
    epoch: int = 0
    epochs: int = 0
    """Distinct epochs that were reported."""
    curve: deque[float | None] = field(default_factory=lambda: deque(maxlen=CURVE_POINTS))
    curve_name: str = ""
    value: float | None = None
    best_epoch: int | None = None
    verdict: str = ""
    """A finding made while it runs."""
    further: bool = False
    """No trial of the search: a configuration on a further seed, or a control."""
    control: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """One trial's ending, as a line of the view."""

    trial: str
    ending: str
    verdict: str
    reason: str
    epochs: int
    value: float | None
    at: float


@dataclass(frozen=True, slots=True)
class Best:
    trial: str
    value: float
    epoch: int
    config: Config


class Progress:
    """Apply the journal's lines; read the attributes."""

    def __init__(self, recent: int = 5) -> None:
        self.name = self.metric = ""
        self.sign = 1.0
        self.max_epochs = self.total = 0
        self.started_at: float | None = None
        """When the first driver began, Unix seconds; `driver_at` is the present one's."""
        self.driver_at: float | None = None
        self.open: dict[str, OpenTrial] = {}
        self.endings: Counter[str] = Counter()
        self.verdicts: Counter[str] = Counter()
        self.epochs = self.repeated = self.saved = self.suggested = self.further = 0
        self.further_wanted = 0
        """Trainings on further seeds that have ended (`further`), and that the finalists are to have."""
        self.controls = self.controls_begun = 0
        """Control trials that have ended, and that were begun."""
        self.lost = 0
        """Times that a trial lost its worker."""
        self.ended_here = 0
        """Endings under the present driver."""
        self.findings: list[str] = []
        self.losses: deque[str] = deque(maxlen=2)
        """What the last lost workers were lost to, and which nodes are avoided since."""
        self.waiting = ""
        """What kind of node the cluster was asked for, while none is there."""
        self.recent: deque[Ended] = deque(maxlen=recent)
        self.best: Best | None = None
        self._waiting: list[tuple[OpenTrial, str]] = []
        """Trials that ended because there was nothing left to try, with their verdicts."""
        self._able: dict[str, Best] = {}  # who may win: neither doomed nor failed

    def apply(self, lines: Iterable[Line]) -> list[Ended]:
        """The endings among `lines`, in order."""
        ended: list[Ended] = []
        for line in lines:
            kind = line["kind"]
            if kind == "ending":
                ended.append(self._ending(line))
            else:
                getattr(self, f"_on_{kind}", _skip)(line)
        return ended

    @property
    def running(self) -> list[OpenTrial]:
        return [trial for trial in self.open.values() if trial.running]

    @property
    def done(self) -> int:
        """Trials that ended for good: an interrupted one goes on at the next resume."""
        return sum(self.endings.values()) - self.endings[INTERRUPTED]

    def seconds_left(self, now: float) -> float | None:
        """At this driver's pace so far; None while too few have ended to say, or where no number of trials is set."""
        if self.driver_at is None or self.ended_here < ENDINGS_FOR_RATE or not self.total:
            return None
        return (now - self.driver_at) / self.ended_here * max(0, self.total - self.done)

    def _on_sweep(self, line: Line) -> None:
        self.name, self.metric = line["name"], line["metric"]
        self.sign = 1.0 if line["mode"] == "min" else -1.0
        self.max_epochs, self.total, self.started_at = line["max_epochs"], line["trials"], line["at"]

    def _on_change(self, line: Line) -> None:
        self.total = line["settings"].get("search.trials", self.total) or 0

    def _on_driver(self, line: Line) -> None:
        self.driver_at, self.ended_here, self.waiting = line["at"], 0, ""
        self.findings.clear()
        for ended in self._waiting:  # at their rungs, when the sweep was over: it goes on
            self._reopen(ended)
        self._waiting.clear()
        for trial in self.open.values():  # a killed driver's: they start again
            trial.running = False

    def _reopen(self, ended: tuple[OpenTrial, str]) -> None:
        trial, verdict = ended
        self.endings[PRUNED] -= 1
        self.verdicts[verdict] -= 1
        self.saved -= max(0, self.max_epochs - trial.epochs)
        self.open[trial.trial] = trial

    def _on_suggestion(self, line: Line) -> None:
        self.open[line["trial"]] = OpenTrial(line["trial"], line["config"])
        self.suggested += 1

    def _on_further_seed(self, line: Line) -> None:
        self.open[line["trial"]] = OpenTrial(line["trial"], line["config"], further=True)

    def _on_control(self, line: Line) -> None:
        self.open[line["trial"]] = OpenTrial(line["trial"], line["config"], further=True, control=True)
        self.controls_begun += 1

    def _on_finalists(self, line: Line) -> None:
        self.further_wanted = len(line["trials"]) * line["seeds"]

    def _on_waiting(self, line: Line) -> None:
        self.waiting = printable(line["says"])

    def _on_end(self, _line: Line) -> None:
        self.waiting = ""

    def _on_start(self, line: Line) -> None:
        self.waiting = ""
        trial = self.open[line["trial"]]
        if trial.interrupted:
            if not trial.further:
                self.endings[INTERRUPTED] -= 1
                self.verdicts[trial.verdict] -= 1
            trial.interrupted, trial.verdict = False, ""
        trial.running, trial.paused, trial.attempt = True, False, line["attempt"]

    def _on_report(self, line: Line) -> None:
        trial = self.open.get(line["trial"])
        if trial is None:
            return
        metrics = line["metrics"]
        self.epochs += 1
        trial.epochs += 1
        trial.epoch = line["epoch"]
        if not trial.curve_name:
            trial.curve_name = self._curve_name(metrics)
        shown = metrics.get(trial.curve_name)
        trial.curve.append(None if shown is None else decode_number(shown))
        found = metrics.get(self.metric)
        value = math.nan if found is None else decode_number(found)
        if math.isfinite(value) and (trial.value is None or self.sign * value < self.sign * trial.value):
            trial.value, trial.best_epoch = value, trial.epoch
            if not trial.further:
                self._note(Best(trial.trial, value, trial.epoch, trial.config))

    def _on_repeated(self, _line: Line) -> None:
        self.repeated += 1

    def _on_finding(self, line: Line) -> None:
        trial = self.open.get(line["trial"])
        if trial is not None:
            trial.verdict = line["finding"]["symptom"]

    def _on_lost(self, line: Line) -> None:
        trial = self.open.get(line["trial"])
        if trial is not None:
            trial.running = False
        self.lost += line["failure"] != STORAGE
        self.losses.append(loss_line(line))

    def _on_avoid(self, line: Line) -> None:
        self.losses.append(loss_line(line))

    def _on_rung(self, line: Line) -> None:
        trial = self.open.get(line["trial"])
        if trial is not None and line.get("paused"):
            trial.running, trial.paused = False, True

    def _on_promotion(self, line: Line) -> None:
        trial = self.open.get(line["trial"])
        if trial is not None:
            trial.paused = False

    def _on_sweep_finding(self, line: Line) -> None:
        self.findings.append(line["finding"]["says"])

    def _curve_name(self, metrics: Line) -> str:
        """A loss, the sweep's own metric before others."""
        wanted = [self.metric] if self.metric.endswith("loss") else []
        wanted += ["val_loss", "train_loss", self.metric]
        return next((name for name in wanted if name in metrics), self.metric)

    def _note(self, able: Best) -> None:
        self._able[able.trial] = able
        if self.best is None or self._rank(able) < self._rank(self.best):
            self.best = able

    def _rank(self, able: Best) -> tuple[float, int, str]:
        """Better first; the earlier trial of two equals (names have four digits or more)."""
        return (self.sign * able.value, len(able.trial), able.trial)

    def _ending(self, line: Line) -> Ended:
        name, ending = line["trial"], line["ending"]
        trial = self.open.get(name) or OpenTrial(name, {})
        trial.running = False
        verdict = (line.get("diagnosis") or {}).get("verdict", UNKNOWN)
        if trial.control:
            self.controls += ending != INTERRUPTED
        elif trial.further:
            self.further += ending != INTERRUPTED
        else:
            self.endings[ending] += 1
            self.verdicts[verdict] += 1
            self.ended_here += ending != INTERRUPTED
        if ending in (PRUNED, DOOMED) and not trial.further:
            self.saved += max(0, self.max_epochs - trial.epochs)
        if ending in (DOOMED, FAILED) and name in self._able:
            del self._able[name]
            self.best = min(self._able.values(), key=self._rank, default=None)
        if ending == INTERRUPTED:
            trial.interrupted, trial.verdict = True, verdict
        else:
            self.open.pop(name, None)
        if line.get("paused"):
            self._waiting.append((trial, verdict))
        ended = Ended(name, ending, verdict, line["reason"], trial.epochs, trial.value, line["at"])
        self.recent.append(ended)
        return ended


def _skip(line: Line) -> None:
    """A kind that changes nothing in this view."""


def loss_line(line: Line) -> str:
    """`0017 lost its worker on node 3f2a91bc (preempted): why; it goes on in 10 s`, or why a node is avoided."""
    if line["kind"] == "avoid":
        return printable(line["reason"])
    where = f" on node {line['node']}" if "node" in line else ""
    then = f"it goes on in {line['wait']:g} s" if line.get("wait") else "it goes on"
    what = "could not write its checkpoint" if line["failure"] == STORAGE else "lost its worker"
    kind = f" ({line['failure']})" if line["failure"] not in (LOST, STORAGE) else ""
    return f"{line['trial']} {what}{where}{kind}: {printable(line['reason'])}; {then}"
