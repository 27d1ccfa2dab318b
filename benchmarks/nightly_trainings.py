"""Real trainings for `nightly.py`: each control configuration on many seeds, as it is and with something changed.

    python benchmarks/nightly_trainings.py [--seeds 1000] [NAME ...]

writes `nightly_trainings.json` beside this file: by name, for each metric, the value at the best epoch of every seed
(null where the training diverged). One thread, in this process.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("nightly_trainings.json")
SPLIT = (0.5, 0.17, 0.33)
"""898 digits to train on, 306 to validate."""


@dataclass(frozen=True)
class Pool:
    model: str
    epochs: int
    fixed: dict[str, Any]
    split_seed: int = 0
    searched: bool = False
    """Every training has its own configuration, drawn at random, as a search's trials have."""
    kept: tuple[str, ...] = ("val_loss", "val_accuracy")
    share: float = 1.0
    """Of the seeds that are asked for."""


MLP: dict[str, Any] = {"depth": 1, "width": 48, "optimizer": "adamw", "lr": 5e-3, "batch_size": 32, "dropout": 0.2}
CNN: dict[str, Any] = {
    "blocks": 1, "width": 8, "normalisation": "batch", "optimizer": "adamw", "lr": 1e-2, "batch_size": 64
}  # fmt: skip
EDGE: dict[str, Any] = {
    "depth": 3, "width": 48, "optimizer": "sgd", "optimizer.sgd.momentum": 0.9, "lr": 0.1, "batch_size": 32
}  # fmt: skip
POOLS = {
    "mlp": Pool("mlp", 6, MLP),
    "mlp_low_lr": Pool("mlp", 6, {**MLP, "lr": 2.5e-3}, share=0.2),
    "mlp_other_data": Pool("mlp", 6, MLP, split_seed=1, share=0.2),
    "mlp_search": Pool("mlp", 6, {"depth": 1, "optimizer": "adamw"}, searched=True),
    "cnn": Pool("cnn", 4, CNN),
    "edge": Pool("mlp", 6, EDGE),
}


def train(pool: Pool, seeds: int) -> dict[str, list[float | None]]:
    import torch

    from tuner.records.epochs import Assignment
    from tuner.search.make import make_searcher
    from tuner.space import Choice, Float, Int, Parameter, Space
    from tuner.training.data import load_splits
    from tuner.training.data_source import DataSource
    from tuner.training.plan import TrainingPlan
    from tuner.training.session import Session

    torch.set_num_threads(1)
    space = Space(
        (
            Parameter("lr", "lr", Float(5e-4, 0.05, log=True)),
            Parameter("width", "width", Int(16, 96, log=True)),
            Parameter("dropout", "dropout", Float(0.0, 0.5)),
            Parameter("batch_size", "batch_size", Choice((32, 64, 128))),
        )
    )
    searcher = make_searcher("random", {}, space, mode="min", seed=3)
    values: dict[str, list[float | None]] = {name: [] for name in pool.kept}
    with tempfile.TemporaryDirectory() as scratch:
        fixed = {**pool.fixed, "split": SPLIT}
        plan = TrainingPlan(
            "digits", scratch, model=pool.model, fixed=fixed, max_epochs=pool.epochs, every=99, seed=pool.split_seed
        )
        source = DataSource(plan, load_splits(plan), torch.device("cpu"))
        for seed in range(seeds):
            config = dict(searcher.suggest(seed) or {}) if pool.searched else {}
            session = Session(plan, source, Assignment("0000", 1, config, seed, pool.epochs))
            session.start()
            losses, scores = [], []
            for _ in range(pool.epochs):
                metrics = session.next_report().epoch.metrics
                losses.append(metrics["val_loss"])
                scores.append(metrics["val_accuracy"])
                if not math.isfinite(losses[-1]):
                    break
            whole = math.isfinite(losses[-1])
            values["val_loss"].append(float(f"{min(losses):.5g}") if whole else None)
            values["val_accuracy"].append(float(f"{max(scores):.5g}") if whole else None)
    return values


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(POOLS))
    parser.add_argument("--seeds", type=int, default=1500)
    parser.add_argument("--file", type=Path, default=FILE)
    given = parser.parse_args()
    found = json.loads(given.file.read_text()) if given.file.is_file() else {}
    for name in given.names or POOLS:
        pool = POOLS[name]
        found[name] = train(pool, int(pool.share * given.seeds))
        rows = [f' "{one}": {json.dumps(inner, separators=(",", ":"))}' for one, inner in found.items()]
        given.file.write_text("{\n" + ",\n".join(rows) + "\n}\n")
        print(f"{name}: {len(found[name]['val_loss'])} trainings", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
