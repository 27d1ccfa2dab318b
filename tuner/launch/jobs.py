"""Jobs on a Ray cluster as this package knows them: what is handed in, what is told of them, where their server is.

Without ray, so that what is wrong with an address is said at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tuner.errors import Fault, InputError, RunError

DEFAULT_ADDRESS = "http://127.0.0.1:8265"
ADDRESS_VARIABLES = ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS")
TOKEN_CURE = (
    "set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN_PATH to a file that holds the cluster's token "
    "(`ray get-auth-token` on the head prints it)"
)
GONE_SECONDS = 300.0
"""How long a job's log is sought again when the connection was lost."""
_ENDED = ("SUCCEEDED", "FAILED", "STOPPED")


@dataclass(frozen=True, slots=True)
class Request:
    """One job, as it is handed in."""

    id: str
    entrypoint: str
    """One line for a shell."""
    working_directory: Path | None = None
    requirements: tuple[str, ...] = ()
    """As in a requirements file; installed on top of what the cluster has."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """One job, as the server tells of it."""

    id: str
    status: str
    """PENDING, RUNNING, SUCCEEDED, FAILED or STOPPED."""
    metadata: Mapping[str, str]
    started: float | None
    """Unix seconds."""
    ended: float | None
    exit_code: int | None
    """Of its command; None where that was never started, was stopped, or still runs."""
    message: str
    node: str | None
    """Id of the node that its command runs on."""

    @property
    def over(self) -> bool:
        return self.status in _ENDED


def check_address(flag: str | None, environ: Mapping[str, str]) -> str:
    """The job server's address: the flag, else Ray's variables where they hold one, else this machine's.

    Raises InputError for what is no http(s) address.
    """
    where, given = "--address", flag
    if not given:
        for name in ADDRESS_VARIABLES:
            if environ.get(name, "").startswith(("http://", "https://")):
                where, given = name, environ[name]
                break
    if not given:
        return DEFAULT_ADDRESS
    try:
        parts = urlsplit(given)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, a bracket that is missing
        usable = False
    if not usable:
        cure = f"write the address of the job server, which is that of Ray's dashboard, such as {DEFAULT_ADDRESS}"
        raise InputError("no address of a job server", (Fault(where, given, cure),))
    if "@" in parts.netloc:
        shown = f"{parts.scheme}://***@{parts.hostname}"
        raise InputError(
            "an address with a password", (Fault(where, shown, f"leave it out; for Ray's own: {TOKEN_CURE}"),)
        )
    return given.rstrip("/")


def reached_by_others(address: str) -> bool:
    """Whether this is another name than this machine's own, so that others may reach it too."""
    host = urlsplit(address).hostname or ""
    return not (host == "localhost" or host.startswith("127.") or host == "::1")


async def continued(
    tail: Callable[[], AsyncIterator[str]],
    over: Callable[[], bool],
    *,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], Any] = asyncio.sleep,
) -> AsyncIterator[str]:
    """A log that is sought again when the connection breaks: each tail begins anew, what was yielded is left out.

    `over`: has the job ended, asked when a tail has come to its end. Raises RunError after five minutes in vain.
    """
    shown, wait = 0, 1.0
    lost_at: float | None = None
    while True:
        passed = 0
        try:
            async for text in tail():
                passed += len(text)
                if passed > shown:
                    new = text[max(0, len(text) - (passed - shown)) :]
                    shown, wait, lost_at = passed, 1.0, None
                    yield new
            if over():
                return
        except (OSError, RuntimeError, RunError) as error:
            now = clock()
            lost_at = now if lost_at is None else lost_at
            if now - lost_at > GONE_SECONDS:
                raise RunError("the connection to the job server is lost; the job itself goes on") from error
        await pause(wait)
        wait = min(30.0, 2 * wait)
