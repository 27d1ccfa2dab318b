"""`tuner nightly SWEEP --accept NIGHT`: that night is what the next ones are compared with."""

from __future__ import annotations

import time
from pathlib import Path

from tuner.errors import Fault, InputError
from tuner.nightly.control import accepted
from tuner.nightly.folder import NightsFolder, Running
from tuner.sweep import Sweep


def accept_night(sweep: Sweep, runs: Path, night: str, *, keep_control: bool) -> str:
    """What was done, in a sentence. Raises InputError where there is no such night, or one runs."""
    folder = NightsFolder(runs, sweep.slug)
    if not folder.path.is_dir():
        cure = f"no night of this sweep has run under {folder.runs}; --runs names another folder"
        raise InputError("no night to accept", (Fault("--accept", night, cure),))
    try:
        with folder.lock():
            record, before = folder.find(night), folder.reference()
            reference = accepted(sweep, before, record, keep_control=keep_control, now=time.time())
            folder.write_reference(reference)
    except Running as holder:
        cure = f"a night of this sweep runs ({holder}): accept it when that has ended"
        raise InputError("the reference cannot be moved now", (Fault("--accept", night, cure),)) from None
    if reference.night is not None:
        return f"{record.id} is the reference from now on; the control stays ({reference.source})"
    return (
        f"{record.id} is accepted; the control is {reference.source} from now on: the next night measures its noise "
        "and begins its history"
    )
