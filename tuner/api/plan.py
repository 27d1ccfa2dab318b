"""What a sweep will do, in a few lines: `check` prints it, `run` prints it and then does just that."""

from __future__ import annotations

from tuner.records.trial import ParameterRecord
from tuner.sweep import Sweep


def describe(sweep: Sweep) -> str:
    """Plain text, some ten lines."""
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
    return "\n".join(rows)


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
    parts = [f"{asked.cpu:g} CPU"]
    if asked.gpu:
        parts.append(f"{asked.gpu:g} GPU")
    if asked.memory:
        parts.append(f"{asked.memory / 2**30:.3g} GiB")
    if asked.accelerator:
        parts.append(asked.accelerator)
    if asked.workers == 1:
        return ", ".join(parts)
    return f"{asked.workers} workers that share each batch, each with {', '.join(parts)}"


def _space(sweep: Sweep) -> list[str]:
    items = sweep.space.records()
    width = max((len(item.name) for item in items), default=0)
    return [f"{item.name:{width}}  {_range(item)}" for item in items] or ["(empty: every trial is the same)"]


def _range(item: ParameterRecord) -> str:
    if item.kind in ("float", "int"):
        return f"{item.kind} {item.low:g} to {item.high:g}{' (log)' if item.log else ''}"
    return f"{item.kind} " + ", ".join(str(option) for option in item.options)
