"""Histories of any kind for the diagnosis tests: by hypothesis, by formula, by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tuner.records.history import History

ODD = (np.nan, np.inf, -np.inf, 0.0, 1e9, 1e-7, -1e9, 1e300)


def make(train: Any = None, val: Any = None, **known: Any) -> History:
    """A history from plain lists; None in a list is a value that was not measured."""
    curves, missing = {}, {}
    for name, given in (("train_loss", train), ("val_loss", val), *known.pop("more", {}).items()):
        if given is None:
            continue
        curves[name] = np.array([np.nan if value is None else value for value in given], np.float64)
        gaps = np.array([value is None for value in given], bool)
        if gaps.any():
            missing[name] = gaps
    by_step = known.get("steps_per_epoch")
    count = max((len(curve) for name, curve in curves.items() if not (by_step and name == "train_loss")), default=0)
    if by_step and set(curves) == {"train_loss"}:
        count = len(curves["train_loss"]) // by_step
    known.setdefault("epoch", np.arange(1, count + 1))
    return History("h", curves, missing=missing, **known)


def falling(count: int, start: float, end: float, pace: float = 5.0) -> np.ndarray:
    """An exponential fall that is over after about `count / pace * 3` epochs."""
    return end + (start - end) * np.exp(-pace * np.arange(count) / count)


def noisy(curve: np.ndarray, share: float, seed: int = 0) -> np.ndarray:
    return curve * (1 + share * np.random.default_rng(seed).standard_normal(len(curve)))


def scaled(history: History, factor: float) -> History:
    """All that is in units of the loss, in another unit."""

    def times(value: float | None) -> float | None:
        return None if value is None else value * factor

    curves = {name: curve * factor if name.endswith("loss") else curve for name, curve in history.curves.items()}
    return replace(
        history,
        curves=curves,
        initial_loss=times(history.initial_loss),
        baseline_loss=times(history.baseline_loss),
        num_classes=None,
    )


def values(odd: bool) -> st.SearchStrategy[float]:
    plain = st.floats(-50, 50, allow_subnormal=False).map(lambda x: 0.0 if abs(x) < 1e-9 else x)
    positive = st.floats(0.001, 5)
    return st.one_of(positive, plain, st.sampled_from(ODD)) if odd else st.one_of(positive, positive, plain)


@st.composite
def curves(draw: st.DrawFn, count: int, odd: bool) -> list[float | None]:
    """Half of them look like a loss, half like nothing at all."""
    if draw(st.booleans()):
        return draw(st.lists(values(odd) | (st.none() if odd else values(odd)), min_size=count, max_size=count))
    start, end, pace = draw(st.floats(0.5, 5)), draw(st.floats(0.0, 2)), draw(st.floats(0, 12))
    rise, noise = draw(st.sampled_from((0.0, 0.0, 0.3, 2.0))), draw(st.sampled_from((0.0, 0.01, 0.1)))
    curve = falling(count, start, end, pace) + rise * np.arange(count) / max(count, 1)
    return list(noisy(curve, noise, draw(st.integers(0, 99))))


@st.composite
def histories(draw: st.DrawFn, odd: bool = True, longest: int = 40) -> History:
    count = draw(st.integers(0, longest))
    known: dict[str, Any] = {}
    maybe_loss = st.none() | st.floats(0.01, 10)
    known["initial_loss"], known["baseline_loss"] = draw(maybe_loss), draw(maybe_loss)
    known["max_epochs"] = draw(st.none() | st.integers(1, 200))
    if odd:
        known["num_classes"] = draw(st.none() | st.integers(1, 1000))
        known["gaps_unknown"] = draw(st.booleans())
        known["more"] = draw(
            st.sampled_from(
                ({}, {"train_eval_loss": [1.0] * count}, {"val_accuracy": [0.1 * (i % 9) for i in range(count)]})
            )
        )
    train = draw(curves(count, odd)) if draw(st.integers(0, 9)) else None
    val = draw(curves(count, odd)) if draw(st.integers(0, 9)) else None
    return make(train, val, **known)
