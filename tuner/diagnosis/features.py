"""What the symptoms share: the shapes of the curves, where they started, what was gained, the gap between them.

Each property is computed when the first symptom asks and kept, so the order of the symptoms changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from tuner.diagnosis.batch import Batch
from tuner.diagnosis.padded import Array, Bools, Ints
from tuner.diagnosis.shape import Shape

SMALLEST_LEVEL = 0.2
"""Share of the gain below which a level is no measure of a change any more: a loss that fell from 2.3 to 0.002 and is
0.003 now has risen by half of itself and by nothing that a plot would show."""

LATE = 0.45
FALLING = 3.0
"""Standard errors by which a trend has to fall to count as falling."""


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
    def gap(self) -> Array:
        """Validation minus training at the end, in `val_unit`; 0 where one of them is missing."""
        both = self.has_train & self.has_val
        return np.where(both, (self.val.end - self.train.end) / self.val_unit, 0.0)

    @cached_property
    def still_falling(self) -> Bools:
        """Nearly half or more of the training loss's fall lies in the second half, and the trend falls clearly."""
        train = self.train
        change, error = train.trend
        fall, late = train.first - train.end, train.half - train.end
        falling: Bools = (fall > 0) & (late > LATE * fall) & (-change > FALLING * error)
        return falling

    @cached_property
    def epochs_seen(self) -> Array:
        """The last epoch that any curve has a value of."""
        return np.maximum(
            np.where(self.has_train, self.train.last_epoch, 0.0), np.where(self.has_val, self.val.last_epoch, 0.0)
        )
