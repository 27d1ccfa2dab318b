"""summary.json: what a sweep came to, in keys that scripts may rely on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tuner.records.finding import HEALTHY, UNKNOWN
from tuner.records.run_directory import RunDirectory, write_atomically
from tuner.records.seeds import OverSeeds, chosen_by_mean, over_seeds
from tuner.records.trial import DOOMED, ENDINGS, PRUNED, FinalTest, SweepRecord
from tuner.records.values import encode_metrics

SECONDS = ("total", "training", "orchestration", "tracking")
MLFLOW = ("tracking_uri", "experiment", "parent_run")


def summary(record: SweepRecord, tracking: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The summary of a sweep that ended; strict JSON.

    Where the best configuration was chosen by its mean over seeds, `best` has `mean`, `interval` and `seeds` besides;
    `finalists` is there when there are some, `test` after a final test.

    `tracking` has the keys of MLFLOW; what is not known is null, as `parent_run` is until the server was reached.
    `status` is finished, stopped or failed; a sweep whose driver still runs, or was killed, says `running`.
    """
    tracking = tracking or {}
    return {
        "sweep": record.name,
        "run": record.run,
        "path": record.path,
        "status": record.status,
        "metric": record.metric,
        "mode": record.mode,
        "best": _best(record),
        "trials": ending_counts(record),
        "verdicts": verdict_counts(record),
        "epochs": {
            "trained": sum(len(trial.epochs) for trial in record.trainings),
            "repeated": sum(trial.repeated for trial in record.trainings),
            "saved": epochs_saved(record),
        },
        "seconds": {name: round(record.seconds.get(name, 0.0), 3) for name in SECONDS},
        "mlflow": {name: tracking.get(name) for name in MLFLOW},
        **({} if record.final_test is None else {"test": _test(record.final_test)}),
        **({"finalists": [_over_seeds(one) for one in over_seeds(record)]} if record.finalists else {}),
    }


def write_summary(
    record: SweepRecord, run_dir: RunDirectory, tracking: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Write summary.json, whole or not at all, and return what stands in it."""
    content = summary(record, tracking)
    write_atomically(run_dir.summary, json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n")
    return content


def ending_counts(record: SweepRecord) -> dict[str, int]:
    """`total` counts every trial, also those that have not ended."""
    counts = Counter(trial.ending for trial in record.trials)
    return {"total": len(record.trials)} | {ending: counts[ending] for ending in ENDINGS}


def verdict_counts(record: SweepRecord) -> dict[str, int]:
    """Healthy first, unknown last, between them the most frequent first; a trial without a diagnosis is unknown."""
    counts = Counter(trial.verdict or UNKNOWN for trial in record.trials)
    symptoms = sorted(counts.keys() - {HEALTHY, UNKNOWN}, key=lambda verdict: (-counts[verdict], verdict))
    return {verdict: counts[verdict] for verdict in (HEALTHY, *symptoms, UNKNOWN) if counts[verdict]}


def epochs_saved(record: SweepRecord) -> int:
    """Epochs that pruned and doomed trials would have gone on for, up to `max_epochs` each."""
    ended = [trial for trial in record.trials if trial.ending in (PRUNED, DOOMED)]
    return sum(max(0, record.max_epochs - len(trial.epochs)) for trial in ended)


def _best(record: SweepRecord) -> dict[str, Any] | None:
    best = record.best
    if best is None:
        return None
    chosen = chosen_by_mean(record)
    by_mean = {} if chosen is None else _over_seeds(chosen)
    at_best = next((row.metrics for row in best.epochs if row.epoch == best.best_epoch), {})
    return {
        "trial": best.trial,
        "config": dict(best.config),
        "epoch": best.best_epoch,
        "value": best.value,
        "metrics": encode_metrics(at_best),
        "verdict": best.verdict or UNKNOWN,
        **by_mean,
    }


def _test(tested: FinalTest) -> dict[str, Any]:
    """A look at the test split: on which weights, what came out, how often it was touched and when."""
    told = asdict(tested)
    return told | {name: encode_metrics(told[name]) for name in ("metrics", "validation", "noise")}


def _over_seeds(one: OverSeeds) -> dict[str, Any]:
    return {
        "trial": one.trial.trial,
        "mean": one.mean,
        "interval": None if one.interval is None else list(one.interval),
        "seeds": [{"trial": t.trial, "seed": t.seed, "value": t.value, "ending": t.ending} for t in one.trainings],
    }
