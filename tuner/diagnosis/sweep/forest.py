"""A small forest of randomised trees, and how much worse it predicts when one column is shuffled. numpy alone.

Question  How much of the score does a parameter explain, and how sure is that?
Formula   extremely randomised trees, each on a bootstrap sample, judged on the trials outside it; importance of a
          column = (squared error with the column shuffled - squared error) / variance of the score, over the trials
          outside; its interval from resampling the trials.
Units     importance: share of the score's variance, 0 (or a little below, by chance) to 2.
Source    Breiman (2001), random forests, §10; Geurts, Ernst, Wehenkel (2006), extremely randomised trees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
TREES = 60
LEAF = 3
TRIES = 3
"""Cuts tried for each column at a node."""
SHUFFLES = 2
RESAMPLES = 400


@dataclass(frozen=True)
class Importance:
    """Of each column: the middle and the bounds of a 90 % interval; and how well the forest predicts at all."""

    middle: Array
    low: Array
    high: Array
    explained: float
    """1 - squared error / variance, on trials that a tree has not seen."""


def importances(x: Array, y: Array, seed: int = 0) -> Importance:
    """`x`: trials by columns; `y`: scores. The same input gives the same answer."""
    rng = np.random.default_rng(seed)
    rows, columns = x.shape
    error, seen = np.zeros(rows), np.zeros(rows)
    worse = np.zeros((rows, columns))
    for _ in range(TREES):
        bag = rng.integers(0, rows, rows)
        out = np.setdiff1d(np.arange(rows), bag)
        if not len(out):
            continue
        tree = _grow(x[bag], y[bag], rng)
        plain = (_predict(tree, x[out]) - y[out]) ** 2
        error[out] += plain
        seen[out] += 1
        for column in range(columns):
            for _ in range(SHUFFLES):
                mixed = x[out].copy()
                mixed[:, column] = x[rng.permutation(rows)[: len(out)], column]
                worse[out, column] += ((_predict(tree, mixed) - y[out]) ** 2 - plain) / SHUFFLES
    used = seen > 0
    variance = max(float(np.var(y)), 1e-12)
    each = worse[used] / seen[used, None] / variance
    picks = rng.integers(0, len(each), (RESAMPLES, len(each)))
    means = each[picks].mean(axis=1)
    low, high = np.quantile(means, [0.05, 0.95], axis=0)
    explained = 1 - float((error[used] / seen[used]).mean()) / variance
    return Importance(each.mean(axis=0), low, high, explained)


@dataclass(frozen=True)
class _Node:
    value: float
    column: int = -1
    cut: float = 0.0
    left: _Node | None = None
    right: _Node | None = None


def _grow(x: Array, y: Array, rng: np.random.Generator) -> _Node:
    if len(y) < 2 * LEAF or np.ptp(y) == 0:
        return _Node(float(y.mean()))
    low, high = x.min(axis=0), x.max(axis=0)
    cuts = low + (high - low) * rng.random((TRIES, x.shape[1]))
    left = x[None, :, :] <= cuts[:, None, :]
    count = left.sum(axis=1)
    total, other = (left * y[None, :, None]).sum(axis=1), len(y) - count
    fits = (count >= LEAF) & (other >= LEAF)
    if not fits.any():
        return _Node(float(y.mean()))
    gain = np.where(fits, total**2 / np.maximum(count, 1) + (y.sum() - total) ** 2 / np.maximum(other, 1), -np.inf)
    attempt, column = np.unravel_index(int(np.argmax(gain)), gain.shape)
    side = left[attempt, :, column]
    return _Node(
        float(y.mean()),
        int(column),
        float(cuts[attempt, column]),
        _grow(x[side], y[side], rng),
        _grow(x[~side], y[~side], rng),
    )


def _predict(node: _Node, x: Array) -> Array:
    if node.left is None or node.right is None:
        return np.full(len(x), node.value)
    out = np.empty(len(x))
    side = x[:, node.column] <= node.cut
    out[side] = _predict(node.left, x[side])
    out[~side] = _predict(node.right, x[~side])
    return out
