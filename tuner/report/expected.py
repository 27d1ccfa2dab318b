"""What the best configuration is worth on new data: its value without the winner's luck, and an interval.

After a final test  the test split's value v ± 1.96 · se · √(n_val / (n_val + n_test)), with se the recorded standard
                    error of the difference between both splits: the test split's own part of it. Nobody chose by it.
Else                v + optimism ± 1.96 · √(a + b), with the optimism of `diagnosis/sweep/winner_is_lucky`;
                    a = v (1 − v) / n_val for an accuracy (binomial; for a loss nobody records what examples differ by);
                    b = s² (1 + 1 / k) for one more training where k seeds were trained, s their moderated deviation;
                    without further seeds the noise between a loss's last epochs stands for b.
Units               of the metric.
Source              Cawley and Talbot (2010) for the optimism; the others are sampling's textbook formulas.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tuner.diagnosis.sweep import winner_is_lucky
from tuner.records.seeds import chosen_by_mean, moderated, over_seeds
from tuner.records.trial import FinalTest, SweepRecord, TrialRecord
from tuner.report.wording import count, number

Z = 1.959964


@dataclass(frozen=True, slots=True)
class Expected:
    """In the metric's unit."""

    value: float
    low: float
    high: float
    """`low` and `high` bound 95 %; both are the value where no noise is known."""
    because: tuple[str, ...]
    """What the interval is made of, and what is not in it."""
    whole: bool
    """Whether it covers the noise of the examples by which it was judged; where not, it is wider than told."""

    @property
    def known(self) -> bool:
        return self.high > self.low


def expected(record: SweepRecord) -> Expected | None:
    """None without a best trial."""
    best = record.best
    if best is None or best.value is None:
        return None
    tested = record.final_test
    if tested is not None and tested.trial == best.trial and (found := _tested(record, tested)) is not None:
        return found
    return _from_validation(record, best, best.value)


def told(found: Expected, metric: str) -> str:
    """One sentence, without its full stop."""
    about = f"On new data expect {metric} about {number(found.value)}"
    if not found.known:
        return f"{about}; how far off that may be is not known"
    if not found.whole:
        return f"{about}, give or take at least {number((found.high - found.low) / 2, 2)} (95 %)"
    return f"{about} (95 % interval: {number(found.low)} to {number(found.high)})"


def _tested(record: SweepRecord, tested: FinalTest) -> Expected | None:
    name = record.metric.removeprefix("val_")
    value, noise = tested.metrics.get(f"test_{name}"), tested.noise.get(name)
    if value is None or noise is None or not math.isfinite(value) or not math.isfinite(noise):
        return None
    half = Z * noise * math.sqrt(tested.n_val / max(1, tested.n_val + tested.n_test))
    said = f"measured on {count(tested.n_test, 'test example')} that nothing was chosen by"
    return Expected(value, *_bounds(value, half, record.metric), (said,), whole=True)


def _from_validation(record: SweepRecord, best: TrialRecord, value: float) -> Expected:
    sign = 1.0 if record.mode == "min" else -1.0
    examples = winner_is_lucky.examples(record)
    accuracy = winner_is_lucky.is_accuracy(record.metric)
    chosen = chosen_by_mean(record)
    if chosen is not None and chosen.mean is not None:
        value = chosen.mean
    because, square, noise = [], 0.0, None
    if not accuracy or examples is not None:
        values, noise = winner_is_lucky.candidates(record, examples or 1)
        luck = (
            None if noise is None or not values else winner_is_lucky.optimism(np.sort(sign * np.array(values)), noise)
        )
        if luck is not None and luck[0] > 0:
            because.append(
                f"{number(luck[0], 2)} {_worse(record.mode)}: the best of {len(values)} owes so much to luck"
            )
            value += sign * luck[0]
    if accuracy and examples is not None:
        part = max(0.0, min(1.0, value))
        binomial = part * (1 - part) / examples
        square += binomial
        because.append(f"± {number(Z * math.sqrt(binomial), 2)} by {examples} validation examples")
    seeds = _between_seeds(record, best)
    if seeds is not None:
        square += seeds[0] ** 2 * (1 + 1 / seeds[1])
        because.append(f"± {number(Z * seeds[0], 2)} between seeds")
    elif not accuracy and noise:
        square += noise**2
        because.append(
            f"± {number(Z * noise, 2)} between epochs; seeds may differ more, as `search.finalists` would say"
        )
    whole = accuracy and examples is not None
    if not whole:
        because.append("how much the validation examples differ was not recorded: `--final-test` measures it")
    return Expected(value, *_bounds(value, Z * math.sqrt(square), record.metric), tuple(because), whole)


def _between_seeds(record: SweepRecord, best: TrialRecord) -> tuple[float, int] | None:
    """(standard deviation of one seed's value, seeds) of the best configuration."""
    groups = [one for one in over_seeds(record) if one.whole and one.mean is not None]
    noise = moderated([one.values for one in groups])
    if noise is None:
        return None
    return next(
        ((noise[i].deviation, len(one.values)) for i, one in enumerate(groups) if one.trial.trial == best.trial), None
    )


def _worse(mode: str) -> str:
    return "higher" if mode == "min" else "lower"


def _bounds(value: float, half: float, metric: str) -> tuple[float, float]:
    low, high = value - half, value + half
    if winner_is_lucky.is_accuracy(metric) and 0 <= value <= 1:
        low, high = max(0.0, low), min(1.0, high)
    return low, high
