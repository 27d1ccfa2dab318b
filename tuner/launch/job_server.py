"""Ray's job server at the address of its dashboard: submit, list, follow, stop, and read files beside its logs."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import aiohttp
from ray.exceptions import AuthenticationError
from ray.job_submission import JobSubmissionClient

from tuner.errors import Fault, InputError, RunError
from tuner.launch.jobs import ADDRESS_VARIABLES, DEFAULT_ADDRESS, TOKEN_CURE, Job, Request, continued

STOP_SECONDS = 120
"""How long Ray waits for a job that is asked to stop, before it kills it: a sweep writes its report, brings MLflow what
it has and says how it ended. Ray's own 3 seconds are too short for that."""
_STOP_VARIABLE = "RAY_JOB_STOP_WAIT_TIME_S"
_DAY_SECONDS = 24 * 3600
_ANSWER_SECONDS = 10.0

for _name in (
    "ray.dashboard.modules.job.sdk",
    "ray.dashboard.modules.dashboard_sdk",
    "ray._private.runtime_env.packaging",
):
    logging.getLogger(_name).setLevel(logging.WARNING)  # what it says of each upload and each log is not for our users


class JobServer:
    """One connection. Every method raises RunError where the server is gone, InputError where it wants a token."""

    def __init__(self, address: str) -> None:
        """Connects. Raises RunError where nothing answers, InputError where something else than Ray does."""
        self.address = address
        with self._told_plainly(), _own_address():
            self.takes_anyone = _probe(address)
            """It answered without a token."""
            self._client = JobSubmissionClient(address)

    def submit(self, request: Request) -> None:
        """Hand a job in; the working directory is uploaded first."""
        runtime: dict[str, Any] = {"env_vars": {_STOP_VARIABLE: str(STOP_SECONDS), **request.environment}}
        if request.working_directory is not None:
            runtime["working_dir"] = str(request.working_directory)
        if request.requirements:
            runtime["pip"] = list(request.requirements)
        with self._told_plainly():
            self._client.submit_job(
                entrypoint=request.entrypoint,
                submission_id=request.id,
                runtime_env=runtime,
                metadata=dict(request.metadata),
            )

    def jobs(self) -> list[Job]:
        """Every job that was submitted and that the cluster remembers, the latest last."""
        with self._told_plainly():
            told = [_job(item) for item in self._client.list_jobs() if item.submission_id]
        return sorted(told, key=lambda job: (job.started or 0.0, job.id))

    def job(self, id: str) -> Job:
        with self._told_plainly():
            return _job(self._client.get_job_info(id))

    def log(self, id: str) -> str:
        """All that the job's command has printed so far."""
        with self._told_plainly():
            return str(self._client.get_job_logs(id))

    def stop(self, id: str) -> bool:
        """Ask a job to end: SIGTERM, and SIGKILL when STOP_SECONDS are over. False where it had ended."""
        with self._told_plainly():
            return bool(self._client.stop_job(id))

    def follow(self, id: str, write: Callable[[str], None]) -> Job:
        """Write the job's log as it grows, from its beginning, until the job ends. Ctrl-C raises KeyboardInterrupt."""

        async def tail() -> AsyncIterator[str]:
            try:
                async for text in self._client.tail_job_logs(id):
                    yield text
            except aiohttp.ClientError as error:  # some of which are no OSError: a server that hangs up
                raise ConnectionError(str(error)) from error

        async def go() -> None:
            async for text in continued(tail, lambda: self.job(id).over):
                write(text)

        with self._told_plainly():
            asyncio.run(go())
        return self.wait(id)

    def wait(self, id: str, seconds: float = _DAY_SECONDS) -> Job:
        """The job when it is over, or when so many seconds have gone by."""
        deadline = time.monotonic() + seconds
        while not (job := self.job(id)).over and time.monotonic() < deadline:
            time.sleep(0.3)
        return job

    def file(self, node: str, name: str) -> Iterator[bytes]:
        """The content of a file below the folder of a node's logs; `name` is relative to it."""
        query = {"node_id": node, "filename": name, "lines": -1, "timeout": _DAY_SECONDS}
        # the client's own way to ask, so that tokens and certificates go along: it has no method for files
        ask = partial(self._client._do_request, "GET", "/api/v0/logs/file", params=query, stream=True)
        with self._told_plainly(), ask() as answer:
            if answer.status_code != 200:
                raise RunError(f"{self.address} does not give {name}: {answer.text.strip()[:500]}")
            yield from answer.iter_content(1 << 20)

    @contextmanager
    def _told_plainly(self) -> Iterator[None]:
        """Ray's and the network's errors as ours."""
        try:
            yield
        except AuthenticationError as error:
            fault = Fault("RAY_AUTH_MODE", os.environ.get("RAY_AUTH_MODE"), TOKEN_CURE)
            raise InputError(
                f"{self.address} wants the cluster's token, and has not got the right one", (fault,)
            ) from error
        except OSError as error:
            raise RunError(
                f"no Ray job server answers at {self.address}: start a cluster (`ray up cluster.yaml`), bring its "
                "dashboard here (`ray dashboard cluster.yaml`), or name another address with --address"
            ) from error
        except RuntimeError as error:
            raise RunError(f"{self.address}: {_short(str(error))}") from error


@contextmanager
def _own_address() -> Iterator[None]:
    """Ray's variables beat the address that its client is given: out of the way while it is made."""
    kept = {name: os.environ.pop(name) for name in ADDRESS_VARIABLES if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


def _probe(address: str) -> bool:
    """Whether the job server talks to whoever comes. Raises OSError where nothing answers within ten seconds (Ray's
    client would wait for minutes), InputError where something else than a job server does.

    A refusal for want of a token is an answer: Ray's client has the token. So is a certificate that it may know.
    """
    try:
        with urllib.request.urlopen(f"{address}/api/version", timeout=_ANSWER_SECONDS) as answer:
            known = open_to_all = "ray_version" in json.loads(answer.read(1 << 20))
    except urllib.error.HTTPError as error:
        known, open_to_all = error.code in (401, 403), False
        error.close()
    except urllib.error.URLError as error:
        if not isinstance(error.reason, ssl.SSLError):
            raise
        known, open_to_all = True, False
    except (http.client.HTTPException, ValueError, TypeError):  # not HTTP, no JSON, or a JSON number
        known = open_to_all = False
    if not known:
        cure = (
            f"something answers there that is no Ray job server: write that of the dashboard, such as {DEFAULT_ADDRESS}"
        )
        raise InputError("no Ray job server", (Fault("--address", address, cure),))
    return open_to_all


def _short(text: str) -> str:
    """Ray puts a whole traceback of its server into a message: the first line and the last one say what went wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["an error without words"]
    return lines[0] if len(lines) == 1 else f"{lines[0]} … {lines[-1]}"


def _job(details: Any) -> Job:
    def seconds(milliseconds: int | None) -> float | None:
        return None if not milliseconds else milliseconds / 1000

    return Job(
        id=details.submission_id,
        status=str(getattr(details.status, "value", details.status)),
        metadata=dict(details.metadata or {}),
        started=seconds(details.start_time),
        ended=seconds(details.end_time),
        exit_code=details.driver_exit_code,
        message=details.message or "",
        node=details.driver_node_id,
    )
