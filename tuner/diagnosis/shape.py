"""What every symptom asks of one kind of curve, computed once: level at the end, best, trend, forecast."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tuner.diagnosis.padded import Array, Bools, Ints, Padded, picked
from tuner.diagnosis.smooth import coarse, fine, masked_median, median3, noise, window

MEAN_DISTANCE = float(np.sqrt(1.5 * 2 / np.pi))
"""Mean distance of a value from its neighbours' mean, per standard deviation of normal noise."""


@dataclass
class Shape:
    """The shape of a padded curve; all arrays are [B] unless said otherwise, in units of the history's scale."""

    curve: Padded

    @property
    def n(self) -> Ints:
        return self.curve.n

    @cached_property
    def middle(self) -> Array:
        """Running median of three."""
        return median3(self.curve.value, self.n)

    @cached_property
    def fine(self) -> Array:
        return fine(self.curve.value, self.n, self.middle)

    @cached_property
    def coarse(self) -> Array:
        return coarse(self.middle, self.n)

    @cached_property
    def sigma(self) -> Array:
        """Standard deviation of one value around its trend."""
        return noise(self.curve.value, self.n, self.curve.there)

    @cached_property
    def late_sigma(self) -> Array:
        """The same over the last two thirds (half of a short curve): early second differences are the steep start."""
        skip = np.minimum(self.n // 3, np.maximum(self.n - 5, 0))
        column = np.minimum(skip[:, None] + np.arange(self.curve.value.shape[1]), np.maximum(self.n - 1, 0)[:, None])
        late = picked(self.curve.value, column)
        count = self.n - skip
        return noise(late, count, np.arange(late.shape[1])[None, :] < count[:, None])

    @cached_property
    def half(self) -> Array:
        """Level at half of the epochs."""
        return self._around(self.n // 2, np.maximum(self.tail // 2, 0))

    @cached_property
    def first(self) -> Array:
        return self.curve.value[:, 0]

    @cached_property
    def last_epoch(self) -> Array:
        return self.at(self.curve.epoch, self.n - 1)

    @cached_property
    def tail(self) -> Ints:
        """Points that the level at the end is the median of: about a tenth of the curve."""
        return np.where(self.n <= 5, 1, window(self.n))

    @cached_property
    def end(self) -> Array:
        """Level at the end: the median of the last `tail` points."""
        return self.level(self.n - self.tail, self.n)

    @cached_property
    def end_error(self) -> Array:
        """Standard error of `end` from noise alone (a median's is 1.25 of a mean's)."""
        return self.late_sigma * np.where(self.tail > 1, 1.25, 1.0) / np.sqrt(self.tail)

    @cached_property
    def best_at(self) -> Ints:
        """Position of the smoothed curve's minimum, the earliest of equals."""
        at: Ints = np.argmin(np.where(self.curve.there, self.fine, np.inf), axis=1)
        return at

    @cached_property
    def best(self) -> Array:
        """Level at the minimum: of the smoothed curve, so a lucky epoch does not count."""
        return self.at(self.fine, self.best_at)

    @cached_property
    def best_epoch(self) -> Array:
        return self.at(self.curve.epoch, self.best_at)

    @cached_property
    def luck(self) -> Array:
        """How far below the truth the minimum of that many smoothed noisy values lies: sigma · 0.45 · √(2 ln(n / 3)).

        0.45 is what `fine` leaves of sigma, and some three of its values are one independent one.
        """
        expected: Array = 0.45 * np.sqrt(2 * np.log(np.maximum(self.n / 3, 1.5)))
        return self.late_sigma * expected

    @cached_property
    def against(self) -> Array:
        """The largest step against a fall to the minimum and a rise after it: noise, whatever the shape."""
        step = np.diff(self.curve.value, axis=1)
        position = np.arange(step.shape[1])[None, :]
        up = position < self.best_at[:, None] - 1
        down = (position > self.best_at[:, None]) & self.curve.there[:, 1:]
        largest: Array = np.where(up, step, np.where(down, -step, 0.0)).max(axis=1, initial=0.0)
        return largest

    @cached_property
    def trend(self) -> tuple[Array, Array]:
        """Change over the last third (four points at least) by a straight line, and its standard error."""
        return self.line(np.minimum(self.n - np.maximum(self.n // 3, 4), self.n - 2), self.n)

    @cached_property
    def wobble(self) -> Array:
        """Mean distance of a value from the mean of its neighbours over the last two thirds, as a standard deviation:
        unlike `late_sigma` it counts the few large jumps of a heavy-tailed noise."""
        value = self.curve.value
        if value.shape[1] < 3:
            return np.zeros(len(self.n))
        away = np.abs(value[:, 1:-1] - (value[:, :-2] + value[:, 2:]) / 2)
        skip = np.minimum(self.n // 3, np.maximum(self.n - 5, 0))
        position = np.arange(value.shape[1])[None, 1:-1]
        inside = (position > skip[:, None]) & (position < (self.n - 1)[:, None])
        mean: Array = np.where(inside, away, 0.0).sum(axis=1) / np.maximum(inside.sum(axis=1), 1)
        return mean / MEAN_DISTANCE

    @cached_property
    def lately(self) -> Array:
        """Of the change over the last third, the share that its last half had, twice: 1 where it goes on as before, 0
        where it has come to rest, as when a schedule ends; 1 where there are too few points to tell (under 16).
        From levels: the third is cut into five, and the second, third and last fifths' mean levels are compared."""
        third = np.maximum(self.n // 3, 4)
        part = np.maximum(third // 5, 1)
        stop = self.n
        last = self.mean(stop - part, stop)
        middle = self.mean(stop - (third - part + 1) // 2 - part, stop - (third - part + 1) // 2)
        first = self.mean(stop - third, stop - third + part)
        fall, late = first - last, middle - last
        doubt = 3 * self.late_sigma / np.sqrt(part)  # as far as noise goes, it is taken to go on as before
        share = np.where(fall > 0, (2 * late + doubt) / np.where(fall > 0, fall + doubt, 1.0), 1.0)
        return np.where(self.n < 16, 1.0, np.minimum(np.maximum(share, -1.0), 2.0))

    def mean(self, start: Ints, stop: Ints) -> Array:
        """Mean of the median of three from start up to, not with, stop."""
        column = start[:, None] + np.arange(max(int((stop - start).max(initial=1)), 1))[None, :]
        near = picked(self.middle, np.minimum(np.maximum(column, 0), self.middle.shape[1] - 1))
        inside = column < stop[:, None]
        mean: Array = np.where(inside, near, 0.0).sum(axis=1) / np.maximum(stop - start, 1)
        return mean

    def at(self, matrix: Array, position: Ints) -> Array:
        inside = np.minimum(np.maximum(position, 0), matrix.shape[1] - 1)
        there: Array = matrix[np.arange(len(matrix)), inside]
        return there

    def between(self, start: Ints, stop: Ints) -> Bools:
        """[B, T]: True at the points from start up to, not with, stop."""
        position = np.arange(self.curve.value.shape[1])[None, :]
        inside: Bools = (position >= np.maximum(start, 0)[:, None]) & (position < np.minimum(stop, self.n)[:, None])
        return inside

    def level(self, start: Ints, stop: Ints) -> Array:
        """Median of the values from start up to, not with, stop."""
        start, stop = np.maximum(start, 0), np.minimum(stop, self.n)
        column = start[:, None] + np.arange(max(int((stop - start).max(initial=1)), 1))[None, :]
        near = picked(self.curve.value, np.minimum(column, self.curve.value.shape[1] - 1))
        return masked_median(near, column < stop[:, None])

    def line(self, start: Ints, stop: Ints) -> tuple[Array, Array]:
        """Change over these points by a least-squares line, and its standard error.

        The error is that of the residuals, but never below what the curve's own noise scale gives; 1.5 times it,
        since the losses of neighbouring epochs are not independent.
        """
        use = self.between(start, stop)
        count = np.maximum(use.sum(axis=1), 1)
        x = np.where(use, np.arange(use.shape[1])[None, :], 0.0)
        y = np.where(use, self.fine, 0.0)
        mean_x, mean_y = x.sum(axis=1) / count, y.sum(axis=1) / count
        dx = np.where(use, x - mean_x[:, None], 0.0)
        dy = np.where(use, y - mean_y[:, None], 0.0)
        sxx = np.maximum((dx * dx).sum(axis=1), 1e-12)
        slope = (dx * dy).sum(axis=1) / sxx
        rest = ((dy - slope[:, None] * dx) ** 2).sum(axis=1) / np.maximum(count - 2, 1)
        spread = np.sqrt(np.maximum(rest, self.late_sigma**2))
        span = np.maximum(count - 1, 1)
        return slope * span, 1.5 * spread / np.sqrt(sxx) * span

    @cached_property
    def forecast(self) -> tuple[Array, Array]:
        """Fall still to come if training went on as long again, and its standard error; never below 0.

        The levels around a quarter, a half and the end of the curve give the fall per doubling of the epochs, then and
        lately; the next doubling gains `ratio` times the last, as a power law does, the ratio kept between 0 and 1.
        """
        n = self.n
        half = self.tail // 2
        first, middle = np.maximum(np.round(n / 4).astype(int), 1), np.maximum(np.round(n / 2).astype(int), 1)
        a, b = self._around(first - 1, half), self._around(middle - 1, half)
        last = np.maximum(n - half, middle + 1)  # where the level at the end lies
        late = (b - self.end) / np.log2(last / middle)
        early = (a - b) / np.log2(np.maximum(middle / first, 1.1))
        ratio = np.where(early > 0, late / np.where(early > 0, early, 1.0), 1.0)
        ratio = np.minimum(np.maximum(ratio, 0.0), 1.0)
        change, error = self.trend
        third = np.maximum(n // 3, 4)
        by_slope = np.maximum(-change, 0.0) * n / np.maximum(third - 1, 1)
        fall = np.minimum(np.maximum(late, 0.0) * ratio, by_slope)
        gathering = late > np.maximum(1.2 * early, 0.0)  # still falling faster and faster: the slope says more
        fall = np.where(gathering, np.minimum(3 * np.maximum(late, 0.0), by_slope), fall)
        return fall, np.hypot(self.end_error * 1.5, error)

    def _around(self, position: Ints, half: Ints) -> Array:
        return self.level(position - half, position + half + 1)
