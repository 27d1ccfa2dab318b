"""A worker that Ray ends because its node runs short of memory, as Tune may be told of it.

Ray's memory monitor kills a worker before the operating system has to. Its `ray.exceptions.OutOfMemoryError` is the
error neither of an actor nor of a task, and Tune's loop knows these two alone: it ends the whole experiment with
"Caught unexpected exception" (ray 2.60). So do the other two errors which say that a worker is gone. Here they become
errors of the actor before Tune sees them.
"""

from __future__ import annotations

from typing import Any

from ray.exceptions import NodeDiedError, OutOfMemoryError, RayActorError, WorkerCrashedError


class WorkerGone(RayActorError):  # type: ignore[misc]
    """The actor's process is dead, whatever Ray called it."""


class Evicted(WorkerGone):
    """Ray ended it, as the node was short of memory."""


def as_actor_error(error: Exception) -> Exception:
    """What Tune is told."""
    if isinstance(error, OutOfMemoryError):
        return Evicted(error_msg=str(error))
    if isinstance(error, NodeDiedError | WorkerCrashedError):
        return WorkerGone(error_msg=str(error))
    return error


def survive_evictions(tune_controller: Any) -> None:
    """Put `as_actor_error` before Tune's own handler; once is enough, and twice does no harm."""
    manager = tune_controller._actor_manager
    if getattr(manager, "survives_evictions", False):
        return
    handle = manager._actor_task_failed

    def handle_any(tracked_actor_task: Any, exception: Exception) -> None:
        handle(tracked_actor_task, as_actor_error(exception))

    manager._actor_task_failed = handle_any
    manager.survives_evictions = True
