"""What `tuner run` shows while it runs: a live table on a terminal, plain lines elsewhere, or nothing.

All of it goes to standard error, so that standard output stays free for `--json`. A view is fed the journal's lines as
they are written and asked now and then to refresh; it draws at its own pace, so that the driver may ask often.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Protocol, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from tuner.records.finding import HEALTHY, UNKNOWN
from tuner.records.journal import Line
from tuner.records.trial import ENDINGS
from tuner.report.progress import Ended, Progress, loss_line
from tuner.report.sparkline import sparkline
from tuner.report.wording import count, duration, number, printable, settings

REDRAW_SECONDS = 0.25
"""The table at most this often: drawing it takes about 2 ms of the driver's core."""
IDLE_SECONDS = 1.0
"""The clock alone, when nothing else has changed."""
PROGRESS_SECONDS = 10.0
"""Between two progress lines of the plain view."""
ROWS = 12
"""Running trials shown; the others are counted."""
SPARK_WIDTH = 20


class View(Protocol):
    """Shows a sweep while it runs."""

    def lines(self, lines: Sequence[Line]) -> None:
        """What the driver has just written to the journal.

        A batch with the journal's first line in it is what happened before: it is counted, not told again.
        """

    def refresh(self, now: float) -> None:
        """Draw, where it is time to; `now` in Unix seconds."""

    def close(self) -> None:
        """Leave the terminal as it was."""


def display(*, quiet: bool = False, deadline: float | None = None, stream: TextIO | None = None) -> View:
    """The view that suits `stream` (standard error); `deadline`, in Unix seconds, is when the sweep's clock ends it."""
    stream = stream or sys.stderr
    if quiet:
        return Quiet()
    console = Console(file=stream)
    return LiveTable(console, deadline) if console.is_terminal else PlainLines(stream, deadline)


class Quiet:
    """Shows nothing."""

    def lines(self, lines: Sequence[Line]) -> None: ...

    def refresh(self, now: float) -> None: ...

    def close(self) -> None: ...


class LiveTable:
    """A table that is redrawn in place and gone at the end, when the summary takes its place."""

    def __init__(self, console: Console, deadline: float | None = None) -> None:
        self.progress = Progress()
        self._deadline = deadline
        self._console = console
        self._live: Live | None = None
        self._drawn_at = -1e18
        self._changed = True

    def lines(self, lines: Sequence[Line]) -> None:
        self._changed = self._changed or bool(lines)
        self.progress.apply(lines)
        if _is_history(lines):
            self.progress.recent.clear()

    def refresh(self, now: float) -> None:
        if 0 <= now - self._drawn_at < (REDRAW_SECONDS if self._changed else IDLE_SECONDS):
            return
        self._drawn_at, self._changed = now, False
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False, transient=True, redirect_stdout=False)
            self._live.start()
        self._live.update(self.picture(now), refresh=True)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def picture(self, now: float) -> RenderableType:
        """The whole view as it stands; costs by the number of rows shown, not of trials."""
        progress = self.progress
        parts: list[RenderableType] = [_one_line(headline(progress, now, self._deadline), "bold")]
        if progress.waiting:
            parts.append(_one_line(progress.waiting, "yellow"))
        if progress.best is not None:
            best = progress.best
            told = f"best {progress.metric} {number(best.value)}, trial {best.trial}, epoch {best.epoch}: "
            parts.append(_one_line(told + settings(best.config)))
        parts.append(_one_line(counts_line(progress)))
        parts += self._running_rows()
        parts += [_one_line(ending_line(ended, progress.metric), _style(ended.verdict)) for ended in progress.recent]
        parts += [_one_line(told, "yellow") for told in progress.losses]
        parts += [_one_line(f"the sweep: {printable(says)}", "yellow") for says in progress.findings[:3]]
        return Group(*parts)

    def _running_rows(self) -> list[Text]:
        """Padded by hand: a rich table costs three times as much to draw."""
        progress = self.progress
        of = str(progress.max_epochs)
        wide = max(len("epoch"), 2 * len(of) + 1)
        best = f"best {printable(progress.metric)}"
        side = max(len(best), 10)
        rows = [
            _one_line(f"{'running':<8} {'epoch':>{wide}}  {'loss':<{SPARK_WIDTH}} {best:>{side}}  configuration", "dim")
        ]
        running = progress.running
        for trial in running[:ROWS]:
            drawn, told = sparkline(list(trial.curve), SPARK_WIDTH), settings(trial.config)
            told = f"{trial.verdict}: {told}" if trial.verdict else told
            epoch = f"{trial.epoch}/{of}"
            rows.append(
                _one_line(
                    f"{trial.trial:<8} {epoch:>{wide}}  {drawn:<{SPARK_WIDTH}} {number(trial.value):>{side}}  {told}",
                    "yellow" if trial.verdict else "",
                )
            )
        if len(running) > ROWS:
            rows.append(_one_line(f"and {len(running) - ROWS} more", "dim"))
        return rows


class PlainLines:
    """One line for each ending, and one of progress now and then: for logs and pipes."""

    def __init__(self, stream: TextIO, deadline: float | None = None) -> None:
        self.progress = Progress()
        self._stream = stream
        self._deadline = deadline
        self._told_at: float | None = None
        self._told = ""

    def lines(self, lines: Sequence[Line]) -> None:
        endings = self.progress.apply(lines)
        if _is_history(lines):
            return
        for ended in endings:
            print(ending_line(ended, self.progress.metric), file=self._stream)
        for line in lines:
            if line["kind"] == "waiting":
                print(printable(line["says"]), file=self._stream, flush=True)
            if line["kind"] in ("lost", "avoid"):
                print(loss_line(line), file=self._stream)
            if line["kind"] == "sweep_finding":
                print(f"the sweep: {printable(line['finding']['says'])}", file=self._stream)

    def refresh(self, now: float) -> None:
        if self._told_at is not None and now - self._told_at < PROGRESS_SECONDS:
            return
        progress = self.progress
        told = f"{len(progress.running)} running, {count(progress.epochs, 'epoch')} trained, {counts_line(progress)}"
        if told != self._told:
            best = f", best {progress.metric} {number(progress.best.value)}" if progress.best else ""
            print(f"{headline(progress, now, self._deadline)}{best}: {told}", file=self._stream, flush=True)
        self._told_at, self._told = now, told

    def close(self) -> None:
        self._stream.flush()


def _is_history(lines: Sequence[Line]) -> bool:
    return bool(lines) and lines[0]["kind"] == "sweep"


def headline(progress: Progress, now: float, deadline: float | None = None) -> str:
    """`digits-mlp: 12 of 64 trials, 3 min 05 s, about 9 min 40 s left`."""
    of = f" of {progress.total}" if progress.total else ""
    told = [f"{printable(progress.name)}: {progress.done}{of} trials ended"]
    if progress.driver_at is not None:
        told.append(duration(now - progress.driver_at))
    if progress.controls_begun:
        told.append(f"{progress.controls} of {count(progress.controls_begun, 'control')}")
    if progress.further_wanted:
        told.append(f"{progress.further} of {progress.further_wanted} finalists' trainings")
    left = progress.seconds_left(now)
    if deadline is not None and (left is None or deadline - now < left):
        told.append(f"at most {duration(deadline - now)} left")
    elif left is not None:
        told.append(f"about {duration(left)} left")
    return ", ".join(told)


def counts_line(progress: Progress) -> str:
    """`completed 2, pruned 9 · overfitting 3, unknown 8 · 121 epochs saved`."""
    endings = [f"{ending} {progress.endings[ending]}" for ending in ENDINGS if progress.endings[ending]]
    verdicts = [f"{verdict} {amount}" for verdict, amount in progress.verdicts.most_common(5) if amount > 0]
    parts = [", ".join(endings), ", ".join(verdicts), f"{count(progress.saved, 'epoch')} saved"]
    return " · ".join(part for part in parts if part)


def ending_line(ended: Ended, metric: str) -> str:
    """`0017 pruned after 3 epochs, overfitting, val_loss 0.41: 7th of 9 at epoch 3`."""
    value = f", {printable(metric)} {number(ended.value)}" if ended.value is not None else ""
    reason = f": {printable(ended.reason)}" if ended.reason else ""
    return f"{ended.trial} {ended.ending} after {count(ended.epochs, 'epoch')}, {ended.verdict}{value}{reason}"


def _one_line(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _style(verdict: str) -> str:
    return {HEALTHY: "green", UNKNOWN: "dim"}.get(verdict, "yellow")
