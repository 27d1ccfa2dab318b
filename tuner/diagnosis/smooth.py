"""Robust smoothing and the noise scale of a curve, from the curve itself, for a whole batch.

Real validation noise is 2-4 % of the level on CIFAR and SVHN and 0.1 % on autoencoders: no fixed threshold serves
both, so every comparison elsewhere is in units of what is estimated here.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis.padded import Array, Bools, Ints, picked

MAD_TO_SIGMA = 1.4826
"""Standard deviation per median absolute deviation, for normal noise."""

SHORT = 10
"""Points up to which second differences are mostly curvature, so that noise is read from the turns instead."""


def shifted(value: Array, n: Ints, by: int) -> Array:
    """value[:, j + by], the end points repeated beyond the ends of each row."""
    width = value.shape[1]
    take = np.arange(width) + by
    if by <= 0:
        return value[:, np.maximum(take, 0)]
    return picked(value, np.minimum(take[None, :], np.maximum(n - 1, 0)[:, None]))


def median3(value: Array, n: Ints) -> Array:
    """Running median of three; the two ends by Tukey's rule: the median of the end, its neighbour's median and the
    straight line through the neighbours' medians. Rows under three points stay as they are."""
    if value.shape[1] < 3:
        return value
    left, right = shifted(value, n, -1), shifted(value, n, 1)
    out = np.maximum(np.minimum(value, left), np.minimum(np.maximum(value, left), right))
    rows, last = np.arange(len(n)), np.maximum(n - 1, 0)
    for end, step in ((np.zeros_like(last), 1), (last, -1)):
        near = out[rows, np.maximum(end + step, 0)]
        next_ = out[rows, np.maximum(end + 2 * step, 0)]
        line = 3 * near - 2 * next_
        own = value[rows, end]
        fixed = np.maximum(np.minimum(own, near), np.minimum(np.maximum(own, near), line))
        out[rows, end] = np.where(n >= 5, fixed, own)
    return np.where((n >= 5)[:, None], out, value)


def fine(value: Array, n: Ints, middle: Array) -> Array:
    """Running median of three (`middle`), then Hann's 1/4 1/2 1/4: one outlier gone, a minimum of three epochs still
    there."""
    soft = 0.25 * shifted(middle, n, -1) + 0.5 * middle + 0.25 * shifted(middle, n, 1)
    return np.where((n >= 5)[:, None], soft, value)


def window(n: Ints) -> Ints:
    """Points of the coarse smoothing's window: odd, about a tenth of the curve, from 3 to 25."""
    return np.minimum(np.maximum(2 * (n // 20) + 1, 3), 25)


def coarse(middle: Array, n: Ints) -> Array:
    """Running median of three (`middle`), then a mean over `window`, cut at the ends to what is there on both sides."""
    half = window(n) // 2
    total, count = np.zeros_like(middle), np.zeros_like(middle)
    position = np.arange(middle.shape[1])[None, :]
    room = np.minimum(half[:, None], np.minimum(position, np.maximum(n[:, None] - 1 - position, 0)))
    for by in range(-int(half.max(initial=0)), int(half.max(initial=0)) + 1):
        use = room >= abs(by)
        total += np.where(use, shifted(middle, n, by), 0.0)
        count += use
    return total / count


def noise(value: Array, n: Ints, there: Bools) -> Array:
    """Standard deviation of one value around its trend; 0 where it cannot be told.

    sigma = 1.4826 · MAD of second differences / √6: a straight line has none of them, and the median ignores the
    steep first epochs and single spikes. Of ten points and fewer, second differences are mostly curvature: there the
    steps against the curve's own shape (down to its minimum, then up) tell, which are nothing but noise.
    """
    if value.shape[1] < 3:
        return np.zeros(len(n))
    second = np.abs(value[:, 2:] - 2 * value[:, 1:-1] + value[:, :-2])
    sigma = MAD_TO_SIGMA * masked_median(second, there[:, 2:]) / np.sqrt(6.0)
    short = n <= SHORT
    if short.any():
        sigma[short] = np.minimum(sigma[short], np.maximum(_turns(value[short], n[short]), 0.25 * sigma[short]))
    return np.where(n >= 3, sigma, 0.0)


def _turns(value: Array, n: Ints) -> Array:
    low = np.argmin(value, axis=1)[:, None]
    step = np.diff(value, axis=1)
    position = np.arange(step.shape[1])[None, :]
    against = np.where(position < low, np.maximum(step, 0.0), np.maximum(-step, 0.0))
    out: Array = np.sqrt((against**2).sum(axis=1) / np.maximum(n - 2, 1))
    return out


def masked_median(value: Array, there: Bools) -> Array:
    """Median of each row's points (the upper one of two middle ones); 0 for an empty row."""
    if value.shape[1] == 0:
        return np.zeros(len(value))
    count = there.sum(axis=1)
    if (count == value.shape[1]).all():
        return np.partition(value, value.shape[1] // 2, axis=1)[:, value.shape[1] // 2].copy()
    ordered = np.sort(np.where(there, value, np.inf), axis=1)
    middle = ordered[np.arange(len(ordered)), np.minimum(count // 2, value.shape[1] - 1)]
    return np.where(count > 0, middle, 0.0)
