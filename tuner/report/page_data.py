"""What the report's scripts draw, as one JSON object: short keys, shared texts once, numbers to five digits.

A thousand trials have to fit into a mail; curves are thinned evenly where a sweep has more numbers than the page can
take, and the page says so.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tuner.diagnosis.sweep.diverges_above import is_diverged
from tuner.records.finding import UNKNOWN, Finding
from tuner.records.trial import ENDINGS, SweepRecord, TrialRecord
from tuner.records.values import Config, encode_number
from tuner.report import evidence, importance, units
from tuner.report.summary import verdict_counts
from tuner.report.tables import LOSSES, parameter_names
from tuner.report.verdict_style import SHAPES, styles

CURVE_NUMBERS = 450_000
"""In all curves together, some eight bytes each: with the chart library and the texts the page stays below 8 MB."""
TRACEBACK_LETTERS = 6_000
"""Of each distinct traceback; the last ones, where the error stands."""


class _Pool:
    """Texts and objects that many trials share, each once, by number."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._places: dict[str, int] = {}

    def place(self, item: Any) -> int:
        key = json.dumps(item, sort_keys=True)
        if key not in self._places:
            self._places[key] = len(self.items)
            self.items.append(item)
        return self._places[key]


def page_data(record: SweepRecord, ranking: Sequence[str] = ()) -> dict[str, Any]:
    """Strict JSON; `page.js` names every key again. `ranking`: parameters, those that matter most first."""
    metrics = metric_names(record)
    keep = points_kept(record, metrics)
    remedies, tracebacks, reasons = _Pool(), _Pool(), _Pool()
    trials = [_trial(trial, metrics, keep, remedies, tracebacks, reasons) for trial in record.trials]
    verdicts = list(verdict_counts(record))
    drawn = {verdict: {**asdict(style), "dash": list(style.dash)} for verdict, style in styles(verdicts).items()}
    best = record.best
    return {
        "metric": record.metric,
        "mode": record.mode,
        "maxEpochs": record.max_epochs,
        "best": None if best is None else record.trials.index(best),
        "parameters": _parameters(record),
        "map": map_parameters(record, ranking),
        "metrics": metrics,
        "units": [units.unit(name) for name in metrics],
        "thinnedTo": keep,
        "verdicts": drawn,
        "endings": [ending for ending in ENDINGS if any(trial.ending == ending for trial in record.trials)],
        "shapes": SHAPES,
        "remedies": remedies.items,
        "tracebacks": tracebacks.items,
        "reasons": reasons.items,
        "trials": trials,
    }


def script_json(data: Mapping[str, Any]) -> str:
    """JSON that may stand inside a script element: no text in it can close the element or open a comment."""
    text = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def metric_names(record: SweepRecord) -> list[str]:
    """The sweep's metric first, then the losses, then the others, sorted."""
    there = {name for trial in record.trials for epoch in trial.epochs for name in epoch.metrics}
    first = [name for name in dict.fromkeys((record.metric, *LOSSES)) if name in there]
    return first + sorted(there - set(first))


def points_kept(record: SweepRecord, metrics: Sequence[str]) -> int | None:
    """Points of each curve at most; None where all fit."""
    lengths = sorted(len(trial.epochs) for trial in record.trials)
    budget = CURVE_NUMBERS // max(1, len(metrics))
    if sum(lengths) <= budget:
        return None
    for place, length in enumerate(
        lengths
    ):  # the short curves stay whole; what they leave is shared by the longer ones
        share = budget // (len(lengths) - place)
        if length > share:
            return max(2, share)
        budget -= length
    return None


def map_parameters(record: SweepRecord, ranking: Sequence[str] = ()) -> list[str]:
    """The two axes of the map: `lr` and `batch_size`, or the parameters that matter most."""
    ranked = list(ranking) or importance.ranking(record, None)
    names = parameter_names(record)
    chosen = [name for name in ("lr", "batch_size") if _varies(record, name)]
    chosen += [name for name in (*ranked, *names) if name not in chosen and _varies(record, name)]
    return chosen[:2]


def _varies(record: SweepRecord, name: str) -> bool:
    return len({trial.config[name] for trial in record.trials if name in trial.config}) > 1


def _parameters(record: SweepRecord) -> list[dict[str, Any]]:
    known = {parameter.name: parameter for parameter in record.parameters}
    rows = []
    for name in parameter_names(record):
        values = [trial.config[name] for trial in record.trials if name in trial.config]
        parameter = known.get(name)
        row: dict[str, Any] = {"name": name, "varies": len(set(values)) > 1}
        if parameter is not None and parameter.kind in ("float", "int"):
            row |= {"kind": "number", "low": parameter.low, "high": parameter.high, "log": parameter.log}
            row["whole"] = parameter.kind == "int"
        elif parameter is None and values and all(type(value) in (int, float) for value in values):
            row |= {"kind": "number", "low": None, "high": None, "log": False}
        else:
            options = [] if parameter is None else list(parameter.options)
            row |= {"kind": "choice", "options": list(dict.fromkeys([*options, *values]))}
        rows.append(row)
    return rows


def _trial(
    trial: TrialRecord,
    metrics: Sequence[str],
    keep: int | None,
    remedies: _Pool,
    tracebacks: _Pool,
    reasons: _Pool,
) -> dict[str, Any]:
    epochs = [trial.epochs[place] for place in _kept(trial, keep)]
    curves = [[_short(epoch.metrics.get(name)) for epoch in epochs] for name in metrics]
    row: dict[str, Any] = {
        "name": trial.trial,
        "ending": trial.ending,
        "reason": reasons.place(trial.reason),
        "verdict": trial.verdict or UNKNOWN,
        "value": trial.value,
        "best": trial.best_epoch,
        "epochs": len(trial.epochs),
        "seconds": _short(trial.seconds),
        "node": trial.node or "",
        "origin": trial.origin,
        "config": _config(trial.config),
        "curves": [curve if any(value is not None for value in curve) else [] for curve in curves],
    }
    numbers = [epoch.epoch for epoch in epochs]
    if numbers != list(range(1, len(numbers) + 1)):
        row["at"] = numbers
    if trial.diagnosis is not None and trial.diagnosis.findings:
        row["findings"] = [_finding(finding, remedies) for finding in trial.diagnosis.findings]
    if trial.diagnosis is not None and trial.diagnosis.note:
        row["note"] = trial.diagnosis.note
    if trial.rungs:
        row["rungs"] = [
            [rung.epoch, _short(rung.value), rung.promoted, reasons.place(rung.reason)] for rung in trial.rungs
        ]
    if trial.traceback:
        row["traceback"] = tracebacks.place(trial.traceback[-TRACEBACK_LETTERS:])
    if is_diverged(trial):
        row["diverged"] = True
    if trial.repeated:
        row["repeated"] = trial.repeated
    return row


def _finding(finding: Finding, remedies: _Pool) -> dict[str, Any]:
    return {
        "symptom": finding.symptom,
        "sure": round(finding.confidence, 2),
        "since": finding.since_epoch,
        "says": finding.says,
        "evidence": evidence.told(finding),
        "remedies": [remedies.place(remedy.to_json()) for remedy in finding.remedies],
    }


def _config(config: Config) -> dict[str, Any]:
    return {name: _short(value) if type(value) is float else value for name, value in config.items()}


def _kept(trial: TrialRecord, keep: int | None) -> Sequence[int]:
    """Places of evenly spaced epochs, the first, the best and the last among them."""
    length = len(trial.epochs)
    if keep is None or length <= keep:
        return range(length)
    step = (length - 1) / (keep - 1)
    places = {round(place * step) for place in range(keep)}
    places |= {place for place, epoch in enumerate(trial.epochs) if epoch.epoch == trial.best_epoch}
    return sorted(places)


def _short(value: float | None) -> float | str | None:
    """Five significant digits; what is not finite becomes a word."""
    if value is None or not math.isfinite(value):
        return None if value is None else encode_number(value)
    short = float(f"{value:.5g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short
