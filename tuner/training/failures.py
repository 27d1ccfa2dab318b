"""What became of a trial that raised, as a record. Torch-free: torch's error is known by its name's module."""

from __future__ import annotations

import sys
import traceback

from tuner.records.epochs import Assignment, Failure

OUT_OF_MEMORY, RAISED = "out_of_memory", "raised"
CPU_ALLOCATOR = "DefaultCPUAllocator"
"""Torch's CPU allocator raises a plain RuntimeError; only its name in the text tells it from others."""


def is_out_of_memory(error: BaseException) -> bool:
    torch = sys.modules.get("torch")  # who has not imported it cannot have raised its error
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and CPU_ALLOCATOR in str(error))


CATCHABLE = (Exception, SystemExit)
"""What a user's code may raise to end its trial. A keyboard interrupt is for the driver."""


def failure_message(error: BaseException, what: str) -> tuple[str, str]:
    """Kind and one line. `what` was being trained: named when memory runs out, as it says what to make smaller."""
    first_line = (str(error).splitlines() or [""])[0]
    if is_out_of_memory(error):
        return OUT_OF_MEMORY, f"out of memory with {what}: {first_line}"
    return RAISED, f"{type(error).__name__}: {first_line}"


def failure(assignment: Assignment, error: BaseException, what: str) -> Failure:
    """Frees what the exception's frames hold."""
    told = "".join(traceback.format_exception(error))
    kind, message = failure_message(error, what)
    while error.__traceback__ is not None:  # its frames hold the model and the batch
        traceback.clear_frames(error.__traceback__)
        error.__traceback__ = None
    return Failure(assignment.trial, assignment.attempt, kind, message, told)
