"""What the symptoms share: the shapes of the curves, where they started, what was gained, the gap between them.

Each property is computed when the first symptom asks and kept, so the order of the symptoms changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from tuner.diagnosis.batch import Batch
from tuner.diagnosis.hits import ratio
from tuner.diagnosis.padded import Array, Bools, Ints
from tuner.diagnosis.shape import Shape

SMALLEST_LEVEL = 0.2
"""Share of the gain below which a level is no measure of a change any more: a loss that fell from 2.3 to 0.002 and is
0.003 now has risen by half of itself and by nothing that a plot would show."""


@dataclass
class Features:
    """Of a whole batch; arrays are [B] in units of each history's scale."""

    batch: Batch
    train: Shape = field(init=False)
    val: Shape = field(init=False)
    after: Shape = field(init=False)

    def __post_init__(self) -> None:
        self.train, self.val, self.after = (Shape(c) for c in (self.batch.train, self.batch.val, self.batch.after))

    @cached_property
    def has_train(self) -> Bools:
        return self.train.n > 0

    @cached_property
    def has_val(self) -> Bools:
        return self.val.n > 0

    @cached_property
    def reference_known(self) -> Bools:
        """Somebody said what the loss is without learning: the baseline, or the untrained network's."""
        return np.isfinite(self.batch.baseline) | np.isfinite(self.batch.initial)

    @cached_property
    def first(self) -> Array:
        """The first value of the training loss, else of the validation loss; NaN where there is neither."""
        either = np.where(self.has_train, self.train.first, self.val.first)
        return np.where(self.has_train | self.has_val, either, np.nan)

    @cached_property
    def reference(self) -> Array:
        """The loss of a network that has learnt nothing: the baseline, else the untrained network's, else the first."""
        batch = self.batch
        known = np.where(np.isfinite(batch.baseline), batch.baseline, batch.initial)
        return np.where(np.isfinite(known), known, self.first)

    @cached_property
    def start(self) -> Array:
        """Where the loss came from: the untrained network's, else the baseline, else the first value."""
        batch = self.batch
        guess = np.where(np.isfinite(batch.baseline), batch.baseline, self.first)
        return np.where(np.isfinite(batch.initial), batch.initial, guess)

    @cached_property
    def train_gain(self) -> Array:
        """What training has gained at best over a network that has learnt nothing; at least 0."""
        return self._gain(self.train)

    @cached_property
    def train_gain_from_start(self) -> Array:
        """The same, from where training started if that is higher: the untrained network's loss, or the first value
        where that is lower or alone (a loss that leapt up in its first epoch did not start there)."""
        return np.maximum(np.where(self.has_train, self.start_high - self.train.best, 0.0), self.train_gain)

    @cached_property
    def start_high(self) -> Array:
        """The higher of the constant predictor's loss and of where training started."""
        start = np.fmax(self.reference, np.fmin(self.train.first, self.batch.initial))
        return np.where(np.isfinite(start), start, 0.0)

    @cached_property
    def val_gain(self) -> Array:
        return self._gain(self.val)

    def _gain(self, shape: Shape) -> Array:
        origin = np.where(self.reference_known, self.reference, shape.first)
        return np.maximum(np.where(np.isfinite(origin), origin, 0.0) - shape.best, 0.0)

    @cached_property
    def val_unit(self) -> Array:
        """What a change of validation is measured by: its level, or a fifth of its gain where that is more."""
        return np.maximum(np.maximum(np.abs(self.val.best), SMALLEST_LEVEL * self.val_gain), 1e-12)

    @cached_property
    def train_unit(self) -> Array:
        return np.maximum(np.maximum(np.abs(self.train.best), SMALLEST_LEVEL * self.train_gain), 1e-12)

    @cached_property
    def train_at_best_val(self) -> Array:
        """The smoothed training loss at the epoch where validation was best."""
        return self.train.at(self.train.fine, self.train_position(self.val.best_epoch))

    def train_position(self, epoch: Array) -> Ints:
        """The position of the last training value up to `epoch`."""
        before = (self.train.curve.epoch <= epoch[:, None]) & self.train.curve.there
        position: Ints = np.maximum(before.sum(axis=1) - 1, 0)
        return position

    @cached_property
    def has_after(self) -> Bools:
        """The training loss in evaluation mode is known at every epoch."""
        known: Bools = (self.after.n == self.train.n) & (self.train.n > 0)
        return known

    @cached_property
    def quiet_end(self) -> Array:
        """The training loss at the end, in evaluation mode where that is known: dropout does not lift it."""
        return np.where(self.has_after, self.after.end, self.train.end) if self.has_after.any() else self.train.end

    @cached_property
    def quiet_half(self) -> Array:
        return np.where(self.has_after, self.after.half, self.train.half) if self.has_after.any() else self.train.half

    @cached_property
    def gap(self) -> Array:
        """Validation minus training at the end, in `val_unit`; 0 where one of them is missing."""
        both = self.has_train & self.has_val
        return np.where(both, (self.val.end - self.quiet_end) / self.val_unit, 0.0)

    @cached_property
    def gap_half(self) -> Array:
        """The same at half of the epochs."""
        both = self.has_train & self.has_val
        return np.where(both, (self.val.half - self.quiet_half) / self.val_unit, 0.0)

    @cached_property
    def learnt(self) -> Array:
        """Share of the reference that the training loss has lost at the end; NaN where nobody said the reference."""
        return np.where(self.reference_known, self._share(self.reference, self.quiet_end), np.nan)

    @cached_property
    def learnt_guessed(self) -> Array:
        """The same where the first value has to stand for the reference; NaN where that is known."""
        return np.where(self.reference_known, np.nan, self._share(self.reference, self.quiet_end))

    def _share(self, reference: Array, level: Array) -> Array:
        return np.where(reference > 0, ratio(reference - level, np.abs(reference)), np.nan)

    @cached_property
    def late_share(self) -> Array:
        """Share of the training loss's fall that lies in the second half; 0 where it has not fallen."""
        fall = self.train.first - self.train.end
        return np.where(fall > 0, ratio(self.train.half - self.train.end, fall), 0.0)

    @cached_property
    def val_rise(self) -> Array:
        """What validation has lost again since its best, in `val_unit`."""
        return ratio(self.val.end - self.val.best, self.val_unit)

    @cached_property
    def val_rise_net(self) -> Array:
        """The same, less what the luck of the best epoch explains."""
        return ratio(self.val.end - self.val.best - self.val.luck, self.val_unit)

    @cached_property
    def train_to_come(self) -> Array:
        """What as many epochs again would bring, in `train_unit`; NaN without a training loss."""
        return np.where(self.has_train, ratio(self.train.forecast[0], self.train_unit), np.nan)

    @cached_property
    def val_to_come(self) -> Array:
        return np.where(self.has_val, ratio(self.val.forecast[0], self.val_unit), np.nan)

    @cached_property
    def train_falls(self) -> Array:
        """By how many standard errors the training loss falls over its last third."""
        return _falls(self.train)

    @cached_property
    def val_falls(self) -> Array:
        return _falls(self.val)

    @cached_property
    def epochs_seen(self) -> Array:
        """The last epoch that any curve has a value of."""
        return np.maximum(
            np.where(self.has_train, self.train.last_epoch, 0.0), np.where(self.has_val, self.val.last_epoch, 0.0)
        )


def _falls(shape: Shape) -> Array:
    change, error = shape.trend
    return ratio(-change, error)
