"""Peer: Ray Tune alone on trials that sleep.

`sleeping_ray.py KIND SLOTS TRIALS EPOCHS SECONDS`, in an empty folder; prints one JSON object. KIND: `ray` is a class
Trainable with reused actors and Tune's own loggers, as they are by default; `bare` the same with the loggers and Tune's
snapshots off; `tutorial` a function, one actor a trial. Nothing is tracked, diagnosed or searched for.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import sleeping

KIND = sys.argv[1] if len(sys.argv) > 1 else "ray"
os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
if KIND == "bare":
    os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"
    os.environ["TUNE_GLOBAL_CHECKPOINT_S"] = str(10**9)

import ray  # noqa: E402  # reads the environment
from ray import tune  # noqa: E402


class Sleeper(tune.Trainable):
    def setup(self, config: dict[str, Any]) -> None:
        self._reports = sleeping.reports(**config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._reports = sleeping.reports(**new_config)
        return True

    def step(self) -> dict[str, Any]:
        metrics = next(self._reports)
        return metrics | {"done": metrics["epoch"] == self.config["epochs"]}

    def save_checkpoint(self, checkpoint_dir: str) -> None: ...

    def load_checkpoint(self, checkpoint: Any) -> None: ...


def sleeper(config: dict[str, Any]) -> None:
    for metrics in sleeping.reports(**config):
        tune.report(metrics)


class Count(tune.Callback):
    def __init__(self, meter: sleeping.Meter) -> None:
        self._meter = meter

    def on_trial_result(self, *place: Any, result: dict[str, Any], **more: Any) -> None:  # noqa: ARG002
        self._meter.result(result["sent"], result["slept"])


def run(kind: str, slots: int, trials: int, epochs: int, seconds: float) -> dict:
    meeting = Path("meeting").resolve()
    meeting.mkdir()
    if kind == "tutorial":
        (meeting / "everyone").touch()  # a worker is there for one trial
    meter = sleeping.Meter()
    given = {"epochs": epochs, "seconds": seconds, "folder": str(meeting), "workers": slots}
    tuner = tune.Tuner(
        sleeper if kind == "tutorial" else Sleeper,
        param_space={"x": tune.uniform(0.0, 1.0), **given},
        tune_config=tune.TuneConfig(num_samples=trials, reuse_actors=kind != "tutorial"),
        run_config=tune.RunConfig(
            name="sleeping", storage_path=str(Path.cwd() / "results"), callbacks=[Count(meter)], verbose=0
        ),
    )
    results = tuner.fit()
    if results.errors:
        raise results.errors[0]
    return meter.answer(slots) | {"trials": len(results)}


if __name__ == "__main__":
    here = str(Path(__file__).parent)
    os.environ["PYTHONPATH"] = os.pathsep.join([here, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = sys.argv[2]  # all actors start at once, as ours do
    folder = tempfile.mkdtemp(prefix="ray")  # short: a Unix socket's path has room for some 100 characters
    ray.init(
        num_cpus=int(sys.argv[2]),
        include_dashboard=False,
        logging_level=logging.ERROR,
        log_to_driver=False,
        object_store_memory=200 * 2**20,
        _temp_dir=folder,
        _node_ip_address="127.0.0.1",
    )
    print(json.dumps(run(KIND, *map(int, sys.argv[2:5]), float(sys.argv[5]))))
    ray.shutdown()
    shutil.rmtree(folder, ignore_errors=True)
