"""One kind of curve of many histories as a matrix: what was measured and is finite, moved to the left.

Everything after this file works on whole matrices, so that ten thousand curves cost a few hundred numpy calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

WIDEST = 256
"""Points a curve is judged on; a longer one is averaged in blocks first. A reader sees no more in a plot either."""

FARTHEST = 1e8
"""Values beyond this many times the history's own scale are cut to it: far enough for any verdict, and squares fit."""

_BITS = 36


@dataclass(frozen=True, slots=True)
class Row:
    """One curve of one history before it is padded."""

    values: Array
    epochs: Array
    missing: Bools | None = None


@dataclass(frozen=True, slots=True)
class Padded:
    """Curves of many histories, a row each; values in units of the history's scale."""

    value: Array
    """[B, T]; to the right of a row's last point its last value is repeated, 0 where the row is empty."""
    epoch: Array
    """[B, T]: the epoch at which each value was measured."""
    n: Ints
    """[B]: points of each row."""
    there: Bools
    """[B, T]: True for the points, False for the padding."""
    broken: Bools
    """[B]: some measured value is NaN or infinite."""
    broken_end: Bools
    """[B]: the last measured value is NaN or infinite."""
    broken_epoch: Array
    """[B]: the epoch of the first such value; NaN where there is none."""
    gap_end: Ints
    """[B]: how many values at the end were not measured."""
    gap_inner: Ints
    """[B]: the longest gap before the last measured value, one value an epoch being a gap of 0."""


def pad(rows: Sequence[Row | None], scale: Array) -> Padded:
    """The rows as one matrix, divided by `scale` and rounded so that the unit of the loss leaves no trace."""
    count = len(rows)
    if not any(rows):
        return _nothing(count)
    width = max((len(row.values) for row in rows if row is not None), default=0) or 1
    raw = np.full((count, width), np.nan)
    epoch = np.zeros((count, width))
    inside = np.zeros((count, width), bool)
    for i, row in enumerate(rows):
        if row is None:
            continue
        length = len(row.values)
        raw[i, :length] = row.values
        epoch[i, :length] = row.epochs
        inside[i, :length] = True if row.missing is None else ~row.missing
    finite = np.isfinite(raw)
    keep = finite & inside
    bad = inside & ~finite
    broken, broken_end, broken_epoch = _broken(bad, inside, epoch)
    gap_end, gap_inner = _gaps(rows, inside)
    n = keep.sum(axis=1)
    column = np.arange(width)
    if (keep != (column < n[:, None])).any():
        order = np.argsort(~keep, axis=1, kind="stable")
        raw, epoch = picked(raw, order), picked(epoch, order)
    there = column < n[:, None]
    value = np.where(there, raw, 0.0) / scale[:, None]
    value = round_mantissa(np.minimum(np.maximum(value, -FARTHEST), FARTHEST))
    if width > WIDEST:
        value, epoch, n = _thin(value, epoch, n)
        there = np.arange(value.shape[1]) < n[:, None]
    last = np.maximum(n - 1, 0)[:, None]
    value = np.where(there, value, np.where(n[:, None] > 0, picked(value, last), 0.0))
    epoch = np.where(there, epoch, picked(epoch, last))
    return Padded(value, epoch, n, there, broken, broken_end, broken_epoch, gap_end, gap_inner)


def _nothing(count: int) -> Padded:
    """Of so many histories, none of which has this curve."""
    no, zero, none = np.zeros((count, 1)), np.zeros(count, np.int64), np.zeros(count, bool)
    return Padded(no, no, zero, none[:, None], none, none, np.full(count, np.nan), zero, zero)


def picked(value: Array, column: Ints) -> Array:
    """value[i, column[i, j]]: `np.take_along_axis`, which costs one row twice as much."""
    out: Array = value[np.arange(len(value))[:, None], column]
    return out


def round_mantissa(value: Array) -> Array:
    """To 36 bits (11 digits): x and (c·x)/c differ in the last bits of the mantissa, and a verdict must not."""
    mantissa, exponent = np.frexp(value)
    rounded: Array = np.ldexp(np.rint(np.ldexp(mantissa, _BITS)), exponent - _BITS)
    return rounded


def _broken(bad: Bools, inside: Bools, epoch: Array) -> tuple[Bools, Bools, Array]:
    broken: Bools = np.any(bad, axis=1)
    end = np.zeros(len(bad), bool)
    first = np.full(len(bad), np.nan)
    if broken.any():
        at = np.flatnonzero(broken)
        last_measured = inside.shape[1] - 1 - np.argmax(inside[at, ::-1], axis=1)
        end[at] = bad[at, last_measured]
        first[at] = epoch[at, np.argmax(bad[at], axis=1)]
    return broken, end, first


def _gaps(rows: Sequence[Row | None], inside: Bools) -> tuple[Ints, Ints]:
    """Only rows that come with a mask can have gaps, and they are few."""
    end, inner = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
    for i, row in enumerate(rows):
        if row is None or row.missing is None:
            continue
        at = np.flatnonzero(inside[i])
        end[i] = len(row.values) - 1 - (at[-1] if len(at) else -1)
        inner[i] = int(np.diff(at, prepend=-1).max()) - 1 if len(at) else 0
    return end, inner


def _thin(value: Array, epoch: Array, n: Ints) -> tuple[Array, Array, Ints]:
    """Rows of more than WIDEST points as the means of blocks of equal length."""
    block = np.maximum(-(-n // WIDEST), 1)
    out_value, out_epoch = np.zeros((len(n), WIDEST)), np.zeros((len(n), WIDEST))
    out_n = n.copy()
    for size in np.unique(block):
        rows = np.flatnonzero(block == size)
        span = int(size) * WIDEST
        take = np.minimum(np.arange(span), value.shape[1] - 1)
        counted = np.arange(span) < n[rows, None]
        parts = (len(rows), WIDEST, int(size))
        count = counted.reshape(parts).sum(axis=2)
        base = value[rows][:, take].reshape(parts)[:, :, :1]  # sums of differences: equal values stay exactly equal
        rise = np.where(counted.reshape(parts), value[rows][:, take].reshape(parts) - base, 0.0)
        out_value[rows] = base[:, :, 0] + rise.sum(axis=2) / np.maximum(count, 1)
        out_epoch[rows] = np.where(counted, epoch[rows][:, take], -np.inf).reshape(parts).max(axis=2)
        out_n[rows] = -(-n[rows] // size)
    return out_value, np.where(np.isfinite(out_epoch), out_epoch, 0.0), out_n
