"""The tree of errors; each knows the exit code of the command that it ends.

TunerError
  InputError          2  what the user gave is wrong
    SweepFileError    2  a sweep file; holds every fault of it
  RunError            3  the run failed or stayed incomplete: cluster, storage, every trial errored
  Stopped           130  the user stopped it
"""

from __future__ import annotations

from dataclasses import dataclass


class TunerError(Exception):
    """Base of all that the tuner raises on purpose. A subclass says its exit code."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend in the user's input."""

    where: str
    """The place: `space.lr`, `--config lr`, a file."""
    found: object
    """The value found there; None when something is missing."""
    cure: str
    """What was expected and what to write instead."""
    line: int | None = None
    """Line in the file, from 1."""

    def __str__(self) -> str:
        place = f"line {self.line}: {self.where}" if self.line is not None else self.where
        value = "" if self.found is None else f" = {self.found!r}"
        return f"{place}{value}: {self.cure}"


class InputError(TunerError):
    """The user's input is wrong; `faults` holds every reason."""

    exit_code = 2

    def __init__(self, what: str, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(what, faults)  # all arguments, or pickling to a worker loses them
        self.what, self.faults = what, tuple(faults)

    def __str__(self) -> str:
        if not self.faults:
            return self.what
        head = f"{self.what}: {len(self.faults)} to mend"
        return "\n".join([head, *(f"  {fault}" for fault in self.faults)])


class SweepFileError(InputError):
    """A sweep file that cannot be used."""


class RunError(TunerError):
    """The run failed or stayed incomplete."""

    exit_code = 3


class Stopped(TunerError):
    """The user stopped it."""

    exit_code = 130
