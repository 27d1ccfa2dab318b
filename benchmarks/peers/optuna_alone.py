"""Peer: Optuna alone, in one process, with MLflow logged epoch by epoch, the way tutorials do it.

`optuna_alone.py KIND TRIALS [SEED]`, KIND one of trivial, trivial_with_torch and digits; prints one JSON object.
MLflow writes to mlflow.db in the current folder.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator

import mlflow
import optuna
import trivial


def run(kind: str, trials: int, seed: int) -> dict:
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    mlflow.set_experiment("optuna-alone")
    suggest, train, pruner = problem(kind, seed)
    began = time.perf_counter()  # imports, data and the MLflow store are there
    epochs = 0

    def objective(trial: optuna.Trial) -> float:
        nonlocal epochs
        config = suggest(trial)
        best = float("inf")
        with mlflow.start_run(run_name=f"trial-{trial.number:04d}", nested=True):
            mlflow.log_params(config)
            for metrics in train(config):
                epochs += 1
                epoch = metrics.pop("epoch")
                mlflow.log_metrics(metrics, step=epoch)
                best = min(best, metrics["val_loss"])
                trial.report(metrics["val_loss"], epoch)
                if trial.should_prune():
                    mlflow.set_tag("ending", "pruned")
                    raise optuna.TrialPruned
            mlflow.log_metric("best_val_loss", best)
        return best

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed), pruner=pruner)
    with mlflow.start_run(run_name="sweep"):
        study.optimize(objective, n_trials=trials)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "trials": trials, "epochs": epochs, "best": study.best_value}


def problem(
    kind: str, seed: int
) -> tuple[Callable[[optuna.Trial], dict], Callable[[dict], Iterator[dict]], optuna.pruners.BasePruner]:
    """How a trial's configuration is drawn, how it trains, and who prunes it."""
    if kind == "digits":
        import digits

        data = digits.load()
        pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=digits.GRACE, reduction_factor=digits.ETA)
        return digits.suggest, lambda config: digits.train(config, data, seed), pruner
    reports = trivial.reports_with_torch if kind == "trivial_with_torch" else trivial.reports
    return (
        lambda trial: {"x": trial.suggest_float("x", -1.0, 1.0)},
        lambda config: reports(**config),
        optuna.pruners.NopPruner(),
    )


if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    print(json.dumps(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)))
