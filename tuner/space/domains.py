"""What one parameter may be set to: a range of numbers, one of some options, or one value that never changes.

Bounds are inclusive. Each domain maps its values onto the unit interval and back, on a logarithmic scale where `log`
says so; each whole number gets what lies within half a step of it, so that the bounds are as likely as the rest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuner.records.values import Scalar

if TYPE_CHECKING:
    import numpy as np

STEP = 0.1
"""Standard deviation of one mutation of a number, as a share of its range: a neighbour, not a new draw."""


def same(one: Scalar, other: Scalar) -> bool:
    """Equal and of one type: to Python, True, 1 and 1.0 are one; as options they are three."""
    return type(one) is type(other) and one == other


@dataclass(frozen=True, slots=True)
class Float:
    """Any number from `low` to `high`."""

    low: float
    high: float
    log: bool = False

    def contains(self, value: Scalar) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high

    def from_unit(self, share: float) -> float:
        if self.log:
            low, high = math.log(self.low), math.log(self.high)
            value = math.exp(low + share * (high - low))
        else:
            value = self.low * (1.0 - share) + self.high * share  # high - low may overflow
        return min(max(value, float(self.low)), float(self.high))

    def to_unit(self, value: Scalar) -> float:
        assert isinstance(value, int | float)
        if self.log:
            at, low, high = math.log(value), math.log(self.low), math.log(self.high)
        else:
            at, low, high = value / 2, self.low / 2, self.high / 2  # high - low may overflow
        return _clip((at - low) / (high - low)) if low < high else 0.5

    def sample(self, rng: np.random.Generator) -> float:
        return self.from_unit(float(rng.random()))

    def grid(self, points: int) -> list[Scalar]:
        return _distinct([self.from_unit(share) for share in _shares(points)])

    def neighbours(self, value: Scalar, rng: np.random.Generator) -> list[Scalar]:
        at = self.to_unit(value)
        steps = [self.from_unit(_clip(at + sign * abs(float(rng.normal(0.0, STEP))))) for sign in (-1.0, 1.0)]
        return [step for step in _distinct(steps) if step != value]

    def middle(self) -> float:
        return self.from_unit(0.5)

    def __str__(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True)
class Int:
    """Any whole number from `low` to `high`."""

    low: int
    high: int
    log: bool = False

    def contains(self, value: Scalar) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high

    def from_unit(self, share: float) -> int:
        low, high = self._edges()
        value = low + share * (high - low)
        whole = round(math.exp(value) if self.log else value)
        return min(max(whole, self.low), self.high)

    def to_unit(self, value: Scalar) -> float:
        assert isinstance(value, int)
        low, high = self._edges()
        return _clip(((math.log(value) if self.log else value) - low) / (high - low))

    def sample(self, rng: np.random.Generator) -> int:
        return self.from_unit(float(rng.random()))

    def grid(self, points: int) -> list[Scalar]:
        if self.high - self.low < points:
            return list(range(self.low, self.high + 1))
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        values = [low + share * (high - low) for share in _shares(points)]
        return _distinct([min(max(round(math.exp(v) if self.log else v), self.low), self.high) for v in values])

    def neighbours(self, value: Scalar, rng: np.random.Generator) -> list[Scalar]:
        assert isinstance(value, int)
        at, steps = self.to_unit(value), list[Scalar]()
        for sign in (-1, 1):
            there = self.from_unit(_clip(at + sign * abs(float(rng.normal(0.0, STEP)))))
            steps.append(there if there != value else value + sign)
        return [step for step in _distinct(steps) if self.contains(step) and step != value]

    def middle(self) -> int:
        return self.from_unit(0.5)

    def _edges(self) -> tuple[float, float]:
        """Half a step beyond the bounds."""
        if self.log:
            return math.log(self.low - 0.5), math.log(self.high + 0.5)
        return self.low - 0.5, self.high + 0.5

    def __str__(self) -> str:
        return f"a whole number from {self.low} to {self.high}"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some options. A choice whose options bring parameters of their own names its branches here."""

    options: tuple[Scalar, ...]

    def contains(self, value: Scalar) -> bool:
        return any(same(value, option) for option in self.options)

    def from_unit(self, share: float) -> Scalar:
        return self.options[min(int(share * len(self.options)), len(self.options) - 1)]

    def to_unit(self, value: Scalar) -> float:
        place = next(i for i, option in enumerate(self.options) if same(option, value))
        return (place + 0.5) / len(self.options)

    def sample(self, rng: np.random.Generator) -> Scalar:
        return self.options[int(rng.integers(len(self.options)))]

    def grid(self, points: int) -> list[Scalar]:  # noqa: ARG002
        return list(self.options)

    def neighbours(self, value: Scalar, rng: np.random.Generator) -> list[Scalar]:  # noqa: ARG002
        return [option for option in self.options if not same(option, value)]

    def middle(self) -> Scalar:
        return self.options[0]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Choice):
            return NotImplemented
        return len(self.options) == len(other.options) and all(map(same, self.options, other.options))

    def __hash__(self) -> int:
        return hash(self.options)

    def __str__(self) -> str:
        return "one of " + ", ".join(_shown(option) for option in self.options)


@dataclass(frozen=True, slots=True)
class Constant:
    """One value in every configuration."""

    value: Scalar

    def contains(self, value: Scalar) -> bool:
        return same(value, self.value)

    def from_unit(self, share: float) -> Scalar:  # noqa: ARG002
        return self.value

    def to_unit(self, value: Scalar) -> float:  # noqa: ARG002
        return 0.5

    def sample(self, rng: np.random.Generator) -> Scalar:  # noqa: ARG002
        return self.value

    def grid(self, points: int) -> list[Scalar]:  # noqa: ARG002
        return [self.value]

    def neighbours(self, value: Scalar, rng: np.random.Generator) -> list[Scalar]:  # noqa: ARG002
        return []

    def middle(self) -> Scalar:
        return self.value

    def __eq__(self, other: object) -> bool:
        return same(self.value, other.value) if isinstance(other, Constant) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.value)

    def __str__(self) -> str:
        return f"always {_shown(self.value)}"


Domain = Float | Int | Choice | Constant


def canonical(domain: Domain, value: Scalar) -> Scalar:
    """The value as the domain writes it (3 as 3.0 in a range of floats, 1.0 as the option 1); others as they are."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    match domain:
        case Float():
            return float(value) if domain.contains(value) else value
        case Int():
            return value
        case Choice(options):
            known = options
        case Constant(only):
            known = (only,)
    if any(same(value, option) for option in known):
        return value
    equal = [option for option in known if not isinstance(option, bool) and option == value]
    return equal[0] if equal else value


def _clip(share: float) -> float:
    return min(max(share, 0.0), 1.0)


def _shares(points: int) -> list[float]:
    return [0.5] if points == 1 else [i / (points - 1) for i in range(points)]


def _distinct(values: Sequence[Scalar]) -> list[Scalar]:
    return list(dict.fromkeys(values))


def _shown(value: Scalar) -> str:
    words = {True: "true", False: "false", None: "null"}
    return words[value] if value is None or isinstance(value, bool) else str(value)
