"""The driver without ray: every trial in this process, one after the other (`--address none`).

For tests, notebooks and debugging. A trial that hangs cannot be ended from within its own process, so
`retries.silent_minutes` has no effect here.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tuner.control.controller import Controller
from tuner.launch.worker import Worker
from tuner.records.epochs import Failure

LOOK_SECONDS = 0.2
"""How often signals and the live table have their turn while a trial waits to be tried again."""


def drive(controller: Controller, worker: Worker, on_step: Callable[[], None]) -> None:
    """Run the controller's sweep to its end; `on_step` is called after each epoch (signals, the live table)."""
    while not controller.done:
        assignment = controller.next_assignment()
        if assignment is None:
            wait = controller.seconds_to_wait()
            if wait is None:
                break
            time.sleep(min(wait, LOOK_SECONDS))
            on_step()
            continue
        try:
            worker.open(assignment)
            controller.started(assignment.trial, assignment.attempt, None)
            going = True
            while going:
                message = worker.step()
                if isinstance(message, Failure):
                    controller.on_failure(message)
                    going = False
                else:
                    going = controller.on_report(message)
                on_step()
        finally:
            worker.close()
    controller.finish()
