"""Histories as broad as they come: a few to thousands of points, gaps, infinities, negative losses, metrics, steps.

A shape is drawn point by point by numpy from a seed, so that thousands of points cost hypothesis a few draws.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tuner.records.history import History

METRICS = ("accuracy", "f1", "auc", "dice", "iou", "r2")
LENGTHS = st.one_of(st.integers(1, 12), st.integers(13, 60), st.sampled_from((100, 333, 1000, 4000)))


def shape(kind: str, count: int, rng: np.random.Generator) -> np.ndarray:
    """Around 1 at the start; what becomes of it is the kind's."""
    t = np.arange(count) / max(count - 1, 1)
    fall = np.exp(-rng.uniform(0.0, 12.0) * t)
    match kind:
        case "fall":
            return rng.uniform(0, 0.7) + fall
        case "rise":
            return 0.2 + fall + np.maximum(t - rng.uniform(0, 0.9), 0) * rng.uniform(0, 4)
        case "drops":
            return 0.1 + 0.9 * 0.3 ** np.floor(t * rng.integers(1, 6))
        case "walk":
            return 2 + np.cumsum(rng.standard_normal(count)) * 0.1
        case "spikes":
            return 0.3 + fall + 5 * (rng.random(count) < 0.1)
        case "explodes":
            return 1 + np.exp(np.minimum(rng.uniform(5, 60) * t, 60))
        case "level":
            return np.full(count, rng.uniform(0.1, 3))
        case "whole":
            return np.round(5 * fall) + 1.0
    return rng.standard_normal(count)


KINDS = ("fall", "fall", "rise", "drops", "walk", "spikes", "explodes", "level", "whole", "noise")


@st.composite
def curve(draw: st.DrawFn, count: int, odd: bool) -> tuple[np.ndarray, np.ndarray]:
    """Values, and which of them were not measured."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = shape(draw(st.sampled_from(KINDS)), count, rng)
    values = values * (1 + draw(st.sampled_from((0.0, 0.0, 0.01, 0.1))) * rng.standard_normal(count))
    values = values - draw(st.sampled_from((0.0, 0.0, 0.0, 1.0, 50.0)))  # log-likelihoods: below zero
    values = values * draw(st.sampled_from((1.0, 1.0, 1e-7, 1e9)))
    missing = np.zeros(count, bool)
    if odd:
        match draw(st.sampled_from(("none", "none", "every", "some", "tail", "all"))):
            case "every":
                missing[np.arange(count) % draw(st.integers(2, 7)) != 0] = True
            case "some":
                missing = rng.random(count) < 0.3
            case "tail":
                missing[count - draw(st.integers(0, count)) :] = True
            case "all":
                missing[:] = True
        wild = draw(st.sampled_from(((), (), (np.nan,), (np.inf,), (-np.inf,), (np.nan, np.inf, -np.inf, 1e300, 0.0))))
        if wild:
            at = rng.random(count) < draw(st.sampled_from((0.02, 0.3)))
            values = np.where(at, rng.choice(np.array(wild), count), values)
    return np.where(missing, np.nan, values), missing


@st.composite
def broad_histories(draw: st.DrawFn, odd: bool = True) -> History:
    """`odd`: with gaps, NaN, infinities and settings that contradict the curves."""
    count = draw(LENGTHS)
    steps = draw(st.sampled_from((None, None, None, 2, 10))) if count <= 1000 else None
    kind = draw(st.sampled_from(("both", "both", "both", "train", "val", "metrics", "all")))
    names = {"both": ("train_loss", "val_loss"), "train": ("train_loss",), "val": ("val_loss",)}.get(kind, ())
    if kind == "all":
        names = ("train_loss", "val_loss", "train_eval_loss", "grad_norm", "train_accuracy", "val_accuracy")
    if kind == "metrics":
        metric = draw(st.sampled_from(METRICS))
        names = draw(st.sampled_from(((f"train_{metric}", f"val_{metric}"), (f"val_{metric}",), (metric,))))
    curves, missing = {}, {}
    for name in names:
        by_step = steps if steps and name == "train_loss" else 1
        values, gaps = draw(curve(count * by_step, odd))
        if not name.endswith("loss") and name != "grad_norm":
            values = 1 / (1 + np.exp(np.clip(np.nan_to_num(values, nan=0.0), -30, 30)))  # 0 to 1, more is better
            values = np.where(gaps, np.nan, values) * draw(st.sampled_from((1.0, 100.0)))
        curves[name] = values
        if gaps.any():
            missing[name] = gaps
    start = draw(st.sampled_from((1, 1, 1, 0, 5)))
    maybe = st.none() | st.floats(0.01, 10)
    history = History(
        "h",
        curves,
        epoch=start + np.arange(count) * draw(st.sampled_from((1, 1, 3))),
        missing=missing,
        steps_per_epoch=steps if "train_loss" in curves else None,
        initial_loss=draw(maybe),
        baseline_loss=draw(maybe),
        max_epochs=draw(st.none() | st.integers(1, 5000)),
        train_eval=draw(st.sampled_from((None, "epoch_mean", "after_epoch"))),
        config=draw(st.sampled_from(({}, {"lr": 0.1, "dropout": 0.3, "batch_size": 8, "optimizer.sgd.momentum": 0.9}))),
    )
    if not odd:
        return history
    known: dict[str, Any] = {
        "num_classes": draw(st.none() | st.sampled_from((0, 1, 2, 10, 1000))),
        "gaps_unknown": draw(st.booleans()),
        "n_val": draw(st.none() | st.integers(0, 100)),
        "initial_loss": draw(st.sampled_from((history.initial_loss, np.nan, np.inf, 0.0, -1.0))),
    }
    return replace(history, **known)
