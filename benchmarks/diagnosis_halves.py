"""The halves of the corpus: read, made noisier, shorter or finer, and handed to the diagnosis and to its rivals."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from rivals import Shown

from tuner.diagnosis import diagnose
from tuner.importers import history_from_mapping
from tuner.records.finding import Diagnosis

CORPUS = Path(__file__).parents[1] / "tests" / "corpus"
NOISES = (0.0, 0.01, 0.02, 0.03, 0.05, 0.1)
LENGTHS = (5, 10, 20, 50, 200)
NOISY_FROM = 0.04
"""From this much noise put on validation on, a fair reader may call it noisy."""
LONG = 150
"""Points from which a history counts as one of 200."""

Item = dict[str, Any]


def load(half: str) -> tuple[list[Item], str]:
    """The histories, and the sha256 of their file."""
    raw = (CORPUS / f"{half}.json.gz").read_bytes()
    items: list[Item] = json.loads(gzip.decompress(raw))
    return items, hashlib.sha256(raw).hexdigest()


def curve(item: Item, name: str) -> np.ndarray:
    return np.array([float(value) for value in item[name]])


def with_noise(items: list[Item], share: float) -> list[Item]:
    """Validation times 1 + share × N(0, 1), the same noise at every call."""
    if not share:
        return items
    out = []
    for number, item in enumerate(items):
        noise = np.random.default_rng(number).standard_normal(len(item["val_loss"]))
        more = ["noisy_validation"] if share >= NOISY_FROM else []
        noisy = (curve(item, "val_loss") * (1 + share * noise)).tolist()
        out.append({**item, "val_loss": noisy, "accepted": [*item["accepted"], *more]})
    return out


def of_length(items: list[Item], count: int) -> list[Item]:
    """Histories of that length or longer, seen at `count` evenly spaced epochs, as if measured so."""
    out = []
    for item in items:
        length = len(item["train_loss"])
        if length < min(count, LONG):
            continue
        at = np.unique(np.linspace(0, length - 1, min(count, length)).round().astype(int))
        names = [name for name in ("train_loss", "val_loss", "train_eval_loss") if name in item]
        cut = {name: [item[name][i] for i in at] for name in names}
        out.append({**item, **cut, "epoch": (at + 1).tolist()})
    return out


def by_step(items: list[Item]) -> list[Item]:
    """One training loss a step, for the runs that logged so."""
    return [{**item, **item["steps"]} for item in items if "steps" in item]


def ours(items: list[Item]) -> list[Diagnosis]:
    return diagnose([history_from_mapping({k: v for k, v in item.items() if v is not None}) for item in items])


def shown(item: Item) -> Shown:
    """The same run for a rival: its steps are epochs, or steps where the training loss has one value a step."""
    train, val, steps = curve(item, "train_loss"), curve(item, "val_loss"), item.get("steps_per_epoch", 1)
    epochs = np.array(item.get("epoch", range(1, len(val) + 1)))
    lr = item["config"]["lr"] if item["config"]["schedule"] == "constant" else None
    train_steps = np.arange(1, len(train) + 1) if steps > 1 else epochs
    return Shown(train_steps, train, np.minimum(epochs * steps, train_steps[-1]), val, lr)
