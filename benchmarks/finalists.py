"""How often is the true best configuration chosen, with finalists and without, and what does it cost?

    python benchmarks/finalists.py [--cache FILE]

Sixteen configurations of an MLP on the digits are each trained on 24 seeds, with a small validation split, in this
process (some minutes), and kept in FILE. The true best one has the best mean over all its seeds. Then the real
controller replays the sweep 200 times in one process, each time with other seeds: every trial and every finalist's
training gets the curve of a seed that was not drawn before. (The diagnosis, which decides nothing here and would take
most of the time, is left out.) Beside it: what the finding `winner_is_lucky` expects of
the winner's optimism, and what the test split says of it.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tuner.control import controller as control
from tuner.control.controller import Controller
from tuner.control.rules import Rules
from tuner.diagnosis.sweep.winner_is_lucky import MANY, candidates, optimism
from tuner.launch.in_process import drive
from tuner.records.epochs import Assignment, EpochMetrics, Facts, Report
from tuner.records.finding import UNKNOWN, Diagnosis
from tuner.records.fold import Fold
from tuner.records.history import History
from tuner.records.journal import Line
from tuner.records.trial import SweepRecord
from tuner.search.make import make_scheduler, make_searcher
from tuner.space import Float, Int, Parameter, Space

CONFIGS, SEEDS, EPOCHS, REPLAYS = 16, 24, 12, 200
SPLIT = (0.2, 0.06, 0.74)
"""359 digits to train on, 108 to validate, 1,330 to test."""
SPACE = Space(
    (
        Parameter("lr", "lr", Float(0.01, 0.3, log=True)),
        Parameter("width", "width", Int(16, 128, log=True)),
        Parameter("dropout", "dropout", Float(0.0, 0.4)),
        Parameter("weight_decay", "weight_decay", Float(1e-6, 1e-2, log=True)),
    )
)
METRICS = {"val_loss": "min", "val_accuracy": "max"}
MEASURED = ("val_loss", "val_accuracy", "test_loss", "test_accuracy")


@dataclass(frozen=True)
class Table:
    """What was trained: [configuration, seed, epoch] of each metric."""

    curves: dict[str, np.ndarray]
    n_val: int
    n_test: int

    def values(self, metric: str) -> np.ndarray:
        """[configuration, seed]: at the best epoch."""
        best = np.min if METRICS[metric] == "min" else np.max
        return np.asarray(best(self.curves[metric], axis=2))


@cache
def configurations() -> list[dict[str, Any]]:
    searcher = make_searcher("random", {}, SPACE, mode="min", seed=1)
    return [searcher.suggest(number) or {} for number in range(CONFIGS)]


def train() -> Table:
    """Every configuration on every seed, in this process."""
    import torch

    from tuner.training.data import load_splits, load_test
    from tuner.training.data_source import DataSource
    from tuner.training.plan import TrainingPlan
    from tuner.training.session import Session

    torch.set_num_threads(1)
    fixed = {"depth": 1, "batch_size": 32, "split": SPLIT, "optimizer": "sgd", "optimizer.sgd.momentum": 0.9}
    with tempfile.TemporaryDirectory() as scratch:
        plan = TrainingPlan("digits", scratch, model="mlp", fixed=fixed, max_epochs=EPOCHS, every=EPOCHS + 1)
        splits = load_splits(plan)
        test_x, test_y = (torch.from_numpy(part) for part in load_test(plan) if part is not None)
        source = DataSource(plan, splits, torch.device("cpu"))
        curves = {name: np.zeros((CONFIGS, SEEDS, EPOCHS)) for name in MEASURED}
        for number, config in enumerate(configurations()):
            for seed in range(SEEDS):
                session = Session(plan, source, Assignment("0000", 1, config, 1000 * number + seed, EPOCHS))
                session.start()
                for epoch in range(EPOCHS):
                    metrics = session.next_report().epoch.metrics
                    tested = session.trainer.evaluate([(test_x, test_y)])
                    for name in MEASURED[:2]:
                        curves[name][number, seed, epoch] = metrics[name]
                    curves["test_loss"][number, seed, epoch] = float(tested["loss"])
                    curves["test_accuracy"][number, seed, epoch] = float(tested["accuracy"])
            print(f"trained {number + 1} of {CONFIGS} configurations", file=sys.stderr, flush=True)
    return Table(curves, len(splits.val_y), len(test_y))


def cached(path: Path) -> Table:
    if path.is_file():
        held = np.load(path)
        return Table({name: held[name] for name in MEASURED}, int(held["n_val"]), int(held["n_test"]))
    table = train()
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, n_val=table.n_val, n_test=table.n_test, **table.curves)
    return table


class ReplayWorker:
    """Gives each training the curve of one of its configuration's seeds."""

    def __init__(self, table: Table, order: np.ndarray, rng: np.random.Generator) -> None:
        """`order`: the configuration of each trial."""
        self._table, self._order = table, order
        self._seeds = [iter(rng.permutation(SEEDS)) for _ in range(CONFIGS)]
        self.drawn: dict[str, tuple[int, int]] = {}
        """Training -> (configuration, seed)."""

    def open(self, assignment: Assignment) -> None:
        self._assignment, self._epoch = assignment, 0
        number = int(self._order[int(assignment.trial[:4])])
        self.drawn[assignment.trial] = number, int(next(self._seeds[number]))

    def step(self) -> Report:
        number, seed = self.drawn[self._assignment.trial]
        metrics = {
            name: float(self._table.curves[name][number, seed, self._epoch]) for name in ("val_loss", "val_accuracy")
        }
        self._epoch += 1
        facts = Facts(n_val=self._table.n_val) if self._epoch == 1 else None
        epoch = EpochMetrics(self._epoch, metrics, 1.0)
        return Report(self._assignment.trial, self._assignment.attempt, epoch, facts=facts)

    def close(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True)
class Outcome:
    """One sweep, replayed."""

    chosen: int
    epochs: int
    record: SweepRecord
    drawn: dict[str, tuple[int, int]]


def replayed(table: Table, rules: Rules, scheduler: str, rng: np.random.Generator) -> Outcome:
    """One sweep, its configurations in an order of their own."""
    order = rng.permutation(CONFIGS)
    configs = configurations()
    rules = replace(rules, first=tuple(("enqueued", configs[number]) for number in order))
    lines: list[Line] = [
        {"kind": "sweep", "version": 1, "at": 0.0, "run": "r", "name": "n", "max_epochs": EPOCHS, "trials": CONFIGS}
        | {"metric": rules.metric, "mode": rules.mode, "seed": 0, "repeats": rules.repeats}
        | ({"finalists": {"top": rules.final_top, "seeds": rules.final_seeds}} if rules.final_top else {})
    ]

    def write(new: Sequence[Line]) -> None:
        lines.extend(new)

    options = {"grace": 1, "eta": 3} if scheduler == "asha" else {}
    clock = itertools.count()
    controller = Controller(
        rules,
        make_searcher("random", {}, SPACE, mode=rules.mode, seed=0),
        make_scheduler(scheduler, options, max_epochs=EPOCHS),
        write,
        lambda: float(next(clock)),
    )
    worker = ReplayWorker(table, order, rng)
    drive(controller, worker, lambda: None)
    record = Fold().apply(lines).record()
    assert record.best is not None
    return Outcome(int(order[record.best.number]), sum(len(t.epochs) for t in record.trainings), record, worker.drawn)


def luck(table: Table, metric: str, outcomes: Sequence[Outcome]) -> str:
    """What the winner's optimism was expected to be, and what it was: test against validation of the same weights,
    without what all trainings share of that difference (another split, and each one's own best epoch)."""
    sign = 1.0 if METRICS[metric] == "min" else -1.0
    pick = np.argmin if METRICS[metric] == "min" else np.argmax
    epoch = pick(table.curves[metric], axis=2)[..., None]
    val = np.take_along_axis(table.curves[metric], epoch, axis=2)[..., 0]
    test = np.take_along_axis(table.curves[metric.replace("val", "test")], epoch, axis=2)[..., 0]
    gap = sign * (test - val)
    expected, real = [], []
    for one in outcomes:
        values = sorted(sign * (trial.value or 0.0) for trial in one.record.trials if trial.value is not None)
        able, noise = candidates(one.record, table.n_val)
        found = None if noise is None or len(able) < MANY else optimism(np.array(values), noise)
        if found is not None and one.record.best is not None:
            expected.append(found[0])
            real.append(gap[one.drawn[one.record.best.trial]] - gap.mean())
    error = np.std(real) / math.sqrt(len(real))
    return (
        f"winner's optimism over {len(real)} sweeps: expected {np.mean(expected):.4f}, seen on the test split "
        f"{np.mean(real):.4f} ± {error:.4f} (all trainings together {gap.mean():.4f})"
    )


def ways() -> dict[str, dict[str, int]]:
    return {
        "best value": {},
        "finalists 3 x 2": {"final_top": 3, "final_seeds": 2},
        "finalists 5 x 3": {"final_top": 5, "final_seeds": 3},
        "finalists 5 x 8": {"final_top": 5, "final_seeds": 8},
        "repeats 3": {"repeats": 3},
    }


def unread(histories: Sequence[History]) -> list[Diagnosis]:
    """In the place of the diagnosis of a trial that has ended."""
    return [Diagnosis(history.id, UNKNOWN) for history in histories]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path("runs/finalists_curves.npz"))
    parser.add_argument("--replays", type=int, default=REPLAYS)
    given = parser.parse_args()
    table = cached(given.cache)
    control.diagnose = unread  # type: ignore[attr-defined, assignment]
    for metric, mode in METRICS.items():
        truth = table.values(metric).mean(axis=1)
        spread = math.sqrt(float(table.values(metric).var(axis=1, ddof=1).mean()))
        oriented = truth if mode == "min" else -truth
        order = np.argsort(oriented)
        gap = abs(truth[order[1]] - truth[order[0]])
        print(f"\n{metric}: {CONFIGS} configurations, {SEEDS} seeds each; true best {truth[order[0]]:.4f}")
        fifth = abs(truth[order[4]] - truth[order[0]])
        print(f"second best {gap:.4f} behind, the fifth {fifth:.4f}; standard deviation of one seed {spread:.4f}")
        print(f"{'scheduler':10} {'way':16} {'true best':>10} {'among best 3':>13} {'regret':>8} {'epochs':>7}")
        for scheduler in ("none", "asha"):
            for name, asked in ways().items():
                plain = Rules(metric, mode, EPOCHS, CONFIGS, doomed=False)
                rules = replace(plain, **asked)  # type: ignore[arg-type]
                done = [
                    replayed(table, rules, scheduler, np.random.default_rng([7, seed])) for seed in range(given.replays)
                ]
                if not asked and scheduler == "none":
                    lucky = luck(table, metric, done)
                chosen = np.array([one.chosen for one in done])
                hit, near = np.mean(chosen == order[0]), np.mean(np.isin(chosen, order[:3]))
                regret = float(np.mean(oriented[chosen] - oriented[order[0]]))
                epochs = float(np.mean([one.epochs for one in done]))
                print(f"{scheduler:10} {name:16} {hit:10.1%} {near:13.1%} {regret:8.4f} {epochs:7.0f}")
        print(lucky)


if __name__ == "__main__":
    main()
