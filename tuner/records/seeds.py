"""A configuration over several seeds: its mean, the mean's interval, and which configuration wins by it.

With `search.repeats` the seeds that count are the first one and the repeats: the first was chosen by nobody. With
`search.finalists` they are the further seeds alone: a finalist was chosen because its first value was good, so that
value is too good on the average (the winner's curse).

Interval  mean ± t(0.975, PRIOR + n − 1) · s / √n. A configuration's own variance v over three seeds says next to
          nothing, and worse ones are often noisier, so that one variance for all would not do: s² is moderated,
          (PRIOR · m + (n − 1) · v) / (PRIOR + n − 1), with m the median of the configurations' variances, each divided
          by the median of χ² over its degrees of freedom, (1 − 2 / 9(n − 1))³. One configuration alone keeps its own.
          It covers the seeds' noise, not the validation set's: all seeds are judged by the same examples.
Source    Smyth (2004), Linear models and empirical Bayes methods, with a prior of fixed weight; Wilson and Hilferty
          (1931) for the median.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.records.trial import COMPLETED, DOOMED, SweepRecord, TrialRecord

PRIOR = 4
"""Degrees of freedom that the usual variance counts for."""
_T = {0.975: (12.706, 4.303, 3.182, 2.776), 0.95: (6.314, 2.920, 2.353, 2.132)}
"""Student's t for one to four degrees of freedom; beyond, its expansion is good to 0.003."""
_Z = {0.975: 1.959964, 0.95: 1.644854}


@dataclass(frozen=True, slots=True)
class OverSeeds:
    """One configuration, trained on several seeds."""

    trial: TrialRecord
    """The configuration's first training."""
    trainings: tuple[TrialRecord, ...]
    """Those that count, by seed; those that have not ended among them."""
    wanted: int
    """How many are to count in the end."""
    mean: float | None = None
    """Of the values of those that came to their end; None where one diverged or none has a value."""
    half: float | None = None
    """Half the width of the mean's 95 % interval; None where no configuration has two values."""

    @property
    def values(self) -> tuple[float, ...]:
        """Of the trainings that came to their end."""
        return tuple(t.value for t in self.trainings if t.ending == COMPLETED and t.value is not None)

    @property
    def diverged(self) -> int:
        return sum(t.ending == DOOMED for t in self.trainings)

    @property
    def whole(self) -> bool:
        """Every seed has come to an end."""
        return len(self.trainings) >= self.wanted and all(t.ending not in (None, "interrupted") for t in self.trainings)

    @property
    def interval(self) -> tuple[float, float] | None:
        if self.mean is None or self.half is None:
            return None
        return self.mean - self.half, self.mean + self.half


def over_seeds(record: SweepRecord) -> tuple[OverSeeds, ...]:
    """Every configuration that was or is to be trained on further seeds: best mean first, without a mean last."""
    groups = _groups(record)
    sign = 1.0 if record.mode == "min" else -1.0
    means = [_mean(group) for group in groups]
    order = sorted(range(len(groups)), key=lambda i: (means[i] is None, sign * (means[i] or 0.0), i))
    noise = moderated([groups[i].values for i in order if means[i] is not None])
    found = []
    for place, i in enumerate(order):
        group, half = groups[i], None
        if means[i] is not None and noise is not None:
            half = student(0.975, noise[place].freedom) * noise[place].deviation / math.sqrt(len(group.values))
        found.append(OverSeeds(group.trial, group.trainings, group.wanted, means[i], half))
    return tuple(found)


def chosen_by_mean(record: SweepRecord) -> OverSeeds | None:
    """The winner by its mean; None where there are no further seeds, or none has been decided yet.

    Finalists are decided together, when the last of them has all its seeds.
    """
    if not record.repeats:
        return None
    found = over_seeds(record)
    if record.finalists and not all(one.whole for one in found):
        return None
    return next((one for one in found if one.whole and one.mean is not None), None)


def trainings_of(record: SweepRecord, trial: TrialRecord) -> tuple[TrialRecord, ...]:
    """A configuration's trainings, the first one in front."""
    return (trial, *(one for one in record.repeats if one.repeat_of == trial.trial))


@dataclass(frozen=True, slots=True)
class SeedNoise:
    """How far a configuration's seeds lie apart."""

    deviation: float
    """Standard deviation of one seed's value, moderated."""
    freedom: int


def moderated(groups: Sequence[Sequence[float]]) -> list[SeedNoise] | None:
    """Of each configuration, by its values; None without two values in any."""
    own = [(statistics.variance(values), len(values) - 1) for values in groups if len(values) > 1]
    if not own:
        return None
    if len(groups) == 1:
        return [SeedNoise(math.sqrt(own[0][0]), own[0][1])]
    usual = statistics.median(variance / (1 - 2 / (9 * freedom)) ** 3 for variance, freedom in own)
    found = []
    for values in groups:
        freedom = len(values) - 1
        square = PRIOR * usual + (freedom * statistics.variance(values) if freedom > 0 else 0.0)
        found.append(SeedNoise(math.sqrt(square / (PRIOR + freedom)), PRIOR + freedom))
    return found


def student(share: float, freedom: int) -> float:
    """The quantile (0.975 or 0.95) of Student's t, after Cornish and Fisher beyond four degrees of freedom."""
    if freedom <= 4:
        return _T[share][freedom - 1]
    z = _Z[share]
    terms = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96, (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + math.fsum(term / freedom**power for power, term in enumerate(terms, 1))


def _groups(record: SweepRecord) -> list[OverSeeds]:
    further: dict[str, list[TrialRecord]] = {}
    for one in record.repeats:
        further.setdefault(str(one.repeat_of), []).append(one)
    if record.finalists:
        by_name = {trial.trial: trial for trial in record.trials}
        return [OverSeeds(by_name[name], tuple(further.get(name, ())), record.final_seeds) for name in record.finalists]
    if record.seeds_each < 2:
        return []
    survived = [trial for trial in record.trials if trial.ending == COMPLETED]
    return [OverSeeds(t, (t, *further.get(t.trial, ())), record.seeds_each) for t in survived]


def _mean(group: OverSeeds) -> float | None:
    values = group.values
    return math.fsum(values) / len(values) if values and not group.diverged else None
