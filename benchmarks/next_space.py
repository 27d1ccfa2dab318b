"""Is `tuner next` worth its while? One sweep, or two halves of it with or without `next` between, at equal budgets.

    TUNER_DATA=... python benchmarks/next_space.py [--tasks low hot good] [--seeds 5] [--json]

Three arms, each with the same number of trained epochs, which is all that counts as cost:

whole      one sweep, to the end of the budget
unchanged  half of the budget; then the same space again, warm-started from the first half
next       half of the budget; then the sweep that `tuner next` writes

The first half is the same in all three: the whole sweep is it, gone on with. At half time a trial is trained to its
own end, what that takes is taken from the second half; at the end of the budget everything stops where it is. What
counts is the best validation loss so far; beside it stands the loss of that trial's best checkpoint on test examples
that no trial has seen. The tasks: `low`, perceptrons on the digits, learning rates and widths all too low and too few
epochs; `hot`, on 1,800 images of Fashion-MNIST, learning rates far beyond what is stable and too much regularisation;
`good`, on the digits, the shipped space, which needs no change and must not be harmed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from statistics import mean, stdev

import torch

from tuner.api.next import next_sweep
from tuner.api.opening import first_line
from tuner.api.warm import gather
from tuner.control.controller import Controller
from tuner.control.replay import replay
from tuner.control.rules import Rules
from tuner.launch.in_process import drive
from tuner.records.journal import Journal
from tuner.records.run_directory import RunDirectory
from tuner.records.trial import SweepRecord
from tuner.search.make import make_scheduler, make_searcher
from tuner.sweep import Sweep, WarmStart, dump_sweep, parse_sweep
from tuner.training.building import build_trainer
from tuner.training.catalogue import CATALOGUE
from tuner.training.data import Splits, load_splits, load_test
from tuner.training.device_data import DeviceCache
from tuner.training.plan import TrainingPlan
from tuner.training.settings import read_settings
from tuner.training.tasks.examples import Array
from tuner.training.weights import read_weights
from tuner.training.worker import TrialWorker

ARMS = ("whole", "unchanged", "next")
BUDGET = 240
"""Epochs of an arm."""
SAME = 0.002
"""Share of the better one by which two losses may differ and still be a draw."""

TASKS = {
    "low": """
name: low
task: digits
model: mlp
space:
  lr: {float: [1.0e-5, 2.0e-3], log: true}
  width: {int: [4, 24], log: true}
  depth: {int: [1, 3]}
  dropout: {float: [0, 0.5]}
  batch_size: {choice: [32, 64, 128]}
fixed: {optimizer: {sgd: {momentum: 0.9}}}
search: {algorithm: tpe, scheduler: {asha: {grace: 1, eta: 3}}, trials: 10000, max_epochs: 9}
""",
    "hot": """
name: hot
task: fashion_mnist
model: mlp
data: {limit: 1800}
space:
  lr: {float: [1.0e-2, 100.0], log: true}
  width: {int: [32, 128], log: true}
  depth: {int: [1, 3]}
  dropout: {float: [0.2, 0.8]}
  weight_decay: {float: [1.0e-4, 1.0], log: true}
  batch_size: {choice: [64, 128]}
fixed: {optimizer: {sgd: {momentum: 0.9}}}
search: {algorithm: tpe, scheduler: {asha: {grace: 1, eta: 3}}, trials: 10000, max_epochs: 9}
""",
    "good": """
name: good
task: digits
model: mlp
space:
  depth: {int: [1, 3]}
  width: {int: [32, 256], log: true}
  dropout: {float: [0, 0.5]}
  lr: {float: [1.0e-4, 1.0e-1], log: true}
  batch_size: {choice: [32, 64, 128]}
  weight_decay: {float: [1.0e-6, 1.0e-2], log: true}
  optimizer: {choice: [adamw, {sgd: {momentum: {float: [0, 0.99]}}}]}
search: {algorithm: tpe, scheduler: {asha: {grace: 1, eta: 3}}, trials: 10000, max_epochs: 27}
""",
}


@lru_cache(maxsize=1)
def examples(task: str, seed: int, limit: int | None, data: str | None) -> tuple[Splits, Array, Array]:
    """What trials see, and the test examples: the same for all arms of a seed."""
    plan = TrainingPlan(task, "", limit=limit, data_dir=data, seed=seed)
    splits, (x, y) = load_splits(plan), load_test(plan)
    assert isinstance(splits, Splits)
    assert y is not None
    return splits, x, y


def of_plan(plan: TrainingPlan) -> tuple[Splits, Array, Array]:
    return examples(str(plan.task), plan.seed, plan.limit, plan.data_dir)


@dataclass(frozen=True)
class Outcome:
    """What an arm came to."""

    best: float
    """Validation loss."""
    test: float
    """Of the same trial's best checkpoint."""
    epochs: int
    trials: int
    changes: tuple[str, ...] = ()


def sweep_of(name: str, seed: int, data: str | None) -> Sweep:
    sweep = parse_sweep(TASKS[name], path=name, catalogue=CATALOGUE)
    return replace(sweep, seed=seed, data=sweep.data.model_copy(update={"dir": data}))


def run(sweep: Sweep, directory: RunDirectory, budget: int, *, cut: bool) -> int:
    """Train `budget` epochs of the sweep, going on where its journal ends. Returns the epochs trained.

    `cut`: stop at once when the budget is spent; otherwise no further trial begins, and the last one may end by itself.
    """
    search, spent = sweep.search, 0
    directory.path.mkdir(parents=True, exist_ok=True)
    directory.sweep.write_text(dump_sweep(sweep), encoding="utf-8")
    with Journal(directory.journal) as journal:
        controller = Controller(
            replace(Rules.from_sweep(sweep), trials=None),
            make_searcher(
                search.algorithm, search.algorithm_options, sweep.space, mode=sweep.metric.mode, seed=sweep.seed
            ),
            make_scheduler(search.scheduler, search.scheduler_options, max_epochs=search.max_epochs),
            lambda lines: journal.append_many(list(lines)),
        )
        before = list(journal.lines)
        if not before:
            warm = gather(sweep, directory.path.parent).lines
            before = [
                {"at": 0.0, **first_line(sweep, directory, warm=0), "trials": 0},
                *({"at": 0.0, **line} for line in warm),
            ]
            journal.append_many(before)
        replay(controller, before)
        journal.append_many([{"kind": "driver", "at": 0.0, "attempt": 1}])

        def on_step() -> None:
            nonlocal spent
            spent += 1
            if spent >= budget:
                controller.tried.exhausted = "the budget is spent"
                if cut:
                    controller.request_stop("user", "the budget is spent")

        plan = TrainingPlan.from_sweep(sweep, directory)
        drive(controller, TrialWorker(plan, of_plan(plan)[0]), on_step)
        journal.append_many([{"kind": "end", "at": 0.0, "status": "finished", "reason": "", "seconds": {}}])
    return spent


def outcome(*sweeps: tuple[Sweep, RunDirectory], changes: Sequence[str] = ()) -> Outcome:
    """The best of one or two sweeps."""
    records = [(sweep, directory, directory.record()) for sweep, directory in sweeps]
    sweep, directory, record = min(records, key=lambda item: item[2].best.value if item[2].best else math.inf)
    assert record.best is not None
    assert record.best.value is not None
    return Outcome(
        best=record.best.value,
        test=tested(sweep, directory, record),
        epochs=sum(len(trial.epochs) for _, _, one in records for trial in one.trials),
        trials=sum(len(one.trials) for _, _, one in records),
        changes=tuple(changes),
    )


def tested(sweep: Sweep, directory: RunDirectory, record: SweepRecord) -> float:
    """Test loss of the best trial's best checkpoint."""
    best = record.best
    assert best is not None
    plan, device = TrainingPlan.from_sweep(sweep, directory), torch.device("cpu")
    settings = read_settings(plan.settings(best.config), plan.model)
    splits, x, y = of_plan(plan)
    data = DeviceCache(splits, device).get(standardise=settings.standardise)
    trainer = build_trainer(settings, data, device, record.max_epochs, folder="")
    trainer.model.load_state_dict(read_weights(directory.checkpoints / best.trial / "best.safetensors"))
    return float(trainer.evaluate([(torch.from_numpy(x), torch.from_numpy(y))])["loss"])


def one_seed(name: str, seed: int, budget: int, data: str | None) -> dict[str, Outcome]:
    sweep = sweep_of(name, seed, data)
    with tempfile.TemporaryDirectory(prefix="next-space-") as folder:
        runs = Path(folder)
        first, whole, again, after = (RunDirectory(runs / arm) for arm in ("first", *ARMS))
        left = budget - run(sweep, first, budget // 2, cut=False)
        shutil.copytree(first.path, whole.path)
        run(sweep, whole, left, cut=True)
        unchanged = replace(sweep, search=replace(sweep.search, warm_start=(WarmStart(first.name, ()),)))
        run(unchanged, again, left, cut=True)
        made = next_sweep(first.name, runs)
        run(made.sweep, after, left, cut=True)
        changes = [f"{c.path} {c.old} -> {c.new} [{c.symptom}]" for c in made.changes]
        return {
            "whole": outcome((sweep, whole)),
            "unchanged": outcome((sweep, first), (unchanged, again)),
            "next": outcome((sweep, first), (made.sweep, after), changes=changes),
        }


def table(name: str, seeds: Sequence[dict[str, Outcome]]) -> str:
    rows = [f"{name}: best validation loss after {seeds[0]['whole'].epochs} epochs, mean of {len(seeds)} seeds ± 95 %"]
    rows.append(f"  {'':10} {'val_loss':>18} {'test loss':>18} {'trials':>7} {'next wins/draws/loses':>22}")
    for arm in ARMS:
        of = [outcomes[arm] for outcomes in seeds]
        row = f"  {arm:10} {_mean([o.best for o in of]):>18} {_mean([o.test for o in of]):>18}"
        row += f" {mean(o.trials for o in of):7.0f}"
        if arm != "next":
            row += f" {'/'.join(map(str, duel(seeds, arm))):>22}"
        rows.append(row)
    return "\n".join(rows)


def duel(seeds: Sequence[dict[str, Outcome]], arm: str) -> tuple[int, int, int]:
    """Seeds in which `next` wins, draws and loses against this arm."""
    signs = [_sign(outcomes["next"].best, outcomes[arm].best) for outcomes in seeds]
    return signs.count(1), signs.count(0), signs.count(-1)


def _sign(mine: float, other: float) -> int:
    return 0 if abs(mine - other) <= SAME * min(mine, other) else 1 if mine < other else -1


def _mean(values: Sequence[float]) -> str:
    """With the half width of a 95 % interval, by Student's t."""
    if len(values) < 2:
        return f"{values[0]:.4f}"
    t = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36, 9: 2.31, 10: 2.26}.get(len(values), 2.0)
    return f"{mean(values):.4f} ± {t * stdev(values) / math.sqrt(len(values)):.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--budget", type=int, default=BUDGET, help="epochs of each arm")
    parser.add_argument("--data", default=os.environ.get("TUNER_DATA"), help="folder that holds FashionMNIST/raw")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    given = parser.parse_args()
    torch.set_num_threads(1)
    found: dict[str, list[dict[str, Outcome]]] = {}
    for name in given.tasks:
        for seed in range(given.first_seed, given.first_seed + given.seeds):
            began = time.process_time()
            outcomes = one_seed(name, seed, given.budget, given.data)
            found.setdefault(name, []).append(outcomes)
            values = "  ".join(f"{arm} {outcomes[arm].best:.4f}" for arm in ARMS)
            print(f"{name} {seed}: {values}  ({time.process_time() - began:.0f} s CPU)", file=sys.stderr)
            for change in outcomes["next"].changes:
                print(f"    {change}", file=sys.stderr)
    if given.json:
        rows = {name: [{arm: asdict(o) for arm, o in one.items()} for one in seeds] for name, seeds in found.items()}
        print(json.dumps({"budget": given.budget, "tasks": rows}))
        return
    print("\n\n".join(table(name, seeds) for name, seeds in found.items()))


if __name__ == "__main__":
    main()
