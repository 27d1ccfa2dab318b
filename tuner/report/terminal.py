"""What a terminal shows at the end of a sweep, and of curves that were diagnosed: rich renderables, drawn from records.

A user's text is never read as markup. Lines that one copies (commands, paths) are not wrapped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tuner.records.finding import HEALTHY, UNKNOWN, Diagnosis, Finding, Remedy
from tuner.records.history import History
from tuner.records.run_directory import RunDirectory
from tuner.records.trial import ENDINGS, SweepRecord, TrialRecord
from tuner.report import evidence, expected, losses, seeds_table
from tuner.report.matter import Failures, Matter, failures, findings_that_matter, next_step, shown_path
from tuner.report.sparkline import sparkline
from tuner.report.summary import ending_counts, epochs_saved, verdict_counts
from tuner.report.wording import NOTHING, count, duration, number, percent, printable, scalar, settings

CURVE_WIDTH = 40
MARKS = {HEALTHY: ("✓", "green"), UNKNOWN: ("?", "dim")}
SYMPTOM_MARK = ("!", "yellow")


def show(drawn: RenderableType, stream: TextIO | None = None, width: int | None = None) -> None:
    """Print on `stream` (standard output); colours only where it is a terminal."""
    Console(file=stream, width=width, highlight=False).print(drawn, crop=False)


def print_final(record: SweepRecord, directory: RunDirectory) -> None:
    """The end of a sweep, on standard output."""
    show(final(record, report=shown_path(str(directory.report)) if directory.report.is_file() else None))


def print_diagnoses(histories: Sequence[History], found: Sequence[Diagnosis]) -> None:
    """Each curve's diagnosis, on standard output."""
    show(diagnoses(histories, found))


def final(record: SweepRecord, *, report: str | None = None, run: str | None = None) -> RenderableType:
    """The end of a sweep: best configuration and its verdict, what matters, the next command, the report's path.

    `run` is how the user names the run directory on the next command line.
    """
    parts: list[RenderableType] = [*_outcome(record), Text("")]
    parts += _best(record)
    seeds = seeds_table.terminal(record)
    parts += [Text(""), seeds] if seeds is not None else []
    if record.final_test is not None:
        parts += [Text(""), Text("Final test", "bold"), Text(f"  {printable(record.final_test.says)}")]
    matters, failed = findings_that_matter(record), failures(record)
    if matters or failed:
        parts += [Text(""), Text("What matters", "bold")]
        parts += [_matter(matter) for matter in matters]
        parts += [_failure(failure) for failure in failed[: 3 if not matters else 1]]
    lost = losses.terminal(record)
    parts += [Text(""), lost] if lost is not None else []
    step = next_step(record, run)
    parts += [Text(""), Text("Next", "bold"), _copied(f"  {step.command}"), Text(f"  {printable(step.because)}", "dim")]
    if report is not None:
        parts += [Text("Report", "bold"), _copied(f"  {report}")]
    return Group(*parts)


def trials_table(record: SweepRecord, limit: int = 20) -> RenderableType:
    """The best trials first; those without a value last, in their order."""
    sign = 1.0 if record.mode == "min" else -1.0
    ranked = sorted(record.trials, key=lambda t: (t.value is None, sign * (t.value or 0.0), t.number))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("trial", "ending", "verdict"):
        table.add_column(heading, no_wrap=True)
    for heading in (printable(record.metric), "at epoch", "epochs"):
        table.add_column(Text(heading), justify="right", no_wrap=True)
    table.add_column("configuration", overflow="fold")
    for trial in ranked[:limit]:
        table.add_row(
            trial.trial,
            trial.ending or "running",
            verdict_text(trial.verdict or UNKNOWN),
            number(trial.value),
            NOTHING if trial.best_epoch is None else str(trial.best_epoch),
            str(len(trial.epochs)),
            Text(settings(trial.config)),
        )
    if len(ranked) > limit:
        return Group(table, Text(f"and {count(len(ranked) - limit, 'trial')} more", "dim"))
    return table


def diagnoses(histories: Sequence[History], found: Sequence[Diagnosis]) -> RenderableType:
    """Each curve with its verdict, evidence and remedies, in the given order."""
    return Group(*(part for one in zip(histories, found, strict=True) for part in diagnosis(*one)))


def diagnosis(history: History, found: Diagnosis) -> list[RenderableType]:
    """One history: the verdict, its losses as sparklines, each finding."""
    parts: list[RenderableType] = [Text.assemble((printable(history.id), "bold"), "  ", verdict_text(found.verdict))]
    for name, curve in _drawn_curves(history).items():
        drawn = sparkline(curve, CURVE_WIDTH)
        finite = [value for value in curve if value is not None]
        ends = f"{number(finite[0])} to {number(finite[-1])}" if finite else NOTHING
        parts.append(Text(f"  {printable(name):<12} {drawn}  {ends}", no_wrap=True, overflow="ellipsis"))
    if found.note:
        parts.append(Padding(Text(printable(found.note), "dim"), (0, 0, 0, 2)))
    for finding in found.findings:
        parts += _finding(finding)
    parts.append(Text(""))
    return parts


def verdict_text(verdict: str) -> Text:
    """The word with a mark before it, so that colour is never all there is."""
    mark, style = MARKS.get(verdict, SYMPTOM_MARK)
    return Text(f"{mark} {printable(verdict)}", style)


def _outcome(record: SweepRecord) -> list[RenderableType]:
    counts = ending_counts(record)
    endings = ", ".join(f"{counts[ending]} {ending}" for ending in ENDINGS if counts[ending])
    verdicts = ", ".join(f"{amount} {printable(verdict)}" for verdict, amount in verdict_counts(record).items())
    trained = sum(len(trial.epochs) for trial in record.trainings)
    why = f": {printable(record.reason)}" if record.reason else ""
    total = record.seconds.get("total")
    time = f" in {duration(total)}" if total is not None else ""
    lines: list[RenderableType] = [
        Text.assemble((printable(record.name), "bold"), f" {record.status}{why}"),
        Text(f"{count(counts['total'], 'trial')}{time}" + (f": {endings}" if endings else "")),
    ]
    if verdicts:
        lines.append(Text(f"verdicts: {verdicts}"))
    lines += [Text(printable(told)) for told in record.warm]
    return [*lines, Text(f"{count(trained, 'epoch')} trained, {epochs_saved(record)} saved")]


def _best(record: SweepRecord) -> list[RenderableType]:
    best = record.best
    if best is None:
        return [Text(f"No trial has a finite {printable(record.metric)}: there is no best configuration.", "bold")]
    value = f"{printable(record.metric)} {number(best.value)} at epoch {best.best_epoch} of {record.max_epochs}"
    head = Text.assemble(("Best", "bold"), f"  trial {best.trial}, {value}, ", verdict_text(best.verdict or UNKNOWN))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for name, value_ in best.config.items():
        table.add_row(Text(f"  {printable(name)}"), Text(scalar(value_)))
    others = _other_metrics(best, record.metric)
    by_mean = seeds_table.told(record)
    told = [Text(f"  {printable(by_mean)}")] if by_mean else []
    hoped = expected.expected(record)
    if hoped is not None and hoped.known:
        told.append(Text(f"  {printable(expected.told(hoped, record.metric))}"))
    return [head, *told, table, *([Text(f"  at that epoch: {others}", "dim")] if others else [])]


def _other_metrics(best: TrialRecord, metric: str) -> str:
    row = next((row for row in best.epochs if row.epoch == best.best_epoch), None)
    if row is None:
        return ""
    return ", ".join(f"{printable(name)} {number(value)}" for name, value in row.metrics.items() if name != metric)


def _matter(matter: Matter) -> RenderableType:
    finding = matter.finding
    head = Text.assemble(("! ", "yellow"), (printable(finding.symptom), "bold"), f" ({matter.who}): ")
    body = Text.assemble(head, printable(finding.says))
    rows = [body, *(Text(f"  → {remedy_line(remedy)}") for remedy in finding.remedies[:1])]
    return Padding(Group(*rows), (0, 0, 0, 2))


def _failure(failure: Failures) -> RenderableType:
    who = f"{count(len(failure.trials), 'trial')} failed, {failure.trials[0]} first: "
    return Padding(Text.assemble(("! ", "red"), (who, "bold"), failure.reason), (0, 0, 0, 2))


def _finding(finding: Finding) -> list[RenderableType]:
    since = f", since epoch {finding.since_epoch}" if finding.since_epoch is not None else ""
    head = Text.assemble((printable(finding.symptom), "bold"), f" ({percent(finding.confidence)} sure{since}): ")
    rows: list[RenderableType] = [Text.assemble(head, printable(finding.says))]
    numbers = evidence.told(finding)
    if numbers:
        rows.append(Text(f"evidence: {numbers}", "dim"))
    rows += [Text(f"→ {remedy_line(remedy)}") for remedy in finding.remedies]
    return [Padding(Group(*rows), (0, 0, 0, 2))]


def remedy_line(remedy: Remedy) -> str:
    """`dropout from 0.1 to 0.3: less of the training set is learnt by heart`."""
    change = printable(remedy.change)
    if remedy.old is not None:
        change += f" from {scalar(remedy.old)}"
    if remedy.new is not None:
        change += f" to {scalar(remedy.new)}"
    return f"{change}: {printable(remedy.because)}" if remedy.because else change


def _drawn_curves(history: History) -> dict[str, list[float | None]]:
    """The losses; where there are none, the first curve of all."""
    names = [name for name in ("train_loss", "val_loss") if name in history.curves]
    names = names or [name for name in history.curves if name != "seconds"][:1]
    drawn: dict[str, list[float | None]] = {}
    for name in names:
        gaps = history.missing.get(name)
        values = history.curves[name].tolist()
        drawn[name] = [None if gaps is not None and gaps[place] else value for place, value in enumerate(values)]
    return drawn


def _copied(text: str) -> Text:
    return Text(text, no_wrap=True, overflow="ignore")
