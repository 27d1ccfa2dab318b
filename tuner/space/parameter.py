"""One dimension of a space: its name, what it may be set to, and the option that it hangs on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tuner.records.trial import ParameterRecord
from tuner.records.values import Scalar
from tuner.space.domains import Choice, Constant, Domain, Float, Int, same


@dataclass(frozen=True, slots=True)
class Parameter:
    """Active when its parent is active and set to `parent_value`; always active without a parent."""

    name: str
    """As it is recorded: `optimizer.sgd.momentum`."""
    short: str
    """As builders get it: `momentum`."""
    domain: Domain
    default: Scalar = None
    has_default: bool = False
    """Whether `default` was given: null may be a default."""
    parent: str | None = None
    """Recorded name of the choice that it is nested in."""
    parent_value: Scalar = None

    @property
    def is_searched(self) -> bool:
        """Whether it can differ between two configurations."""
        match self.domain:
            case Constant():
                return False
            case Choice(options):
                return len(options) > 1
            case Float(low, high) | Int(low, high):
                return low < high

    def record(self) -> ParameterRecord:
        """What a report needs to know of it."""
        match self.domain:
            case Float(low, high, log):
                record = ParameterRecord(self.name, "float", low, high, log)
            case Int(low, high, log):
                record = ParameterRecord(self.name, "int", low, high, log)
            case Choice(options):
                record = ParameterRecord(self.name, "choice", options=options)
            case Constant(value):
                record = ParameterRecord(self.name, "constant", options=(value,))
        return replace(record, parent=self.parent, parent_value=self.parent_value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Parameter):
            return NotImplemented
        mine, theirs = self._identity(), other._identity()
        return (
            mine == theirs
            and self.domain == other.domain
            and same(self.default, other.default)
            and same(self.parent_value, other.parent_value)
        )

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[object, ...]:
        return (self.name, self.short, self.has_default, self.parent)
