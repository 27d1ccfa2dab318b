"""Ways to start a night: what cron, systemd or Kubernetes is to be given, as text."""

from __future__ import annotations

from tuner.errors import Fault, InputError
from tuner.nightly.schedule import cron, kubernetes, systemd
from tuner.nightly.schedule.plan import Schedule

__all__ = ["FORMS", "Schedule", "printed"]

_WRITERS = {"cron": cron.text, "systemd": systemd.text, "kubernetes": kubernetes.text}
FORMS = tuple(_WRITERS)


def printed(form: str, schedule: Schedule) -> str:
    """The text of one of FORMS. Raises InputError for another form, and for what that form cannot hold."""
    if form not in _WRITERS:
        raise InputError("the command line", (Fault("--print", form, f"write one of {', '.join(FORMS)}"),))
    return _WRITERS[form](schedule)
