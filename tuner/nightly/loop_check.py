"""Whether a loop of the user's own can be imported at all."""

from __future__ import annotations

from pathlib import Path

from tuner.errors import Fault, InputError
from tuner.sweep import Sweep
from tuner.training.locate import locate


def check_loop(sweep: Sweep) -> None:
    """Before a first night a loop that cannot be imported is wrong input; on later ones it is what the night tells."""
    if sweep.loop is None:
        return
    try:
        locate(sweep.loop, str(Path.cwd()))
    except InputError:
        raise
    except Exception as error:  # a module may raise anything
        cure = f"importing it raised {type(error).__name__}: {error}"
        raise InputError("a loop that cannot be imported", (Fault("loop", sweep.loop, cure),)) from error
