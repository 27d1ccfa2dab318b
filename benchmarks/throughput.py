"""How fast does a trial train? Samples a second of the trainer, beside three other ways to train the same network.

    python benchmarks/throughput.py [--models mlp cnn resnet] [--batches 32 256] [--repeats 7] [--json]

mlp     64-128-128-10 on scikit-learn's digits
cnn     two convolutions and two linear layers on Fashion-MNIST, 28×28
resnet  torchvision's resnet18 on Fashion-MNIST: one channel, a first convolution of 3×3 and stride 2, no pooling after
        it; few steps

Each side (throughput_sides.py says what it does and what is counted) has a process with one thread. They train in
turns, one at a time, each round in another order. A cell is the median over the rounds, (lowest–highest); a ratio is
taken within a round. Times are CPU seconds, since a machine is rarely quiet; `--clock wall` takes the clock's, as does
a GPU. Evaluation is timed by itself, and so is a whole epoch of a trial: training, evaluation of both splits,
checkpoint, report. Without TUNER_DATA, or --data, the garments are random pixels, which train as fast.

A worker of ours tells the C library to keep the memory that a step frees. `--same-malloc` tells the peers' processes
the same, through the environment, so that the rest of the difference shows.

With a GPU, `--device cuda` runs the same there, in single precision and with bf16, and says how busy the GPU was.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import torch
from throughput_sides import LR, SIDES, Took, serve

from tuner.training.data import load_splits
from tuner.training.memory import KEPT_BYTES, VARIABLES
from tuner.training.plan import TrainingPlan

SIZES = {"mlp": (None, 10), "cnn": (2560, 1), "resnet": (320, 1)}
"""Examples of training and validation together (None: all), and epochs of one measurement."""
PEERS = [name for name in SIDES if name != "ours"]


class Process:
    """One side, in a process of its own that waits while the others train."""

    def __init__(self, name: str, environment: dict[str, str]) -> None:
        self.name = name
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        before = dict(os.environ)
        os.environ.update(environment)  # read by the C library when the process starts
        self._process = context.Process(target=serve, args=(name, theirs), daemon=True)
        self._process.start()
        os.environ.clear()
        os.environ.update(before)
        theirs.close()

    def ask(self, what: str, *arguments: Any) -> Any:
        self._pipe.send((what, *arguments))
        return self._pipe.recv()  # EOFError when the side died; its own traceback stands above

    def end(self) -> None:
        self._pipe.close()
        self._process.join()


def make_plan(name: str, folder: str, data: str | None, device: str) -> TrainingPlan:
    limit, _ = SIZES[name]
    task = "digits" if name == "mlp" else "fashion_mnist" if data else "throughput_sides:RandomGarments"
    return TrainingPlan(
        task,
        folder,
        model="throughput_sides:resnet18" if name == "resnet" else name,
        data_dir=data,
        limit=limit,
        fixed={"split": [5 / 6, 1 / 6, 0.0], "lr": LR},
        max_epochs=1000,
        every=1000,
        gpu=float(device == "cuda"),
        folder=str(Path(__file__).parent),
    )


def measured(
    name: str, config: dict[str, Any], sides: list[Process], facts: dict[str, int], given: Any
) -> dict[str, Any]:
    """One row: every side's samples a second and the ratios to ours, round by round."""
    epochs = given.epochs or SIZES[name][1]
    train: dict[str, list[float]] = {side.name: [] for side in sides}
    evaluate: dict[str, list[float]] = {side.name: [] for side in sides}
    whole: list[float] = []
    busy: list[float] = []
    for number in range(given.repeats):
        for side in sides[number % len(sides) :] + sides[: number % len(sides)]:
            train[side.name].append(epochs * facts["n_train"] / clock(side.ask("train", epochs), given))
            if side.name == "ours" and given.device == "cuda":
                busy.append(side.ask("utilisation"))
            evaluate[side.name].append(facts["n_val"] / clock(side.ask("evaluate"), given))
        whole.append(facts["n_train"] / clock(sides[0].ask("whole"), given))
        print(f"{name} {config}: round {number + 1} of {given.repeats}", file=sys.stderr)
    return {
        "model": name,
        **config,
        **facts,
        "epochs": epochs,
        "train": {side: spread(values) for side, values in train.items()},
        "ratio": {side: spread(ratios(train["ours"], values)) for side, values in train.items() if side != "ours"},
        "evaluate": {side: spread(values) for side, values in evaluate.items()},
        "evaluate_ratio": {
            side: spread(ratios(evaluate["ours"], values)) for side, values in evaluate.items() if side != "ours"
        },
        "whole_epoch": spread(whole),
        "gpu_busy_percent": spread(busy) if busy else None,
    }


def clock(took: Took, given: argparse.Namespace) -> float:
    return took.wall if given.clock == "wall" else took.cpu


def ratios(ours: list[float], theirs: list[float]) -> list[float]:
    return [one / other for one, other in zip(ours, theirs, strict=True)]


def spread(values: list[float]) -> dict[str, float]:
    return {"median": median(values), "min": min(values), "max": max(values)}


def table(rows: list[dict[str, Any]], peers: list[str], what: str, ratio: str) -> str:
    head = f"{'':24}{'ours':>26}" + "".join(f"{peer:>26}{'ours ×':>18}" for peer in peers)
    lines = [head]
    for row in rows:
        line = f"{row['model']:8}batch {row['batch_size']:<4}{'' if row['amp'] == 'off' else row['amp']:6}"
        line += f"{counts(row[what]['ours']):>26}"
        for peer in peers:
            of = row[ratio][peer]
            line += f"{counts(row[what][peer]):>26}{of['median']:7.2f} ({of['min']:.2f}–{of['max']:.2f})"
        lines.append(line)
    return "\n".join(lines)


def counts(of: dict[str, float]) -> str:
    return f"{of['median']:,.0f} ({of['min']:,.0f}–{of['max']:,.0f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--batches", nargs="+", type=int, default=[32, 256])
    parser.add_argument("--repeats", type=int, default=7, help="rounds")
    parser.add_argument("--epochs", type=int, help="of one measurement (mlp 10, the others 1)")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--clock", choices=("cpu", "wall"), help="which seconds count; cpu, or wall on a GPU")
    parser.add_argument("--data", default=os.environ.get("TUNER_DATA"), help="the folder above FashionMNIST/")
    parser.add_argument("--same-malloc", action="store_true", help="the peers' processes keep freed memory, too")
    parser.add_argument("--json", action="store_true", help="print one object instead of the tables")
    given = parser.parse_args()
    given.clock = given.clock or ("wall" if given.device == "cuda" else "cpu")
    if "Lightning" in given.peers:
        try:
            import lightning  # noqa: F401
        except ModuleNotFoundError:
            given.peers.remove("Lightning")
            print("Lightning is left out: it comes with pip install '.[benchmarks]'", file=sys.stderr)
    kept = dict.fromkeys(VARIABLES, str(KEPT_BYTES)) if given.same_malloc else {}
    sides = [
        Process(name, {"OMP_NUM_THREADS": "1"} | (kept if name != "ours" else {})) for name in ["ours", *given.peers]
    ]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in given.models:
            plan = make_plan(name, folder, given.data, given.device)
            splits = load_splits(plan)
            for batch_size in given.batches:
                for amp in ("off", "bf16") if given.device == "cuda" else ("off",):
                    config = {"batch_size": batch_size, "amp": amp}
                    trial_plan = replace(plan, checkpoints_dir=str(Path(folder) / f"{name}-{batch_size}-{amp}"))
                    facts, *_ = [side.ask("prepare", trial_plan, splits, config) for side in sides]
                    rows.append(measured(name, config, sides, facts, given))
    for side in sides:
        side.end()
    if given.json:
        print(json.dumps({"torch": torch.__version__, "clock": given.clock, "device": given.device, "rows": rows}))
        return
    print(
        f"torch {torch.__version__}, {given.device}, one thread, {given.repeats} rounds, seconds of the {given.clock}"
    )
    print("\ntraining, samples a second")
    print(table(rows, given.peers, "train", "ratio"))
    print("\nevaluation, samples a second")
    print(table(rows, given.peers, "evaluate", "evaluate_ratio"))
    print("\na whole epoch of a trial (evaluation of both splits, checkpoint, report), training samples a second")
    for row in rows:
        line = f"{row['model']:8}batch {row['batch_size']:<4}{'' if row['amp'] == 'off' else row['amp']:6}"
        line += f"{counts(row['whole_epoch']):>26}"
        if row["gpu_busy_percent"]:
            line += f"   GPU busy {row['gpu_busy_percent']['median']:.0f} %"
        print(line)


if __name__ == "__main__":
    main()
