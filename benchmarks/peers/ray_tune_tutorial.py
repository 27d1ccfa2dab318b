"""Peer: Ray Tune, a function trainable with OptunaSearch, ASHA and the MLflow callback, the way tutorials do it.

`ray_tune_tutorial.py KIND TRIALS [SEED]`, KIND one of trivial, trivial_with_torch and digits; prints one JSON object.
MLflow writes to mlflow.db in the current folder.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import ray
from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch


def trivial_trial(config: dict) -> None:
    import trivial

    for metrics in trivial.reports(**config):
        tune.report(metrics)


def trivial_trial_with_torch(config: dict) -> None:
    import trivial

    for metrics in trivial.reports_with_torch(**config):
        tune.report(metrics)


def digits_trial(config: dict) -> None:
    import digits

    seed = config.pop("seed")
    for metrics in digits.train(config, digits.load(), seed):
        tune.report(metrics)


def digits_space(trial, seed: int) -> dict:
    import digits

    digits.suggest(trial)
    return {"seed": seed}


def trivial_space(trial) -> None:
    trial.suggest_float("x", -1.0, 1.0)


def run(kind: str, trials: int, seed: int) -> dict:
    if kind == "digits":
        import digits

        space, trainable = partial(digits_space, seed=seed), digits_trial
        scheduler = ASHAScheduler(
            time_attr="training_iteration",
            max_t=digits.MAX_EPOCHS,
            grace_period=digits.GRACE,
            reduction_factor=digits.ETA,
        )
    else:
        space, scheduler = trivial_space, None
        trainable = trivial_trial_with_torch if kind == "trivial_with_torch" else trivial_trial
    began = time.perf_counter()  # Ray is up
    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            metric="val_loss",
            mode="min",
            search_alg=OptunaSearch(space=space, metric="val_loss", mode="min", seed=seed),
            scheduler=scheduler,
            num_samples=trials,
        ),
        run_config=tune.RunConfig(
            name="tutorial",
            storage_path=str(Path.cwd() / "ray_results"),
            callbacks=[MLflowLoggerCallback(tracking_uri="sqlite:///mlflow.db", experiment_name="ray-tune-tutorial")],
            verbose=0,
        ),
    )
    results = tuner.fit()
    seconds = time.perf_counter() - began
    best = results.get_best_result("val_loss", "min", scope="all")
    return {
        "seconds": seconds,
        "trials": len(results),
        "epochs": sum(result.metrics["training_iteration"] for result in results),
        "best": float(best.metrics_dataframe["val_loss"].min()),
    }


if __name__ == "__main__":
    folder = tempfile.mkdtemp(prefix="ray")  # short: a Unix socket's path has room for some 100 characters
    os.environ["PYTHONPATH"] = str(Path(__file__).parent)  # the workers find digits.py and trivial.py
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        logging_level=logging.ERROR,
        log_to_driver=False,
        object_store_memory=200 * 2**20,
        _temp_dir=folder,
    )
    logging.getLogger("optuna").setLevel(logging.WARNING)
    print(json.dumps(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)))
    ray.shutdown()
    shutil.rmtree(folder, ignore_errors=True)
