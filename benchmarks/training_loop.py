"""The trainer's loop beside a loop written by hand: training samples a second, and their ratio.

    python benchmarks/training_loop.py [--task digits] [--epochs 15] [--repeats 5]

Both train the same network on the same tensors with shuffling by index, and evaluate the validation split after each
epoch. The trainer is timed twice: its loop alone, which does the same (and looks at gradient norms), and its whole
epoch, which also evaluates a sample of the training split, writes a checkpoint and makes a report. They run in turns,
and the fastest epoch counts, in CPU seconds, since a machine is rarely quiet.
"""

from __future__ import annotations

import argparse
import tempfile
import time

import torch
from torch import nn
from torch.nn import functional

from tuner.records.epochs import Assignment
from tuner.training.data import Splits, load_splits
from tuner.training.data_source import DataSource
from tuner.training.plan import TrainingPlan
from tuner.training.session import Session


def by_hand(splits: Splits, epochs: int, batch_size: int, optimizer: str) -> float:
    """Seconds of the fastest epoch."""
    torch.manual_seed(0)
    x, y = torch.tensor(splits.train_x), torch.tensor(splits.train_y)
    val_x, val_y = torch.tensor(splits.val_x), torch.tensor(splits.val_y)
    features = x[0].numel()
    model = nn.Sequential(
        nn.Flatten(),
        nn.Linear(features, 128),
        nn.ReLU(),
        nn.Linear(128, 128),
        nn.ReLU(),
        nn.Linear(128, splits.task.num_classes),
    )
    descend = {"adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[optimizer](model.parameters(), lr=1e-3)
    fastest = float("inf")
    for _ in range(epochs):
        started = time.process_time()
        order = torch.randperm(len(y))
        for start in range(0, len(y), batch_size):
            rows = order[start : start + batch_size]
            loss = functional.cross_entropy(model(x[rows]), y[rows])
            descend.zero_grad()
            loss.backward()
            descend.step()
        with torch.no_grad():
            outputs = model(val_x)
            functional.cross_entropy(outputs, val_y).item()
            (outputs.argmax(1) == val_y).float().mean().item()
        fastest = min(fastest, time.process_time() - started)
    return fastest


def by_trainer(plan: TrainingPlan, splits: Splits, batch_size: int, optimizer: str) -> tuple[float, float]:
    """Seconds of the fastest epoch: of the loop alone, and of everything."""
    config = {"batch_size": batch_size, "optimizer": optimizer, "lr": 1e-3}
    source = DataSource(plan, splits, torch.device("cpu"))
    session = Session(plan, source, Assignment("0000", 1, config, 0, plan.max_epochs))
    session.start()
    whole = loop = float("inf")
    for _ in range(plan.max_epochs):
        started = time.process_time()
        session.next_report()
        whole = min(whole, time.process_time() - started)
    for _ in range(plan.max_epochs):
        started = time.process_time()
        session.trainer.train_epoch(session.data, session.randomness.data)
        torch.stack(list(session.trainer.evaluate(session.data.validation()).values())).tolist()
        loop = min(loop, time.process_time() - started)
    return loop, whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="digits")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--data", default=None, help="folder of the task's files")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        plan = TrainingPlan(
            given.task, folder, fixed={"model": "mlp"}, max_epochs=given.epochs, data_dir=given.data, cpu=1
        )
        splits = load_splits(plan)
        print(f"{given.task}, mlp of 2 × 128, one thread; training samples/s, and the ratio to the loop by hand")
        print("                    by hand   trainer's loop     whole epoch")
        for optimizer in ("adamw", "sgd"):
            for batch_size in (32, 64, 256):
                hand = loop = whole = float("inf")
                for _ in range(given.repeats):
                    hand = min(hand, by_hand(splits, given.epochs, batch_size, optimizer))
                    one, all_of_it = by_trainer(plan, splits, batch_size, optimizer)
                    loop, whole = min(loop, one), min(whole, all_of_it)
                n = splits.task.n_train
                print(
                    f"{optimizer:6} batch {batch_size:4}  {n / hand:9,.0f}"
                    f"  {n / loop:9,.0f}  {hand / loop:4.2f}  {n / whole:9,.0f}  {hand / whole:4.2f}"
                )


if __name__ == "__main__":
    main()
