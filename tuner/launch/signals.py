"""Ctrl-C and SIGTERM: once stops cleanly, twice at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def clean_stop(on_stop: Callable[[str], None]) -> Iterator[None]:
    """While inside, the first signal calls `on_stop` with its name, a second ends the process with exit code 130.

    Handlers can be set in the main thread alone; elsewhere (a notebook's executor) nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    seen = 0

    def handle(number: int, _frame: FrameType | None) -> None:
        nonlocal seen
        seen += 1
        if seen > 1:
            sys.stderr.write("\nstopped at once; `tuner run --resume` goes on from the last finished epochs\n")
            sys.stderr.flush()
            os._exit(130)
        on_stop("Ctrl-C" if number == signal.SIGINT else "SIGTERM")

    before = {number: signal.signal(number, handle) for number in _NUMBERS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
