"""How often does a sweep fall over the same cliff again, by what Optuna is told of a trial that diverged?

A toy objective whose upper half of learning rates diverges, the best ones close below that; TPE and ASHA as they are,
100 trials, four at a time. We tell PRUNED with the trial's reports, NaN the last of them. Against it: FAIL, which TPE
ignores; and the NaN without the reports before it, which ranks the trial behind all that were pruned.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import defaultdict
from collections.abc import Mapping
from statistics import mean, median

import numpy as np

from tuner.records.trial import COMPLETED, DOOMED, FAILED, PRUNED, trial_name
from tuner.records.values import Scalar
from tuner.search.asha import Asha
from tuner.search.interface import Searcher
from tuner.search.make import make_searcher
from tuner.space import Choice, Float, Int, Parameter, Space

TRIALS, WORKERS, EPOCHS = 100, 4, 27
LOW, HIGH = 1e-5, 1.0
CLIFF = math.sqrt(LOW * HIGH)  # the upper half on the logarithmic scale
LATEST = 4  # epoch at which a trial just over the cliff breaks

SPACE = Space(
    tuple(
        Parameter(name, name, domain)
        for name, domain in {
            "lr": Float(LOW, HIGH, log=True),
            "dropout": Float(0.0, 0.6),
            "depth": Int(1, 6),
            "optimizer": Choice(("adamw", "sgd")),
        }.items()
    )
)


class ToldAsFailed:
    """The searcher inside, told FAIL of what diverged."""

    def __init__(self, inside: Searcher) -> None:
        self._inside, self.name = inside, inside.name
        self.suggest, self.begin, self.on_trial_result = inside.suggest, inside.begin, inside.on_trial_result

    def on_trial_end(self, number: int, ending: str, value: float | None, *, diverged: bool = False) -> None:
        self._inside.on_trial_end(number, FAILED if diverged else ending, value)


class ToldWithoutItsReports:
    """The searcher inside, told of a diverged trial nothing but NaN."""

    def __init__(self, inside: Searcher) -> None:
        self._inside, self._reports = inside, defaultdict[int, list[tuple[int, float]]](list)
        self.name, self.suggest, self.begin = inside.name, inside.suggest, inside.begin

    def on_trial_result(self, number: int, epoch: int, value: float) -> None:
        self._reports[number].append((epoch, value))

    def on_trial_end(self, number: int, ending: str, value: float | None, *, diverged: bool = False) -> None:
        for epoch, reported in self._reports.pop(number, []) if not diverged else []:
            self._inside.on_trial_result(number, epoch, reported)
        self._inside.on_trial_end(number, ending, value, diverged=diverged)


def curve(config: Mapping[str, Scalar], rng: np.random.Generator) -> list[float]:
    """Validation loss by epoch; best at half the cliff's learning rate. Just over the cliff it breaks last."""
    lr, dropout, depth = (float(config[name] or 0.0) for name in ("lr", "dropout", "depth"))
    floor = 0.3 * abs(math.log10(lr / (0.5 * CLIFF))) + dropout**2 + 0.02 * (depth - 4) ** 2
    floor += 0.0 if config["optimizer"] == "adamw" else 0.1
    speed = 0.05 + 3 * min(lr / CLIFF, 1.0)
    noise = rng.normal(0, 0.01, EPOCHS)
    values = [floor + 2 * math.exp(-speed * epoch) + noise[epoch - 1] for epoch in range(1, EPOCHS + 1)]
    if lr > CLIFF:
        breaks = max(1, round(LATEST * (1 - math.log10(lr / CLIFF) / math.log10(HIGH / CLIFF))))
        values[breaks - 1 :] = [math.nan] * (EPOCHS - breaks + 1)
    return values


def sweep(searcher: Searcher, seed: int) -> tuple[float, float]:
    """(share of the second half's trials that diverged, the best value found)."""
    rng, scheduler = np.random.default_rng(seed), Asha(max_epochs=EPOCHS)
    running: dict[int, tuple[list[float], int]] = {}
    diverged, best, number = set(), math.inf, 0
    while number < TRIALS or running:
        while number < TRIALS and len(running) < WORKERS:
            config = searcher.suggest(number)
            assert config is not None
            running[number] = curve(config, rng), 0
            number += 1
        trial = int(rng.choice(sorted(running)))
        values, epoch = running[trial]
        epoch += 1
        value = values[epoch - 1]
        running[trial] = values, epoch
        searcher.on_trial_result(trial, epoch, value)
        rung = scheduler.on_trial_result(trial_name(trial), epoch, value)
        reached = min((v for v in values[:epoch] if not math.isnan(v)), default=None)
        if math.isnan(value):
            ending = DOOMED
            diverged.add(trial)
            scheduler.on_trial_lost_for_good(trial_name(trial), worst=True)
        elif epoch == EPOCHS:
            ending = COMPLETED
        elif rung is not None and not rung.promoted:
            ending = PRUNED
        else:
            continue
        del running[trial]
        searcher.on_trial_end(trial, ending, reached, diverged=ending == DOOMED)
        if ending == COMPLETED and reached is not None:
            best = min(best, reached)
    second = range(TRIALS // 2, TRIALS)
    return sum(trial in diverged for trial in second) / len(second), best


def ours(seed: int) -> Searcher:
    return make_searcher("tpe", {}, SPACE, mode="min", seed=seed)


METHODS = {
    "as we tell it": ours,
    "told as FAIL": lambda seed: ToldAsFailed(ours(seed)),
    "without its reports": lambda seed: ToldWithoutItsReports(ours(seed)),
    "random search": lambda seed: make_searcher("random", {}, SPACE, mode="min", seed=seed),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    given = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in METHODS}
    for seed in range(given.seeds):
        for name, make in METHODS.items():
            found[name].append(sweep(make(seed), seed))
            print(f"seed {seed}: {name}: {found[name][-1][0]:.0%} diverged", file=sys.stderr)
    if given.json:
        rows = {name: {"diverged": [s for s, _ in runs], "best": [b for _, b in runs]} for name, runs in found.items()}
        print(json.dumps(rows))
        return
    print(f"diverging trials among the second {TRIALS // 2} of {TRIALS}, {given.seeds} seeds")
    print(f"{'':22s} {'mean':>6s} {'range':>12s} {'best value, median':>20s}")
    for name, runs in found.items():
        shares, values = [share for share, _ in runs], [value for _, value in runs]
        print(f"{name:22s} {mean(shares):6.0%} {min(shares):5.0%} –{max(shares):5.0%} {median(values):20.3f}")


if __name__ == "__main__":
    main()
