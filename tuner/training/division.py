"""Which examples train, which validate and which wait for the final test: drawn from the sweep's seed alone. And how
many of them a batch has."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tuner.errors import Fault, InputError
from tuner.training.plan import TrainingPlan
from tuner.training.tasks.examples import Array, Examples

Positions = npt.NDArray[np.int64]
Rows = tuple[Positions, Positions, Positions]
"""Of training, validation and test, among all examples with the task's own test set last."""


def divide(plan: TrainingPlan, examples: Examples, of_task: tuple[float, float, float], *, classes: bool) -> Rows:
    """`of_task`: its shares, where the sweep gives none. `classes`: targets are class numbers, each with its share."""
    given = plan.fixed.get("split")
    shares = np.array(given if given is not None else of_task, np.float64)
    if shares.shape != (3,) or (shares < 0).any() or shares[:2].min() == 0 or not np.isclose(shares.sum(), 1):
        cure = "three shares of training, validation and test that sum to 1, as in [0.8, 0.1, 0.1]; only test may be 0"
        raise InputError("the data cannot be divided", (Fault("fixed.split", given, cure),))
    rng = np.random.default_rng([plan.seed, 0x5011])  # a stream of its own, apart from what a trial draws
    own_test = examples.test_x is not None and given is None
    y = examples.y if own_test else examples.pooled_y()
    count = len(examples.x) if own_test else len(examples.pooled_x())
    labels = np.asarray(y).astype(np.int64) if classes else np.zeros(count, np.int64)
    limit, n_test = plan.limit, 0
    if own_test:  # it stays what it is; a limit shrinks it in proportion
        n_test = len(np.asarray(examples.test_x))
        if limit is not None:
            limit, n_test = _portions(min(limit, count + n_test), count, n_test)
        shares[2] = 0.0
        shares /= shares.sum()
    train, val, test = (
        _in_order(count, shares, limit, rng) if examples.ordered else stratified(labels, shares, limit, rng)
    )
    return train, val, (count + np.arange(n_test)) if own_test else test


def stratified(y: Array, shares: npt.NDArray[np.float64], limit: int | None, rng: np.random.Generator) -> Rows:
    """Three sets of rows in which each class has its share, as nearly as whole numbers allow."""
    kept = len(y) if limit is None else min(limit, len(y))
    # Rank each row within its class at random; ordering all rows by (rank + 1/2) / class size interleaves the classes
    # evenly, so that any prefix and any stretch of that order is stratified.
    order = rng.permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]
    counts = np.bincount(y)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    rank = np.arange(len(y)) - np.repeat(starts, counts)
    place = (rank + rng.random(len(counts)).repeat(counts)) / np.repeat(counts, counts)
    rows = order[np.argsort(place, kind="stable")][:kept]
    return _cut(rows, shares, limit, rng)


def _in_order(count: int, shares: npt.NDArray[np.float64], limit: int | None, rng: np.random.Generator) -> Rows:
    return _cut(np.arange(count if limit is None else min(limit, count)), shares, limit, rng)


def _cut(rows: Positions, shares: npt.NDArray[np.float64], limit: int | None, rng: np.random.Generator) -> Rows:
    ends = np.round(np.cumsum(shares) * len(rows)).astype(int)
    parts = np.split(rows, ends[:2])
    if not all(len(part) for part in parts[:2]):
        raise InputError("too few examples", (Fault("data.limit", limit, "training and validation need one each"),))
    train, val, test = (rng.permutation(part) for part in parts)
    return train, val, test


def batch_sizes(count: int, batch_size: int) -> list[int]:
    """Of one epoch: every example once. A rest of one joins the batch before: batch norm cannot take it alone."""
    full, rest = divmod(count, batch_size)
    if rest == 1 and full:
        return [batch_size] * (full - 1) + [batch_size + 1]
    return [batch_size] * full + ([rest] if rest else [])


def _portions(total: int, first: int, second: int) -> tuple[int, int]:
    part = round(total * first / (first + second))
    return part, total - part
