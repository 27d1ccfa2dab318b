"""What MLflow is told of a trial and of its sweep: names, tags, parameters, metrics and status. Pure."""

from __future__ import annotations

import getpass
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from tuner.records.finding import Finding
from tuner.records.journal import Line
from tuner.records.seeds import chosen_by_mean
from tuner.records.trial import COMPLETED, DOOMED, FAILED, INTERRUPTED, PRUNED, SweepRecord, TrialRecord
from tuner.records.values import Config, decode_metrics
from tuner.tracking import store
from tuner.tracking.store import Point

STATUS = {
    COMPLETED: store.FINISHED,
    PRUNED: store.KILLED,
    DOOMED: store.KILLED,
    INTERRUPTED: store.KILLED,
    FAILED: store.FAILED,
}
SWEEP_STATUS = {
    "running": store.RUNNING,
    "finished": store.FINISHED,
    "stopped": store.KILLED,
    "failed": store.FAILED,
}
ABANDONED = "its driver died: `tuner run --resume` goes on with it"
OURS = "tuner."
"""How the names of our tags begin."""
LONGEST_NAME, LONGEST_TAG, LONGEST_PARAM = 250, 5000, 6000
"""Characters. MLflow's own limits; older servers take 5,000 of a tag, newer ones 8,000."""
CURVES_ELSEWHERE = "curves.parquet of the parent run"
NOTE = "mlflow.note.content"
"""The description of a run in MLflow's UI."""
NOT_A_RESULT = ("lr", "grad_norm")
"""Per-epoch metrics whose value at the best epoch says nothing: no `best_lr`."""


def ms(at: float) -> int:
    return round(at * 1000)


def allowed_name(name: str) -> str:
    """The name of a metric, a parameter or a tag as MLflow allows it: what it refuses becomes `_`."""
    parts = [part for part in re.sub(r"[^\w.\- :/]", "_", name).split("/") if part not in ("", ".", "..")]
    return "/".join(parts)[:LONGEST_NAME] or "_"


def trial_status(record: TrialRecord, abandoned: bool = False) -> str:
    if record.ending is None:
        return store.KILLED if abandoned else store.RUNNING
    return STATUS[record.ending]


def trial_tags(
    record: TrialRecord,
    head: Line,
    shared: Mapping[str, str],
    infinite: str = "",
    abandoned: bool = False,
    has_curve: bool = True,
) -> dict[str, str]:
    """`shared` are the parent and the code version, the same for all trials; `has_curve`: its epochs are here."""
    tags = {
        **shared,
        "tuner.run": str(head["run"]),
        "tuner.sweep": str(head["name"]),
        "tuner.trial": record.trial,
        "tuner.origin": record.origin,
        "tuner.seed": str(record.seed),
        "tuner.ending": record.ending or ("abandoned" if abandoned else "running"),
    }
    reason = ABANDONED if abandoned and record.ending is None else record.reason
    if reason:
        tags["tuner.reason"] = reason
    if record.verdict:
        tags["tuner.verdict"] = record.verdict
    if record.repeat_of:
        tags["tuner.repeat_of"] = record.repeat_of
    if record.node:
        tags["tuner.node"] = record.node
    if infinite:
        tags["tuner.infinite"] = infinite
    if not has_curve and record.ending:
        tags["tuner.curves"] = CURVES_ELSEWHERE
    if record.traceback:
        tags["tuner.traceback"] = record.traceback[-LONGEST_TAG:]
    if record.diagnosis:
        tags |= finding_tags(record.diagnosis.findings)
    return clipped(tags)


def finding_tags(findings: Iterable[Finding]) -> dict[str, str]:
    """One tag a symptom, so that a search can ask for it: `tuner.finding.overfitting`."""
    tags: dict[str, str] = {}
    for finding in findings:
        since = f" since epoch {finding.since_epoch}" if finding.since_epoch is not None else ""
        tags.setdefault(f"tuner.finding.{finding.symptom}", f"{finding.confidence:.2f}{since}: {finding.says}")
    return tags


def clipped(tags: Mapping[str, str]) -> dict[str, str]:
    return {allowed_name(name): value[:LONGEST_TAG] for name, value in tags.items()}


def params(config: Config | Mapping[str, Any]) -> dict[str, str]:
    """By recorded name, flat. MLflow keeps parameters as text."""
    return {allowed_name(name): str(value)[:LONGEST_PARAM] for name, value in config.items()}


def epoch_points(report: Line) -> list[Point]:
    """A report's metrics. An infinity would be stored as 1.8e308 and flatten every chart: it is NaN here, and a tag."""
    return points_of(decode_metrics(report["metrics"]), report["epoch"], report["at"])


def points_of(metrics: Mapping[str, float], epoch: int, at: float) -> list[Point]:
    """One epoch's metrics, reported `at` (Unix seconds)."""
    return [
        Point(allowed_name(name), value if math.isfinite(value) else math.nan, epoch, ms(at))
        for name, value in metrics.items()
    ]


def infinities(record: TrialRecord) -> str:
    """Which metrics were infinite, and when; empty for most trials."""
    seen: dict[str, list[int]] = {}
    for row in record.epochs:
        for name, value in row.metrics.items():
            if math.isinf(value):
                seen.setdefault(name, []).append(row.epoch)
    return "; ".join(f"{name} at epoch {', '.join(map(str, epochs))}" for name, epochs in seen.items())


def closing_points(record: TrialRecord, metric: str) -> list[Point]:
    """What the UI's table shows of a trial that has ended: values at the best epoch, the last one of the sweep's
    metric, epochs, seconds."""
    if not record.epochs or record.ended_at is None:
        return []
    at, last = ms(record.ended_at), record.epochs[-1].epoch
    points = [
        Point("epochs", float(len(record.epochs)), last, at),
        Point("seconds", round(record.seconds, 3), last, at),
    ]
    final = record.epochs[-1].metrics.get(metric)
    if final is not None:
        points.append(Point(allowed_name(f"last_{metric}"), final if math.isfinite(final) else math.nan, last, at))
    if record.best_epoch is not None:
        best = next(row for row in record.epochs if row.epoch == record.best_epoch)
        points.append(Point("best_epoch", float(best.epoch), best.epoch, at))
        points += [
            Point(allowed_name(f"best_{name}"), value if math.isfinite(value) else math.nan, best.epoch, at)
            for name, value in best.metrics.items()
            if name not in NOT_A_RESULT
        ]
    return points


def facts_points(report: Line) -> list[Point]:
    """What a trial's first report says about its network, at epoch 0: the untrained one."""
    facts, at = report.get("facts") or {}, ms(report["at"])
    values = decode_metrics({name: facts[name] for name in ("n_parameters", "initial_loss") if name in facts})
    return [Point(name, value if math.isfinite(value) else math.nan, 0, at) for name, value in values.items()]


def code_tags(environment: Mapping[str, Any]) -> dict[str, str]:
    """Where MLflow looks for who ran which code."""
    tags = {"mlflow.source.name": "tuner", "mlflow.source.type": "LOCAL", "mlflow.user": _user()}
    git = environment.get("git") or {}
    if git.get("commit"):
        tags["mlflow.source.git.commit"] = str(git["commit"])
    return tags


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return "unknown"


def sweep_tags(record: SweepRecord, environment: Mapping[str, Any], abandoned: bool = False) -> dict[str, str]:
    status = "abandoned" if abandoned and record.status == "running" else record.status
    tags = {**code_tags(environment), "tuner.run": record.run, "tuner.sweep": record.name, "tuner.status": status}
    if (environment.get("git") or {}).get("dirty"):
        tags["tuner.git.dirty"] = "true"
    tags |= {f"tuner.version.{name}": str(version) for name, version in (environment.get("versions") or {}).items()}
    if record.total_trials:  # as a parameter, which never changes, stands what was asked for first
        tags["tuner.trials"] = str(record.total_trials)
    if record.task:
        tags["tuner.task"] = record.task
    if status != "running":
        reason = ABANDONED if status == "abandoned" else record.reason
        tags |= {"tuner.reason": reason} if reason else {}
        if record.best is not None:
            tags["tuner.best_trial"] = record.best.trial
            tags |= {"tuner.best_verdict": record.best.verdict} if record.best.verdict else {}
    if record.final_test is not None:
        tags["tuner.test.touched"] = str(record.final_test.touched)
        tags["tuner.test"] = record.final_test.says
    tags |= {f"tuner.night.{name}": value for name, value in record.night.items()}
    if record.finalists:
        tags["tuner.finalists"] = ", ".join(record.finalists)
    return clipped(tags | finding_tags(record.findings))


def sweep_params(head: Line, sweep_file: Mapping[str, Any]) -> dict[str, str]:
    """The journal's first line, and of the resolved sweep what is the same for all its trials."""
    flat: dict[str, Any] = {name: head[name] for name in ("metric", "mode", "max_epochs", "trials", "seed", "task")}
    for section in ("fixed", "search", "stop", "data"):
        _flatten(section, sweep_file.get(section), flat)
    flat = {name: value for name, value in flat.items() if value not in (None, "", "null")}
    for twin in ("search.trials", "search.max_epochs"):
        flat.pop(twin, None)
    return params(dict(list(flat.items())[:100]))  # one request's worth; the rest is in sweep.yaml beside it


def _flatten(name: str, value: object, into: dict[str, Any]) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _flatten(f"{name}.{key}", inner, into)
    elif value is not None:
        into[name] = value


def sweep_points(record: SweepRecord) -> list[Point]:
    """The sweep in numbers, once it has ended."""
    at = ms(record.ended_at or record.started_at)
    endings = Counter(trial.ending for trial in record.trials if trial.ending)
    points = [
        Point("trials", float(len(record.trials)), record.attempt, at),
        Point("epochs", float(sum(len(trial.epochs) for trial in record.everything)), record.attempt, at),
    ]
    points += [Point(f"trials_{ending}", float(endings[ending]), record.attempt, at) for ending in STATUS]
    verdicts = Counter(trial.verdict for trial in record.trials if trial.verdict)
    points += [
        Point(allowed_name(f"verdict_{verdict}"), float(amount), record.attempt, at)
        for verdict, amount in sorted(verdicts.items())
    ]
    if "total" in record.seconds:
        points.append(Point("seconds", round(record.seconds["total"], 3), record.attempt, at))
    if record.best is not None and record.best.value is not None:
        points.append(Point(allowed_name(f"best_{record.metric}"), record.best.value, record.attempt, at))
        if record.best.best_epoch is not None:
            points.append(Point("best_epoch", float(record.best.best_epoch), record.attempt, at))
    controls = [one.value for one in record.controls if one.ending == COMPLETED and one.value is not None]
    if controls:
        mean = math.fsum(controls) / len(controls)
        points.append(Point(allowed_name(f"control_{record.metric}"), mean, record.attempt, at))
    tested = record.final_test
    if tested is not None:
        points += [
            Point(allowed_name(name), value, tested.touched, ms(tested.at)) for name, value in tested.metrics.items()
        ]
    chosen = chosen_by_mean(record)
    if chosen is not None and chosen.mean is not None:
        points.append(Point(allowed_name(f"best_mean_{record.metric}"), chosen.mean, record.attempt, at))
        for side, value in zip(("low", "high"), chosen.interval or (), strict=False):
            points.append(Point(allowed_name(f"best_mean_{record.metric}_{side}"), value, record.attempt, at))
    return points
