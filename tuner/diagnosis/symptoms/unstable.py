"""Unstable: the training loss oscillates, spikes, or rises after having fallen, and is still finite.

Question  How much of what training had gained does it lose again, by jumps or for good?
Formula   rise = (t_end - t_best - luck) / gain;  jumps = noise scale of the last half / gain
          spikes: values more than SPIKE_SIGMAS and SPIKE of the gain above the curve smoothed over a tenth of it.
          lifted: the mean of the three (a twentieth of the) largest distances above the best value so far / gain
          leap: the same of the one largest (of a twentieth of the epochs)
          blown: the lower of the last two values over the best / gain, where it stands out of the noise
          gain: from the constant predictor's loss, or where training started if that is higher, to the best.
Units     no unit (0.2 is a fifth of all that was gained); spikes: how many.
Ways      rise that stands out of its noise (sigmas), or jumps, or lifted, or a leap, or spikes, or blown, each where
          there was a gain to lose; or a loss that was NaN or infinite and came back.
Reaches   precision 0.94, recall 0.90 (34 said, 20 planted) on the tuning half, by limits set on its other families.
Source    TUM §VI.1; Boudart, course 2 §4.2; runmedic's spike rule, in units of the curve's own noise.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis import case as of
from tuner.diagnosis.case import Case, plus, times
from tuner.diagnosis.features import Features
from tuner.diagnosis.hits import Hits, ratio
from tuner.diagnosis.padded import Array, Bools, Ints, picked
from tuner.diagnosis.plain import percent, since
from tuner.diagnosis.smooth import noise, shifted
from tuner.diagnosis.weigh import Condition, weigh
from tuner.records.finding import Remedy

NAME = "unstable"

GAINED = Condition("gained", 0.0991, 0.366, 0.1)
"""Of the reference, or there is nothing to lose again: jumps of it mean nothing."""
WAYS = (
    (Condition("rise", 0.103, 0.15, 0.1), Condition("sigmas", 2.86, 4.47, 3.0), GAINED),
    (Condition("jumps", 0.0556, 0.0688, 0.05), GAINED),
    (Condition("lifted", 0.116, 0.152, 0.1), GAINED),
    (Condition("spikes", 2.5, 3.46, 1.0), GAINED),
    (Condition("blown", 0.3, 0.45, 0.1), GAINED),
    (Condition("leap", 0.222, 0.424, 0.1), GAINED),
)
SPIKE = 0.1
SPIKE_SIGMAS = 8.0
CAME_BACK = 0.93
"""Confidence where the loss was not finite once."""


def measures(f: Features) -> dict[str, Array]:
    train = f.train
    value, there, n = train.curve.value, train.curve.there, train.n
    gain = np.maximum(f.train_gain_from_start, 1e-12)
    risen = train.end - train.best - train.luck
    error = np.hypot(train.end_error, 0.45 * train.late_sigma)
    late_enough = f.has_train & (n - 1 - train.best_at >= 2)

    late = np.minimum(n // 2, np.maximum(n - 4, 0))
    position = np.arange(value.shape[1])[None, :]
    # the second half alone: early second differences are the steep start of a healthy curve
    rows = np.minimum(late[:, None] + position, np.maximum(n - 1, 0)[:, None])
    second_half = picked(value, rows)
    jumps = ratio(noise(second_half, n - late, position < (n - late)[:, None]), gain)

    last_two = np.minimum(train.at(value, n - 1), train.at(value, n - 2))
    blown = (n >= 8) & (last_two - train.end > SPIKE_SIGMAS * train.sigma)

    above = value - train.coarse
    before = np.minimum(shifted(value, n, -1), shifted(value, n, -2))
    spiky = there & (above > SPIKE_SIGMAS * train.sigma[:, None]) & (above > SPIKE * gain[:, None]) & (position >= 2)
    spiky &= value - before > SPIKE * gain[:, None]  # not the last value before a cliff
    return {
        "rise": np.where(late_enough, ratio(risen, gain), np.nan),
        "sigmas": ratio(risen, error),
        "jumps": np.where(n >= 8, jumps, np.nan),
        "lifted": np.where(n >= 5, ratio(_lifted(value, there, n), gain), np.nan),
        "leap": np.where(n >= 5, ratio(_lifted(value, there, n, 1), gain), np.nan),
        "spikes": np.where(n >= 8, spiky.sum(axis=1), np.nan),
        "blown": np.where(blown, ratio(last_two - train.best, gain), np.nan),
        "gained": np.where(f.has_train, ratio(gain, np.maximum(np.abs(f.reference), 1e-12)), np.nan),
        "first_spike": train.at(train.curve.epoch, np.argmax(spiky, axis=1)),
    }


def find(f: Features) -> Hits:
    train = f.train
    known = measures(f)
    confidence, ways = weigh(WAYS, known)
    surest = np.maximum(np.maximum.reduce(list(ways)), 1e-9)  # the ways together may be far surer than each of them
    rises, jumpy, lifts, spiking, blown, leaps = (way >= 0.5 * surest for way in ways)
    came_back = f.has_train & train.curve.broken & ~train.curve.broken_end
    since_rise = np.where(rises, train.best_epoch, np.where(blown, train.last_epoch - 1, np.nan))
    return Hits(
        np.where(came_back, np.maximum(confidence, CAME_BACK), confidence),
        np.where(rises | blown, since_rise, np.where(spiking, known["first_spike"], np.nan)),
        {
            "rise": np.where(rises, known["rise"], np.where(blown, known["blown"], np.nan)),
            "jumps": np.where(jumpy, known["jumps"], np.nan),
            "spikes": np.where(spiking, known["spikes"], np.nan),
            "lifted": np.where(lifts, known["lifted"], np.nan),
            "leap": np.where(leaps, known["leap"], np.nan),
            "not_finite_once": np.where(came_back, 1.0, np.nan),
        },
    )


def _lifted(value: Array, there: Bools, n: Ints, fewest: int = 3) -> Array:
    """How far the training loss stood above its own best so far: the mean of its `fewest` worst epochs (a twentieth of
    them at least)."""
    up = np.where(there, value - np.minimum.accumulate(value, axis=1), 0.0)
    ordered = -np.sort(-up, axis=1)
    count = np.minimum(np.maximum(fewest, n // 20), value.shape[1])
    inside = np.arange(value.shape[1])[None, :] < count[:, None]
    mean: Array = np.where(inside, ordered, 0.0).sum(axis=1) / np.maximum(count, 1)
    return mean


def says(case: Case) -> str:
    parts = []
    if "rise" in case.evidence:
        parts.append(
            f"training loss has lost {percent(case.evidence['rise'])} of its gain again{since(case.since_epoch)}"
        )
    if "jumps" in case.evidence:
        parts.append(f"training loss jumps by {percent(case.evidence['jumps'])} of its gain from epoch to epoch")
    if "spikes" in case.evidence:
        parts.append(f"training loss spikes {int(case.evidence['spikes'])} times")
    if "lifted" in case.evidence and not parts:
        parts.append(f"training loss stood {percent(case.evidence['lifted'])} of its gain above its best so far, again")
    if "leap" in case.evidence and not parts:
        parts.append(f"training loss leapt {percent(case.evidence['leap'])} of its gain above its best so far")
    if "not_finite_once" in case.evidence:
        parts.append("training loss was NaN or infinite once and came back")
    return "; ".join(parts)


def remedies(case: Case) -> tuple[Remedy, ...]:
    return (
        case.change(of.LR, times(0.3), "lower learning rate", "the steps overshoot the valley", "B §4.2, T §VI.1"),
        case.switch(("schedule",), "cosine", "a learning-rate schedule", "smaller steps near the end", "T §VI"),
        case.change(of.MOMENTUM, plus(-0.1, low=0.0), "less momentum", "it carries past the minimum", "T §VI"),
        case.change(
            of.CLIPPING, times(0.3), "clip gradients at norm 1", "spikes come from single huge gradients", "T §VI"
        ),
        case.change(of.WARMUP, times(2), "warm-up of the learning rate", "the first steps are the wildest", "T §VI"),
        case.change(of.BATCH, times(2), "larger batch", "its gradient is less noisy", "T §VI"),
    )
