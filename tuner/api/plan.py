"""What a sweep will do, in a few lines: `check` prints it, `run` prints it and then does just that."""

from __future__ import annotations

from tuner.records.trial import ParameterRecord
from tuner.sweep import Sweep
from tuner.sweep.sweep import Resources


def describe(sweep: Sweep, *, in_process: bool = False) -> str:
    """Plain text, some ten lines. `in_process`: without Ray."""
    search = sweep.search
    trained = sweep.task or sweep.loop or "a function"
    trials = f"{search.trials} trials" if search.trials is not None else "every point of the grid"
    doomed = "; surely lost trials are stopped" if search.doomed else ""
    rows = [
        f"sweep      {sweep.name}",
        f"trains     {trained}" + (f" with {sweep.model}" if sweep.model else ""),
        f"metric     {sweep.metric.name}, {'lower' if sweep.metric.mode == 'min' else 'higher'} is better",
        f"search     {trials} of at most {search.max_epochs} epochs: {search.algorithm} suggests, "
        f"{search.scheduler} stops{doomed}",
        f"a trial    {_resources(sweep)}",
    ]
    again = _further_seeds(sweep)
    if again:
        rows.append(f"seeds      {again}")
    limits = [f"{sweep.stop.hours:g} hours"] if sweep.stop.hours is not None else []
    limits += [f"{name} reaches {value:g}" for name, value in sweep.stop.target.items()]
    if limits:
        rows.append(f"ends early {' or '.join(limits)}")
    rows += [f"{'space' if number == 0 else '':10} {line}" for number, line in enumerate(_space(sweep))]
    rows += [f"note       {note}" for note in sweep.notes]
    if in_process and sweep.resources.workers > 1:
        rows.append(f"note       {alone(sweep)}")
    return "\n".join(rows)


def alone(sweep: Sweep) -> str:
    """What one process makes of a trial of several workers."""
    return (
        f"resources.workers: {sweep.resources.workers}, and without Ray there is one; the batch is global, so a task's "
        "numbers are the same, and a loop of your own has world_size 1"
    )


def _further_seeds(sweep: Sweep) -> str:
    search = sweep.search
    if search.repeats > 1:
        return f"what comes to its end is trained on {search.repeats} seeds, and its value is their mean"
    if search.finalists is None:
        return ""
    top, seeds = search.finalists.top, search.finalists.seeds
    return f"then the best {top} are trained again on {seeds} further seeds, and the best mean wins"


def _resources(sweep: Sweep) -> str:
    asked = sweep.resources
    if asked.workers == 1:
        return _amounts(asked, 1)
    total, each = _amounts(asked, asked.workers), _amounts(asked, 1)
    return f"{total}, for {asked.workers} workers that share each batch ({each} each)"


def _amounts(asked: Resources, workers: int) -> str:
    parts = [f"{asked.cpu * workers:g} CPU"]
    if asked.gpu:
        parts.append(f"{asked.gpu * workers:g} GPU")
    if asked.memory:
        parts.append(f"{asked.memory * workers / 2**30:.3g} GiB")
    if asked.accelerator:
        parts.append(asked.accelerator)
    return ", ".join(parts)


def _space(sweep: Sweep) -> list[str]:
    items = sweep.space.records()
    width = max((len(item.name) for item in items), default=0)
    return [f"{item.name:{width}}  {_range(item)}" for item in items] or ["(empty: every trial is the same)"]


def _range(item: ParameterRecord) -> str:
    if item.kind in ("float", "int"):
        return f"{item.kind} {item.low:g} to {item.high:g}{' (log)' if item.log else ''}"
    return f"{item.kind} " + ", ".join(str(option) for option in item.options)
