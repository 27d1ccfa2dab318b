"""What does the tuner add to the time of training, beside Ray Tune as tutorials use it and Optuna alone?

Two questions, each put to the three sides in turn, in the same run, so that drift of the machine hits all:

trivial  the marginal cost of a trial that costs nothing itself (five reports): the slope between two numbers of
         trials, so that start-up falls out. With torch loaded in the trial, as training needs it, and without.
digits   a whole sweep: 30 trials of at most 27 epochs, pruned by successive halving, an MLP on scikit-learn's digits.
         `search`: from the first epoch to the end; `command`: imports and start-up too.

All log every epoch to MLflow on SQLite; Ray has two slots. `--rounds 3` takes medians over three; `--json` prints one
object instead of the tables.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

PEERS = Path(__file__).parent / "peers"
SIDES = {"tuner": "tuner_itself.py", "optuna": "optuna_alone.py", "ray": "ray_tune_tutorial.py"}
SAYS = {"tuner": "tuner", "optuna": "Optuna alone, MLflow by the epoch", "ray": "Ray Tune, the tutorials' way"}
COUNTS = {"tuner": (20, 220), "optuna": (20, 120), "ray": (4, 12)}
"""Trials of the shorter and the longer trivial sweep: apart far enough for the slope to stand out of the noise."""
DIGITS_TRIALS = 30

QUIET = {"OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0", "MLFLOW_DISABLE_TELEMETRY": "true"}


def one(side: str, kind: str, trials: int, seed: int) -> dict[str, float]:
    """One sweep of one side in a process and a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        command = [sys.executable, str(PEERS / SIDES[side]), kind, str(trials), str(seed)]
        began = time.perf_counter()
        done = subprocess.run(command, cwd=folder, env=os.environ | QUIET, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    answer = json.loads(done.stdout.splitlines()[-1])
    if answer["trials"] != trials:
        sys.exit(f"{side} ran {answer['trials']} trials of {trials}: nothing to compare")
    return {**answer, "command": seconds}


def trivial(kind: str, sides: list[str], rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds that one more trial takes."""
    slopes: dict[str, list[float]] = {side: [] for side in sides}
    for seed in range(rounds):
        for side in sides:
            few, many = COUNTS[side]
            less, more = one(side, kind, few, seed)["seconds"], one(side, kind, many, seed)["seconds"]
            slopes[side].append(1e3 * (more - less) / (many - few))
            progress(kind, side, f"{slopes[side][-1]:.0f} ms a trial")
    return {side: {"trial_ms": median(values)} for side, values in slopes.items()}


def digits(sides: list[str], rounds: int) -> dict[str, dict[str, float]]:
    """Seconds of the whole sweep, and what came of it."""
    answers: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    for seed in range(rounds):
        for side in sides:
            answers[side].append(one(side, "digits", DIGITS_TRIALS, seed))
            progress("digits", side, f"{answers[side][-1]['seconds']:.1f} s")
    names = {"search_seconds": "seconds", "command_seconds": "command", "epochs": "epochs", "best_val_loss": "best"}
    return {
        side: {name: median(answer[key] for answer in given) for name, key in names.items()}
        for side, given in answers.items()
    }


def table(title: str, rows: dict[str, dict[str, float]]) -> str:
    """Each number beside its ratio to the tuner's (or, without it, to the first side's)."""
    columns = list(next(iter(rows.values())))
    base = next(iter(rows.values()))
    out = [title, " " * 36 + "".join(f"{name:>22}" for name in columns)]
    for side, row in rows.items():
        cells = [f"{row[name]:>14.3f} {row[name] / base[name]:>6.1f}×" for name in columns]
        out.append(f"{SAYS[side]:<36}" + "".join(cells))
    return "\n".join(out)


def progress(kind: str, side: str, says: str) -> None:
    print(f"  {kind:<20}{side:<8}{says}", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="medians over so many, each with its own seed")
    parser.add_argument("--only", nargs="+", choices=["trivial", "trivial_with_torch", "digits"])
    parser.add_argument("--sides", nargs="+", choices=list(SIDES), default=list(SIDES))
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    chosen = parser.parse_args()
    results = {}
    for kind in chosen.only or ["trivial", "trivial_with_torch", "digits"]:
        results[kind] = (
            digits(chosen.sides, chosen.rounds) if kind == "digits" else trivial(kind, chosen.sides, chosen.rounds)
        )
        if not chosen.json:
            print(table(kind, results[kind]), end="\n\n", flush=True)
    if chosen.json:
        print(json.dumps({"rounds": chosen.rounds, "cpus": os.cpu_count(), "results": results}, indent=1))


if __name__ == "__main__":
    main()
