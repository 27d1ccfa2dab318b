"""The tuner on trials that sleep, behind the same interface as its peer.

`sleeping_tuner.py KIND SLOTS TRIALS EPOCHS SECONDS`, in an empty folder; KIND: `tuner`. Prints one JSON object. It
starts a Ray of its own, as `tuner run` does, and MLflow on SQLite follows.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import sleeping

import tuner
from tuner.api.launching import Launch
from tuner.api.running import start_sweep
from tuner.records.journal import Line
from tuner.records.run_directory import RunDirectory
from tuner.sweep import sweep_from_mapping
from tuner.tracking.state import read_state
from tuner.training.catalogue import CATALOGUE


def objective(trial: tuner.Trial) -> None:
    given = trial.config
    told = given["seconds"], given["folder"], given["workers"]
    for metrics in sleeping.reports(given["x"], trial.max_epochs, *told):
        trial.report(**metrics)


class Watch:
    """A view that shows nothing: it counts, and looks how far MLflow is behind when the last result is there."""

    def __init__(self, runs: Path, results: int) -> None:
        self.meter = sleeping.Meter()
        self.behind = 0.0
        self._runs, self._results = runs, results

    def lines(self, lines: Sequence[Line]) -> None:
        for line in lines:
            if line["kind"] == "report":
                self.meter.result(line["metrics"]["sent"], line["metrics"]["slept"])
                if self.meter.results == self._results:
                    self._look()

    def _look(self) -> None:
        directory = RunDirectory(next(self._runs.glob("*/journal.jsonl")).parent.resolve())
        state = read_state(directory)
        size = directory.journal.stat().st_size
        self.behind = 1 - (0 if state is None else state.offset) / size

    def refresh(self, now: float) -> None: ...

    def close(self) -> None: ...


def run(slots: int, trials: int, epochs: int, seconds: float) -> dict:
    runs, meeting = Path("runs"), Path("meeting").resolve()
    meeting.mkdir()
    sweep = sweep_from_mapping(
        {
            "name": "sleeping",
            "loop": "sleeping_tuner:objective",
            "space": {"x": {"float": [0.0, 1.0]}},
            "fixed": {"seconds": seconds, "folder": str(meeting), "workers": slots},
            "search": {"trials": trials, "max_epochs": epochs, "scheduler": "none", "doomed": False},
        },
        catalogue=CATALOGUE,
    )
    watch = Watch(runs, trials * epochs)
    finished = start_sweep(
        sweep,
        Launch(runs=runs, cpus=slots, loop=objective, display=lambda _: watch, tracking_wait=600.0),
    )
    directory = finished.directory
    state = read_state(directory)
    if state is None or not state.complete:
        sys.exit(f"MLflow did not get all of it: {state}")
    return watch.meter.answer(slots) | {
        "trials": trials,
        "mlflow_behind": watch.behind,
        "mlflow_seconds": max(directory.tracking.stat().st_mtime - watch.meter.ended, 0.0),
    }


if __name__ == "__main__":
    here = str(Path(__file__).parent)  # the workers find sleeping.py there
    os.environ["PYTHONPATH"] = os.pathsep.join([here, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    print(json.dumps(run(*map(int, sys.argv[2:5]), float(sys.argv[5]))))
