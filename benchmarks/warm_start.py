"""How much sooner does a sweep reach yesterday's best, when it starts from yesterday's trials?

Yesterday one hyperparameter was not searched: it stood at one value. Today it is. On LCBench's surrogate, where any
configuration has a curve; the controller, TPE and ASHA run as they are, with one worker. Each column is another sweep
of today with the same seed:

cold                nothing is told
warm                yesterday's trials are told, and the best five trained again
warm, blank         the same, but nothing says what value the new hyperparameter had: it is spread over its range
discounted          yesterday's conditions differ: the best five are trained again and nothing is told
warm, misled        yesterday's sweep was on other data, and is taken as if that were the same
discounted, misled  the same sweep, discounted

Printed: the epochs until today's best is as good as yesterday's, and the best after all epochs. An epoch count with `>`
was not enough.

    python benchmarks/warm_start.py --data DIR [--seeds 5] [--tasks 3] [--epochs 400]
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import geometric_mean, median

from replay_tables import LcBenchTask, lcbench_names

from tuner.api.warm import Warm, add_source
from tuner.api.warm_sources import Source
from tuner.control.controller import Controller
from tuner.control.rules import Rules
from tuner.records.earlier import Earlier, EarlierTrial
from tuner.records.epochs import EpochMetrics, Report
from tuner.records.fold import Fold
from tuner.records.journal import Line
from tuner.records.trial import SweepRecord
from tuner.search.make import make_scheduler, make_searcher
from tuner.space import Space
from tuner.sweep.sweep import Metric, Search, Sweep, WarmStart

NEW, WAS = "max_dropout", 0.5
"""The hyperparameter that is new today, and where it stood yesterday."""
COLUMNS = ("cold", "warm", "warm, blank", "discounted", "warm, misled", "discounted, misled")


@dataclass(frozen=True)
class Outcome:
    """One sweep of today."""

    epochs: int | None
    """Until it was as good as yesterday's best; None: not with all epochs."""
    best: float


def main() -> None:
    given = _arguments()
    folder = Path(given.data) / "hpo" / "lcbench"
    names = lcbench_names(folder)
    rows = []
    for place in range(given.tasks):
        task, other = (LcBenchTask(folder, names[(place + step) % len(names)]) for step in (0, 1))
        for seed in range(given.seeds):
            found = one(task, other, seed, given.epochs, given.trials)
            rows.append(found)
            shown = "  ".join(f"{name} {_epochs(found[name], given.epochs)}" for name in COLUMNS)
            print(f"{task.name} seed {seed}: {shown}", flush=True)
    print()
    print(f"{'':19} {'median epochs':>14} {'of cold':>8} {'reached':>8} {'best, of cold':>14}")
    for name in COLUMNS:
        counts = [row[name].epochs or given.epochs for row in rows]
        share = geometric_mean(c / (row["cold"].epochs or given.epochs) for c, row in zip(counts, rows, strict=True))
        best = geometric_mean(row[name].best / row["cold"].best for row in rows)
        reached = sum(row[name].epochs is not None for row in rows)
        print(f"{name:19} {median(counts):14.0f} {share:8.2f} {reached:5d}/{len(rows):<2d} {best:14.3f}")
    if given.json:
        print(json.dumps([{name: vars(found) for name, found in row.items()} for row in rows]))


def one(task: LcBenchTask, other: LcBenchTask, seed: int, epochs: int, trials: int) -> dict[str, Outcome]:
    small = Space(tuple(item for item in task.space.parameters if item.name != NEW))
    yesterday, misleading = (_sweep(on, small, 1000 + seed, fixed={NEW: WAS}, trials=trials)[0] for on in (task, other))
    assert yesterday.best is not None
    goal = yesterday.best.value
    assert goal is not None

    def today(warm: Warm | None) -> Outcome:
        _, curve = _sweep(task, task.space, seed, warm=warm, epochs=epochs)
        reached = next((at for at, value in enumerate(curve, 1) if value <= goal), None)
        return Outcome(reached, min(curve))

    def told(record: SweepRecord, *, known: bool = True, differs: bool = False) -> Warm:
        search = Search(max_epochs=task.epochs)
        sweep = Sweep("today", Metric("val_loss", "min"), task.space, loop="a:loop", search=search)
        fixed = {NEW: WAS} if known else {}
        earlier = [
            EarlierTrial(
                trial.trial,
                {**trial.config, **fixed},
                trial.ending,
                tuple((epoch.epoch, epoch.metrics["val_loss"]) for epoch in trial.epochs),
            )
            for trial in record.trials
        ]
        old = replace(sweep, name="yesterday", space=small, fixed=fixed)
        source = Source(Earlier("yesterday", tuple(earlier), "min", task.epochs), old, ("differs",) if differs else ())
        return add_source(Warm((), (), ()), source, WarmStart("yesterday"), sweep, lambda: None)

    return {
        "cold": today(None),
        "warm": today(told(yesterday)),
        "warm, blank": today(told(yesterday, known=False)),
        "discounted": today(told(yesterday, differs=True)),
        "warm, misled": today(told(misleading)),
        "discounted, misled": today(told(misleading, differs=True)),
    }


def _sweep(
    task: LcBenchTask,
    space: Space,
    seed: int,
    *,
    fixed: Mapping[str, float] | None = None,
    trials: int | None = None,
    epochs: int | None = None,
    warm: Warm | None = None,
) -> tuple[SweepRecord, list[float]]:
    """The record, and the best so far after each epoch; over after `trials` or `epochs`."""
    rules = Rules("val_loss", "min", max_epochs=task.epochs, trials=trials, seed=seed, doomed=False, space=space)
    head = {"run": "r", "name": "n", "metric": "val_loss", "mode": "min", "max_epochs": task.epochs, "trials": 0}
    lines: list[Line] = [{"kind": "sweep", "version": 1, "at": 0.0, **head}]
    controller = Controller(
        rules,
        make_searcher("tpe", {}, space, mode="min", seed=seed),
        make_scheduler("asha", {"grace": 1, "eta": 3}, max_epochs=task.epochs),
        lines.extend,
        clock=lambda: 0.0,
    )
    for line in warm.lines if warm is not None else ():
        controller.warm(line)
    curve: list[float] = []
    while (epochs is None or len(curve) < epochs) and (work := controller.next_assignment()) is not None:
        controller.started(work.trial, work.attempt)
        key, _ = task.draws().take({**work.config, **(fixed or {})}) or (None, {})
        assert key is not None
        for epoch in range(1, task.epochs + 1):
            metrics = task.report(key, epoch)
            curve.append(min(metrics["val_loss"], curve[-1] if curve else metrics["val_loss"]))
            if not controller.on_report(Report(work.trial, work.attempt, EpochMetrics(epoch, metrics, 1.0))):
                break
    controller.finish()
    record = Fold().apply(lines).record()
    return replace(record, path=""), curve[:epochs]


def _epochs(found: Outcome, limit: int) -> str:
    return str(found.epochs) if found.epochs is not None else f">{limit}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("TUNER_DATA"), help="Folder with hpo/lcbench; TUNER_DATA.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tasks", type=int, default=3, help="Data sets, each beside the next one as the misleading.")
    parser.add_argument("--epochs", type=int, default=400, help="Of today's sweep.")
    parser.add_argument("--trials", type=int, default=30, help="Of yesterday's sweep.")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.data is None:
        parser.error("--data or TUNER_DATA names the folder with hpo/lcbench")
    return given


if __name__ == "__main__":
    main()
