"""What does a suggestion cost when a sweep has had 10, 1,000 and 10,000 trials, beside Optuna's own TPE?

Each row is a process of its own: a searcher is given a history of trials (ten parameters of every kind; pruned and
completed as ASHA leaves them), then suggests twenty more and is told of them. Milliseconds of CPU: `suggest` the mean
and the worst of the twenty, `tell` all reports of a trial and its end. `peak` is what memory grew by, at its peak, from
before the first trial on. The peer is Optuna's TPESampler with its defaults, in a study in memory; it has the history
as enqueued trials.

`--json` prints one array of rows {searcher, trials, suggest_ms, suggest_worst_ms, tell_ms, peak_mb, ratio}, the last
being `suggest_ms` over the peer's with as many trials.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tuner.search.make import make_searcher
from tuner.space import Choice, Float, Int, Parameter, Space
from tuner.sweep.sections import SearchSection

PEER = "optuna-tpe"
SIDES = ("default", "random", "gp", "cmaes", PEER)
TRIALS = (10, 1_000, 10_000)
MEASURED = 20
PRUNED_AT = (1, 1, 1, 1, 3, 3, 9)
"""Epochs of the trials, in about the shares that ASHA leaves."""
MAX_EPOCHS = 9
SPACE = Space(
    tuple(
        Parameter(name, name, domain)
        for name, domain in {
            "lr": Float(1e-5, 1.0, log=True),
            "weight_decay": Float(1e-6, 0.1, log=True),
            "dropout": Float(0.0, 0.6),
            "momentum": Float(0.5, 0.99),
            "smoothing": Float(0.0, 0.2),
            "warmup": Float(0.0, 0.3),
            "depth": Int(1, 6),
            "width": Int(32, 512, log=True),
            "batch_size": Choice((32, 64, 128)),
            "optimizer": Choice(("adamw", "sgd")),
        }.items()
    )
)


class Side(Protocol):
    """A searcher, ours or the peer."""

    def begin(self, number: int, config: Any) -> None: ...
    def suggest(self, number: int) -> Any: ...
    def tell(self, number: int, value: float, epochs: int) -> None: ...


class Ours:
    def __init__(self, name: str) -> None:
        algorithm = SearchSection.model_fields["algorithm"].default if name == "default" else name
        self._searcher = make_searcher(algorithm, {}, SPACE, mode="min", seed=0)
        self.begin, self.suggest = self._searcher.begin, self._searcher.suggest

    def tell(self, number: int, value: float, epochs: int) -> None:
        for epoch in range(1, epochs + 1):
            self._searcher.on_trial_result(number, epoch, value + 1 / epoch)
        broken = math.isnan(value)
        ending = "doomed" if broken else "completed" if epochs == MAX_EPOCHS else "pruned"
        self._searcher.on_trial_end(number, ending, None if broken else value, diverged=broken)


class Peer:
    def __init__(self) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._pruned = optuna.trial.TrialState.PRUNED
        self._study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
        self._trials: dict[int, optuna.Trial] = {}

    def begin(self, number: int, config: Any) -> None:
        self._study.enqueue_trial(config)
        self.suggest(number)

    def suggest(self, number: int) -> Any:
        trial = self._trials[number] = self._study.ask()
        config: dict[str, Any] = {}
        for item in SPACE.parameters:
            match item.domain:
                case Float(low, high, log):
                    config[item.name] = trial.suggest_float(item.name, low, high, log=log)
                case Int(low, high, log):
                    config[item.name] = trial.suggest_int(item.name, low, high, log=log)
                case Choice(options):
                    config[item.name] = trial.suggest_categorical(item.name, options)
        return config

    def tell(self, number: int, value: float, epochs: int) -> None:
        trial = self._trials.pop(number)
        for epoch in range(1, epochs + 1):
            trial.report(value + 1 / epoch, epoch)
        if math.isnan(value) or epochs < MAX_EPOCHS:
            self._study.tell(trial, state=self._pruned)
        else:
            self._study.tell(trial, value)


def loss(config: Any) -> float:
    """A valley at lr = 0.01; above 0.3 it diverges."""
    return math.nan if config["lr"] > 0.3 else (math.log10(config["lr"]) + 2) ** 2 + config["dropout"]


def measure(name: str, trials: int) -> dict[str, Any]:
    side: Side = Peer() if name == PEER else Ours(name)
    draw, rng = random.Random(0), np.random.default_rng(0)
    before = peak_mb()
    for number in range(trials):
        if name == "cmaes":  # it learns from its own suggestions alone
            config = side.suggest(number)
        else:
            side.begin(number, config := SPACE.sample(rng))
        side.tell(number, loss(config), draw.choice(PRUNED_AT))
    side.tell(trials, loss(side.suggest(trials)), MAX_EPOCHS)  # the first thought imports what it needs
    suggesting, telling = [], []
    for number in range(trials + 1, trials + 1 + MEASURED):
        began = time.process_time()
        config = side.suggest(number)
        suggesting.append(1e3 * (time.process_time() - began))
        began = time.process_time()
        side.tell(number, loss(config), draw.choice(PRUNED_AT))
        telling.append(1e3 * (time.process_time() - began))
    return {
        "searcher": name,
        "trials": trials,
        "suggest_ms": sum(suggesting) / MEASURED,
        "suggest_worst_ms": max(suggesting),
        "tell_ms": sum(telling) / MEASURED,
        "peak_mb": peak_mb() - before,
    }


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def apart(name: str, trials: int) -> dict[str, Any]:
    """`measure` in a process of its own, on one thread."""
    command = [sys.executable, str(Path(__file__).resolve()), "--one", name, str(trials)]
    done = subprocess.run(
        command, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    return dict(json.loads(done.stdout))


def table(rows: list[dict[str, Any]]) -> str:
    out = [f"{'':<12}{'trials':>8}{'suggest ms':>12}{'worst':>9}{'tell ms':>9}{'peak MB':>9}{'/ peer':>8}"]
    out += [
        f"{row['searcher']:<12}{row['trials']:>8,}{row['suggest_ms']:>12.1f}{row['suggest_worst_ms']:>9.1f}"
        f"{row['tell_ms']:>9.2f}{row['peak_mb']:>9.1f}{row['ratio']:>8.2f}"
        for row in rows
    ]
    return "\n".join(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--searchers", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--trials", nargs="+", type=int, default=list(TRIALS), help="lengths of the history")
    parser.add_argument("--json", action="store_true", help="one JSON array on standard output")
    parser.add_argument("--one", nargs=2, metavar=("SEARCHER", "TRIALS"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(measure(chosen.one[0], int(chosen.one[1]))))
        return
    rows: list[dict[str, Any]] = []
    for trials in chosen.trials:
        peer = apart(PEER, trials)
        for name in chosen.searchers:
            row = peer if name == PEER else apart(name, trials)
            rows.append(row | {"ratio": row["suggest_ms"] / peer["suggest_ms"]})
            print(f"  {name} {trials}: {row['suggest_ms']:.1f} ms", file=sys.stderr, flush=True)
    print(json.dumps(rows, indent=1) if chosen.json else table(rows))


if __name__ == "__main__":
    main()
