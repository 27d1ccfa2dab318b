"""What is to be started, when and where: the same for every form."""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from tuner.errors import Fault, InputError
from tuner.nightly.schedule.clock import later, missing, time_of_day

CARRIED = ("TUNER_DATA", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "RAY_ADDRESS", "PYTHONPATH")
"""Variables that mean something to a night, and that a scheduler would not hand on."""
DEFAULT_AT = "03:00"
"""In most time zones with summer time there is a day without 02:00; 03:00 there is every day."""
GRACE_SECONDS = 600
"""For a clean stop: epochs that run are ended or saved, the verdict is written, MLflow is told."""
SLACK_HOURS = 1.0
"""Beyond its budget a night is taken to hang."""
_LONGEST_LABEL = 40  # a CronJob's name has 52 characters; `tuner-` and `-stale` are ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One sweep, every night. Raises InputError, with all faults, for what no form can hold."""

    sweep: str
    """SWEEP as it was typed: a file, or the name of a shipped sweep."""
    name: str
    """The sweep's name, or its slug."""
    folder: Path
    """Where the night is to run, absolute: relative paths and the user's modules are found from there."""
    python: Path
    """The interpreter that tuner is installed for, absolute; not resolved, or a virtual environment is left."""
    at: str = DEFAULT_AT
    """Hour and minute by `time_zone`."""
    time_zone: str = "UTC"
    """IANA name, `Europe/Berlin`."""
    arguments: tuple[str, ...] = ()
    """Further words for `tuner nightly`, without `--runs`, `--print` and `--at`."""
    runs: str = "runs"
    """As `--runs` was typed."""
    hours: float | None = None
    """The night's budget; None: it has none."""
    secrets: tuple[str, ...] = ()
    """Environment variables that hold a secret, such as that of the webhook."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """The environment now: of it, CARRIED is handed on."""
    image: str | None = None
    """For Kubernetes."""
    gpu: float = 0.0
    """GPUs of one trial, for Kubernetes."""
    stale: str = "26h"
    """The age at which the last night is too old."""
    today: date = field(default_factory=date.today)
    """From which changes of the clock are looked ahead."""

    def __post_init__(self) -> None:
        faults = [
            Fault(where, text, "a line break or another control character cannot be scheduled; take it out")
            for where, text in self._words()
            if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in text)
        ]
        if time_of_day(self.at) is None:
            faults.append(Fault("--at", self.at, "write hour and minute of a day, 00:00 to 23:59, such as 02:00"))
        if not _is_zone(self.time_zone):
            cure = "write a time zone by its IANA name, such as Europe/Berlin or UTC"
            faults.append(Fault("nightly.time_zone", self.time_zone, cure))
        faults += [
            Fault(where, str(path), "an absolute path is needed")
            for where, path in (("folder", self.folder), ("python", self.python))
            if not path.is_absolute()
        ]
        faults += [
            Fault("nightly.notify", name, "write the name of an environment variable, such as SLACK_WEBHOOK")
            for name in self.secrets
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
        ]
        if faults:
            raise InputError("the schedule", tuple(faults))

    def _words(self) -> list[tuple[str, str]]:
        named = [("SWEEP", self.sweep), ("folder", str(self.folder)), ("python", str(self.python))]
        named += [("--runs", self.runs), ("--image", self.image or "")]
        return [
            *named,
            *((name, value) for name, value in self.carried.items()),
            *(("--set", a) for a in self.arguments),
        ]

    @property
    def label(self) -> str:
        """The name as units and Kubernetes can have it (DNS-1123): 40 characters, cut short with a hash."""
        plain = unicodedata.normalize("NFKD", self.name).encode("ascii", "ignore").decode().lower()
        slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
        if slug and len(slug) <= _LONGEST_LABEL:
            return slug
        mark = hashlib.sha256(self.name.encode("utf-8", "surrogatepass")).hexdigest()[:6]
        return f"{(slug or 'sweep')[: _LONGEST_LABEL - 7].strip('-')}-{mark}"

    @property
    def start(self) -> time:
        at = time_of_day(self.at)
        assert at is not None  # or it would not have been made
        return at

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def left_out(self) -> tuple[str, ...]:
        """A sentence for each night of the coming year that has no such time, which timers leave out."""
        return tuple(
            f"On {day} there is no {self.start:%H:%M} in {self.time_zone}, and no night: another --at has one."
            for day in missing(self.start, self.zone, self.today)
        )

    @property
    def check_at(self) -> time:
        """When to ask for a stale night: three hours after a night's end, that the first one missed is noticed."""
        return later(self.start, min((9.0 if self.hours is None else self.hours) + 3.0, 23.0))

    @property
    def deadline_seconds(self) -> int | None:
        """After which a night hangs; None: never."""
        return None if self.hours is None else math.ceil((self.hours + SLACK_HOURS) * 3600)

    @property
    def night(self) -> tuple[str, ...]:
        """The night's words after the interpreter's."""
        runs = () if self.runs == "runs" else ("--runs", self.runs)
        return ("-m", "tuner", "nightly", self.sweep, *self.arguments, *runs)

    @property
    def check(self) -> tuple[str, ...]:
        """Those of the dead man's switch."""
        runs = () if self.runs == "runs" else ("--runs", self.runs)
        return ("-m", "tuner", "nights", self.sweep, "--stale", self.stale, *runs)

    @property
    def carried(self) -> dict[str, str]:
        """What of the environment is handed on: nothing with a password in it."""
        return {name: self.environment[name] for name in CARRIED if self._is_plain(self.environment.get(name))}

    @property
    def withheld(self) -> tuple[str, ...]:
        """Variables that are not printed, since they hold a secret or may."""
        hidden = [name for name in CARRIED if self.environment.get(name) and name not in self.carried]
        return (*self.secrets, *hidden)

    @property
    def path(self) -> str:
        """PATH: the interpreter's own folder, then where git and a notifying command usually lie."""
        return f"{self.python.parent}:/usr/local/bin:/usr/bin:/bin"

    @staticmethod
    def _is_plain(value: str | None) -> bool:
        if not value:
            return False
        try:
            return "@" not in urlsplit(value).netloc
        except ValueError:  # not an address at all
            return "@" not in value


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # KeyError: not found; the others: names that are no path
        return False
    return True
