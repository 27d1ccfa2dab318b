"""Tells people of a night, on a change of state alone: by a webhook, by a command of theirs, or both."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tuner.errors import Fault
from tuner.nightly.message import message
from tuner.nightly.webhook import TIMEOUT, address_fault, post
from tuner.records.night import OK, NightRecord

LINE = "TUNER_NIGHT_LINE"
"""The variable in which a command finds the line of the morning."""
COMMAND_SECONDS = 60.0
_LONGEST_LINE = 4000
"""Characters: the system takes no variable of any length."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class NotifySettings(Protocol):
    """`nightly.notify` in a sweep file."""

    @property
    def webhook(self) -> str | None:
        """The NAME of the environment variable that holds the URL."""

    @property
    def command(self) -> str | None:
        """A program with its arguments, as a shell would split them; no shell runs it."""


@dataclass(frozen=True, slots=True)
class Notification:
    """What became of telling it."""

    notified: str | None
    """For the night's record: the state that was last delivered, tonight's or an earlier one's."""
    delivered: tuple[str, ...] = ()
    """`webhook`, `command`: those that took it tonight."""
    notes: tuple[str, ...] = ()
    """For the night's record: what could not be delivered, and why."""


def is_news(record: NightRecord) -> bool:
    """Whether the night's state is another than the one that was last delivered. All was well before the first."""
    return record.state != (record.notified or OK)


def notify_faults(section: NotifySettings, environ: Mapping[str, str]) -> tuple[Fault, ...]:
    """What is to be mended before a night relies on it. The URL is never shown."""
    found = []
    place = "nightly.notify.webhook"
    if section.webhook is not None and not _VARIABLE.fullmatch(section.webhook):
        cure = "write the NAME of an environment variable that holds the URL, SLACK_WEBHOOK: the URL itself is a secret"
        found.append(Fault(place, None, cure))
    elif section.webhook is not None:
        url = environ.get(section.webhook, "").strip()
        why = address_fault(url) if url else "the variable is not set"
        if why:
            cure = f"{why}: set it to the webhook's URL where the night runs, as in {section.webhook}=https://…"
            found.append(Fault(place, section.webhook, cure))
    if section.command is not None and not _split(section.command):
        cure = "write a program and its arguments, quotes closed, as in: /usr/local/bin/tell --to team"
        found.append(Fault("nightly.notify.command", None, cure))
    return tuple(found)


def notify(
    record: NightRecord,
    page: Path,
    section: NotifySettings | None,
    environ: Mapping[str, str],
    *,
    sleep: Callable[[float], None] = time.sleep,
    timeout: float = TIMEOUT,
    command_seconds: float = COMMAND_SECONDS,
) -> Notification:
    """`record.notified` holds what was delivered up to the night before; its state is told where that is another.

    What nobody took is told again by the next night, since `notified` stays as it was. Of two ways one that took it is
    enough, so that no state is told twice. Raises nothing for what goes wrong out there: a verdict stands without it.
    """
    if section is None or not is_news(record):
        return Notification(record.notified)
    payload = message(record, page)
    outcomes: dict[str, str] = {}
    if section.webhook is not None:
        outcomes["webhook"] = _to_webhook(section.webhook, environ, payload, record, sleep, timeout)
    if section.command is not None:
        outcomes["command"] = _to_command(section.command, environ, payload, record.line(), command_seconds)
    delivered = tuple(name for name, why in outcomes.items() if not why)
    notes = tuple(f"{record.state} was not told by {name}: {why}" for name, why in outcomes.items() if why)
    if notes and not delivered:
        notes = (*notes, "the next night tells it")
    return Notification(record.state if delivered else record.notified, delivered, notes)


def _to_webhook(
    name: str,
    environ: Mapping[str, str],
    payload: Mapping[str, Any],
    record: NightRecord,
    sleep: Callable[[float], None],
    timeout: float,
) -> str:
    if not _VARIABLE.fullmatch(name):
        return "nightly.notify.webhook is to be the name of an environment variable"
    url = environ.get(name, "").strip()
    if not url:
        return f"the environment variable {name} is not set"
    return post(url, payload, f"{record.id}-{record.state}", sleep=sleep, timeout=timeout)


def _to_command(command: str, environ: Mapping[str, str], payload: Mapping[str, Any], line: str, seconds: float) -> str:
    """What it prints goes to standard error, to whoever started the night, and into no record: it may be a secret."""
    words = _split(command)
    if not words:
        return "nightly.notify.command is no program with arguments: a quote is open"
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=2,
            env={**environ, LINE: _for_environment(line)},
            start_new_session=True,
        )
    except OSError as error:
        return f"it could not be started: {os.strerror(error.errno or 0)}"
    try:
        process.communicate(json.dumps(payload, ensure_ascii=False).encode("utf-8", errors="replace"), timeout=seconds)
    except subprocess.TimeoutExpired:
        return f"it had not ended after {seconds:g} s"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # with all that it has started
            process.communicate()
    if process.returncode < 0:
        return f"it was ended by signal {-process.returncode}"
    return f"it ended with exit code {process.returncode}" if process.returncode else ""


def _for_environment(line: str) -> str:
    return line.replace("\0", " ")[:_LONGEST_LINE].encode("utf-8", errors="replace").decode()


def _split(command: str) -> list[str]:
    try:
        return [] if "\0" in command else shlex.split(command)
    except ValueError:
        return []
