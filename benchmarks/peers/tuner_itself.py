"""The tuner, behind the same interface as its peers: two slots of Ray, MLflow on SQLite.

`tuner_itself.py KIND TRIALS [SEED]`, KIND one of trivial, trivial_with_torch and digits; prints one JSON object. Its
seconds run from the first trial's first epoch to the end of the run: report drawn, MLflow complete, Ray shut down.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import trivial

import tuner
from tuner.records.journal import read_journal


def objective(trial: tuner.Trial) -> None:
    for metrics in trivial.reports(trial.config["x"]):
        trial.report(**metrics)


def objective_with_torch(trial: tuner.Trial) -> None:
    for metrics in trivial.reports_with_torch(trial.config["x"]):
        trial.report(**metrics)


def run(kind: str, trials: int, seed: int) -> dict:
    runs = Path("runs")
    before = set(runs.glob("*"))
    if kind == "digits":
        words = ["digits_mlp", "--trials", str(trials), "--set", f"seed={seed}", "--cpus", "2", "--json", "--quiet"]
        subprocess.run([sys.executable, "-m", "tuner", "run", *words], check=True, stdout=subprocess.DEVNULL)
    else:
        tuner.run(
            objective_with_torch if kind == "trivial_with_torch" else objective,
            space={"x": {"float": [-1.0, 1.0]}},
            trials=trials,
            max_epochs=trivial.EPOCHS,
            settings={"seed": seed, "search.scheduler": "none", "search.concurrency": 2},
        )
    ended = time.time()
    (directory,) = set(runs.glob("*")) - before
    first = next(line for line in read_journal(directory / "journal.jsonl") if line["kind"] == "report")
    summary = json.loads((directory / "summary.json").read_text(encoding="utf-8"))
    return {
        "seconds": ended - (first["at"] - first["seconds"]),
        "trials": summary["trials"]["total"],
        "epochs": summary["epochs"]["trained"],
        "best": summary["best"]["value"],
    }


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)))
