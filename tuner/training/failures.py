"""What became of a trial that raised, as a record. Torch-free: torch's error is known by its name's module."""

from __future__ import annotations

import sys
import traceback

from tuner.records.epochs import OUT_OF_MEMORY, RAISED, STORAGE, Assignment, Failure
from tuner.records.storage import StorageError
from tuner.training.shortage import shortage

BROKEN = "broken"
"""Of a trial with several workers: another of them failed first. The launcher tells of that one instead."""
CPU_ALLOCATOR = "DefaultCPUAllocator"
"""Torch's CPU allocator raises a plain RuntimeError; only its name in the text tells it from others."""


class GroupBroken(RuntimeError):
    """Another worker of this trial is gone or has failed: a consequence, never the cause."""


def is_out_of_memory(error: BaseException) -> bool:
    """Also of an error that was raised from such a one."""
    torch = sys.modules.get("torch")  # who has not imported it cannot have raised its error
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return True
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and CPU_ALLOCATOR in str(error)):
        return True
    return error.__cause__ is not None and is_out_of_memory(error.__cause__)


CATCHABLE = (Exception, SystemExit)
"""What a user's code may raise to end its trial. A keyboard interrupt is for the driver."""


def failure_message(error: BaseException, what: str) -> tuple[str, str]:
    """Kind and one line. `what` was being trained: named when memory runs out, as it says what to make smaller."""
    first_line = (str(error).splitlines() or [""])[0]
    if isinstance(error, GroupBroken):
        return BROKEN, first_line
    if isinstance(error, StorageError):  # no fault of the trial's
        return STORAGE, first_line
    if is_out_of_memory(error):
        return OUT_OF_MEMORY, f"out of memory with {what}: {_amounts(error) or first_line or type(error).__name__}"
    return RAISED, f"{type(error).__name__}: {first_line}"


def values_text(assignment: Assignment) -> str:
    """What was being trained, where no model is there to describe itself."""
    return ", ".join(f"{name} {value}" for name, value in assignment.config.items())


def _amounts(error: BaseException) -> str:
    return shortage(error) or (_amounts(error.__cause__) if error.__cause__ is not None else "")


def failure(assignment: Assignment, error: BaseException, what: str) -> Failure:
    """Frees what the exception's frames hold."""
    told = "".join(traceback.format_exception(error))
    kind, message = failure_message(error, what)
    _clear(error)
    return Failure(assignment.trial, assignment.attempt, kind, message, told)


def _clear(error: BaseException) -> None:
    """The frames hold the model and the batch: also those of the errors that this one was raised from or during."""
    left: list[BaseException | None] = [error]
    while left:
        one = left.pop()
        if one is not None and one.__traceback__ is not None:
            traceback.clear_frames(one.__traceback__)
            one.__traceback__ = None
            left += [one.__cause__, one.__context__]
