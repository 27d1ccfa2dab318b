"""The next search space: which of a sweep's findings become changes of its file, and which give way to others.

The forms of a change stand in `diagnosis/sweep/__init__.py`. Of two changes of one place the first wins, as the order
of the findings says what to do first; a parameter that is fixed has no bounds left to move, nor has what hangs on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tuner.records.finding import Finding
from tuner.records.values import Scalar

SPACE, LOW, HIGH = "space.", ".low", ".high"
MAX_EPOCHS, GRACE = "search.max_epochs", "search.scheduler.grace"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a sweep file, with its reason."""

    path: str
    old: Scalar
    new: Scalar
    because: str
    symptom: str
    """The finding that asks for it."""

    @property
    def parameter(self) -> str | None:
        """The recorded name of the parameter that changes; None for a change elsewhere."""
        if not self.path.startswith(SPACE):
            return None
        return self.path.removeprefix(SPACE).removesuffix(LOW).removesuffix(HIGH)

    @property
    def fixes(self) -> bool:
        """Whether the parameter is no longer searched."""
        return self.parameter is not None and not self.path.endswith((LOW, HIGH))


def plan(findings: Sequence[Finding]) -> tuple[Change, ...]:
    """The changes that these findings ask for, none of which contradicts another."""
    found: dict[str, Change] = {}
    for finding in findings:
        for remedy in finding.remedies:
            change = Change(remedy.change, remedy.old, remedy.new, remedy.because, finding.symptom)
            if not _is_change(change) or change.path in found:
                continue
            if any(_contradicts(change, other) for other in found.values()):
                continue
            found[change.path] = change
    return tuple(found.values())


def _is_change(change: Change) -> bool:
    if change.path in (MAX_EPOCHS, GRACE):
        return isinstance(change.new, int) and change.new != change.old
    return change.parameter is not None and change.new is not None and change.new != change.old


def _contradicts(change: Change, other: Change) -> bool:
    mine, theirs = change.parameter, other.parameter
    if mine is None or theirs is None:
        return False
    if mine == theirs:
        return change.fixes or other.fixes
    return other.fixes and mine.startswith(f"{theirs}.")
