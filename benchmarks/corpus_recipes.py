"""Recipes of the corpus: one whole run each, healthy or with one cause planted, from a seed.

The halves draw from other ranges (`corpus_settings.py`) as well as from other families. `dose` 0 is the first recipe of
a seed; a cause that was not visible is planted again with the next dose of `DOSES`, more strongly as a rule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from corpus_families import FAMILIES, SCORING
from corpus_family import Family
from corpus_settings import SETTINGS, Settings


@dataclass
class Recipe:
    """One run, whole."""

    family: str
    cause: str
    seed: int
    dose: int
    epochs: int
    n_train: int
    n_val: int
    batch: int
    lr: float
    optimizer: str
    momentum: float = 0.9
    weight_decay: float = 0.0
    dropout: float = 0.0
    augment: float = 0.0
    """Standard deviation of the noise put on the inputs of each batch."""
    width: int = 32
    depth: int = 1
    norm: str = "none"
    activation: str = "relu"
    schedule: str = "constant"
    drop_at: float = 0.45
    """Share of the epochs before the drop of `late_step`."""
    loss: str = "auto"
    label_noise: float = 0.0
    noise_everywhere: bool = False
    """Wrong labels in the held-out samples as well."""
    last_scale: float = 1.0
    """Factor on the last layer's first weights."""
    dead: bool = False
    """All weights 0: nothing can be learnt."""
    validation: str = "plain"
    """`plain`, `resampled` (fresh samples each epoch), `easy` or `shifted`."""
    shown: str = "epoch_mean"
    steps: int = 0
    """Updates that the run may cost; 0 for what its family says."""
    columns: tuple[int, ...] = ()
    """Inputs that are given; all of them where it is empty."""
    brightness: float = 0.0
    """Training alone sees its inputs so much larger and lighter."""
    stale: float = 0.1
    """Momentum of the running statistics of batch normalisation."""
    shift: float = 0.4
    """Share of the data, on one side, that training is drawn from where validation is `shifted`."""
    long: bool = False
    """Trained for 300 epochs and more, and cut late."""


def recipe(cause: str, name: str, seed: int, dose: int = 0) -> Recipe:
    """A run of this family in which the cause is planted."""
    family, rng = FAMILIES[name], np.random.default_rng(seed)
    ranges = SETTINGS["scoring" if name in SCORING else "tuning"]
    optimizer = str(rng.choice(ranges.optimizers))
    if family.recurrent and optimizer in ("sgd", "momentum", "nesterov"):  # get nowhere in so few steps
        optimizer = "adam"
    rate = {"sgd": family.sgd * 5, "momentum": family.sgd, "nesterov": family.sgd, "rmsprop": family.adam * 0.3}
    r = Recipe(
        family=name,
        cause=cause,
        seed=seed,
        dose=dose,
        epochs=0,
        n_train=int(family.plenty * rng.uniform(0.7, 1.0)),
        n_val=int(np.exp(rng.uniform(*np.log(ranges.n_val)))),
        batch=int(rng.choice(ranges.batches)),
        lr=float(rate.get(optimizer, family.adam) * np.exp(rng.uniform(*ranges.jitter))),
        optimizer=optimizer,
        weight_decay=float(rng.choice(ranges.decays)),
        dropout=float(rng.choice(ranges.dropouts)) if not family.linear else 0.0,
        augment=float(rng.choice(ranges.augments)),
        width=family.width,
        depth=family.depth,
        activation=str(rng.choice(ranges.activations)),
        shown=str(rng.choice(["epoch_mean", "epoch_mean", "after_epoch"])),
        long=seed % 5 == 0 and cause not in ("memorisation", "unstable", "plateau"),
    )
    r.epochs = int(np.exp(rng.uniform(*np.log(family.epochs))))
    _plant(r, family, ranges, rng, dose)
    if r.cause in ("overfitting", "memorisation", "unstable", "plateau"):  # small batches are meant
        r.epochs = int(np.clip((r.steps or family.steps) / math.ceil(r.n_train / r.batch), 14, r.epochs))
    if r.long:
        r.epochs = int(rng.uniform(302, 330))
    r.batch = max(r.batch, math.ceil(r.n_train * r.epochs / (r.steps or family.steps)))
    return r


def _plant(r: Recipe, family: Family, ranges: Settings, rng: np.random.Generator, dose: int) -> None:
    """Change the healthy recipe so that the cause is there; a higher dose plants it more strongly."""
    plain = {"dropout": 0.0, "augment": 0.0, "weight_decay": 0.0}
    few = int(family.few * rng.uniform(0.8, 1.5) * 0.7**dose)
    regression = not family.data().classes

    def change(**values: Any) -> None:
        for key, value in values.items():
            setattr(r, key, value)

    match r.cause:
        case "healthy":
            change(schedule=str(rng.choice(ranges.schedules)), weight_decay=float(rng.choice([1e-4, 1e-3, 5e-3])))
            r.epochs = int(r.epochs * 1.5**dose) + 25
            r.steps = int(family.steps * (1.2 + 0.6 * dose))
            r.n_train = int(family.plenty * (1.2 + 0.5 * dose))
            r.n_val = max(r.n_val, 150 * (1 + dose))
            if dose and not family.linear:
                change(dropout=0.1 * dose, weight_decay=2e-3 * dose)
            if dose >= 2:
                change(schedule="constant", optimizer="adam", lr=family.adam * 0.7)
            if r.family == "fashion_mlp":  # memorises soon: more samples, and held back
                change(n_train=6000, dropout=0.2, weight_decay=1e-3, augment=0.0)
        case "overfitting":
            change(**plain, n_train=few, width=family.width * 2, batch=16, epochs=240)
            r.label_noise = float(rng.choice([0.0, 0.1, 0.2])) + 0.15 * dose
        case "memorisation":
            change(**plain, n_train=int(few * rng.uniform(*ranges.by_heart)), width=family.width * 2, epochs=200)
            r.loss, r.n_val = "auto" if regression else "brier", max(r.n_val, 200)
            change(optimizer=str(rng.choice(["adam", "adamw"])), lr=family.adam * float(rng.uniform(0.7, 1.3)))
        case "underfitting":
            if family.columns:
                change(**plain, columns=family.columns[int(rng.integers(len(family.columns)))])
            else:
                change(**plain, width=1 + dose * family.recurrent, activation="tanh")
                if "cnn" in r.family:
                    change(dropout=0.5, lr=3 * r.lr)
            r.n_train = int(family.plenty * 1.2)
            r.epochs, r.n_val = int(r.epochs * 1.5**dose), max(r.n_val, 150)
            r.steps = int(family.steps * 1.3**dose)
            if dose:
                change(optimizer="adam", lr=family.adam * 2)
        case "undertrained":
            r.lr *= float(np.exp(rng.uniform(np.log(0.1), np.log(0.4)))) * 2**dose
            change(n_train=int(family.plenty * 1.2), n_val=max(r.n_val, 120))
        case "unrepresentative_training_data":
            n_train = int(family.plenty * rng.uniform(0.6, 1.0))
            change(validation="shifted", n_train=n_train, weight_decay=5e-3, dropout=0.0)
            r.shift, r.epochs, r.n_val = 0.35 - 0.09 * dose, r.epochs + 30, max(r.n_val, 200)
            r.augment = 0.1 * dose
        case "noisy_validation":
            change(validation="resampled", n_val=max(3, int(rng.integers(4, 20)) // (1 + dose)))
        case "easy_validation":
            change(**plain, validation="easy")
        case "unstable":
            change(**plain, lr=r.lr * float(np.exp(rng.uniform(*np.log(ranges.hot)))) * 2.0**dose, batch=8)
            r.momentum, r.n_train = float(rng.choice([0.9, 0.95])), int(family.plenty * rng.uniform(0.15, 0.5))
            r.steps = int(family.steps * 1.5)
            # plain descent on squares has no edge to walk on: it flies off
            if regression or family.recurrent or ranges.hot_adam:
                hot = float(np.exp(rng.uniform(*np.log(ranges.hot))))
                change(optimizer="adam", lr=family.adam * hot * 2.0**dose)
        case "diverged":
            change(**plain, optimizer=str(rng.choice(["sgd", "momentum", "momentum", "adam"])))
            r.lr = family.sgd * float(np.exp(rng.uniform(np.log(300), np.log(1e5)))) * 10**dose
        case "not_learning":
            how = str(rng.choice(["tiny", "dead", "labels"]))
            if how == "dead" and not family.linear:
                change(dead=True, weight_decay=0.0)
            elif how == "labels" and dose == 0:
                change(label_noise=1.0, n_train=family.plenty, weight_decay=1e-2, augment=0.0)
                r.width, r.lr = max(2, family.width // 8), r.lr * 0.2
            else:
                r.lr *= float(10 ** rng.uniform(-7, -5)) / 10**dose
                change(n_val=max(r.n_val, 120))
        case "slow_learning":
            low, high = (-2.9, -2.0) if r.optimizer in ("sgd", "momentum", "nesterov") else (-2.6, -1.9)
            r.lr *= float(10 ** (rng.uniform(low, high) + 0.4 * dose))
        case "bad_initialisation":
            scale = float(np.exp(rng.uniform(np.log(30), np.log(120)))) * 3**dose
            change(last_scale=scale, dropout=0.0, n_train=int(family.plenty * 0.7), optimizer="adamw", lr=family.adam)
        case "plateau":
            # the noise of wrong labels and of small batches holds the loss up until the learning rate is lowered;
            # so many samples that it cannot learn the wrong ones by heart meanwhile
            rate = family.adam * float(rng.uniform(4, 8)) * 1.6**dose
            change(**plain, schedule="late_step", optimizer=str(rng.choice(["adam", "adamw"])), lr=rate, batch=16)
            change(drop_at=float(rng.uniform(0.45, 0.65)), activation="tanh", label_noise=0.1, noise_everywhere=True)
            r.n_train, r.epochs = min(int(family.plenty * 1.4), 2400), int(rng.uniform(20, 36))
            r.steps = math.ceil(r.n_train / 16) * r.epochs
        case "train_eval_mismatch":
            change(**plain, shown="epoch_mean")
            if rng.random() < 0.5 and not family.linear:
                change(norm="batch", stale=0.02 / 3**dose, batch=16)
            else:
                r.brightness = float(rng.uniform(0.6, 1.0)) * 1.5**dose
