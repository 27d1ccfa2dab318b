"""A sweep as a job on a Ray cluster: what is sent, the command that runs there, and under which name."""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from tuner.api.sweeps import load_sweep, shipped_folder
from tuner.api.working_directory import WorkingDirectory, gather
from tuner.errors import Fault, InputError
from tuner.launch.jobs import Request
from tuner.records.run_directory import new_run_name
from tuner.records.storage import is_uri, split
from tuner.sweep import Sweep
from tuner.sweep.shipped import find_sweep

DEFAULT_RUNS = "~/tuner-runs"
"""In the home folder of the user that the job runs as: enough for a cluster of one node."""
SWEEP_KEY, RUN_KEY, VERSION_KEY = "tuner.sweep", "tuner.run", "tuner.version"
"""What a job's metadata says: the sweep's name, the path of its run directory there, this package's version."""
_SECRET = re.compile(r"https?://[^/@\s]+@|://[^/@\s:]*:[^/@\s]+@")
"""A password or a token in an address; a bare user, as in git+ssh://git@host, is none."""
_SECRET_NAME = re.compile(r"PASS|PWD|TOKEN|SECRET|KEY|CREDENTIAL", re.IGNORECASE)
_VARIABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


@dataclass(frozen=True)
class Order:
    """What the user asks for."""

    sweep: str
    """A file, or the name of a shipped one."""
    runs: str | None = None
    """Where run directories are, as the cluster's nodes see it; None: the folder that the sweep names, else at home."""
    resume: str | None = None
    """A run there that is to go on, or the URI of one on storage."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Path in the sweep file -> text, from `--set` and its short forms."""
    flags: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    """Further words for `tuner run` there."""
    include: tuple[Path, ...] = ()
    requirements: Path | None = None
    env: tuple[str, ...] = ()
    """Names of variables whose values here the job gets."""


@dataclass(frozen=True)
class Submission:
    """A job as it will be handed in; making it reads files, and sends and writes nothing."""

    id: str
    sweep: Sweep
    run: str
    """Path of the run directory, there."""
    command: str
    working_directory: WorkingDirectory
    requirements: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)

    def __str__(self) -> str:
        """The plan: what goes along, what runs, and where its results will be. No values of variables."""
        taken = self.working_directory
        names = [str(there) for _, there in taken.files]
        shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
        rows = [
            ("job", self.id),
            ("runs", self.command),
            ("in", f"{self.run}, on the cluster"),
            ("takes", f"{shown} ({taken.bytes / 1024:.1f} KiB)"),
        ]
        if taken.left_out:
            rows.append(("stays here", ", ".join(map(str, taken.left_out))))
        if self.requirements:
            rows.append(("installs", ", ".join(self.requirements)))
        if self.environment:
            rows.append(("variables", ", ".join(self.environment)))
        if secret := [name for name in self.environment if _SECRET_NAME.search(name)]:
            rows.append(
                ("note", f"Ray logs and shows {', '.join(secret)} on the cluster: docs/cluster.md has a better way")
            )
        return "\n".join(f"{name:<10} {text}" for name, text in rows)


class Server(Protocol):
    """The part of a job server that submitting needs."""

    def submit(self, request: Request) -> None: ...


def make_submission(order: Order, environ: Mapping[str, str], *, root: Path) -> Submission:
    """Read and check everything here, before anything is sent.

    Raises SweepFileError for the sweep file, InputError for all else that is wrong with the order.
    """
    file = find_sweep(order.sweep, shipped_folder())
    environment, faults = _environment(order.env, environ)
    sweep = load_sweep(file, order.values, order.flags, environ=environment)
    requirements = _requirements(order.requirements, faults)
    runs = _runs(order, sweep, faults)
    faults += _secrets(order, file)
    if faults:
        raise InputError("the job cannot be submitted so", tuple(faults))
    taken = gather(sweep, file, order.include, root=root)
    id = new_run_name(sweep.slug)
    run = id if order.resume is None else split(order.resume)[1]
    words = ["python", "-m", "tuner", "run"]
    words += ["--resume", order.resume] if order.resume else [taken.sweep, "--run-name", run]
    words += ["--address", "auto", "--runs", runs]
    for path, value in order.values.items():
        words += ["--set", f"{path}={value}"]
    words += order.options
    return Submission(id, sweep, f"{runs}/{run}", shlex.join(words), taken, requirements, environment)


def submit(submission: Submission, server: Server) -> None:
    """Hand the job in. Its files are copied into a folder of their own for the upload, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tuner-job-") as folder:
        submission.working_directory.copy_to(Path(folder))
        server.submit(
            Request(
                id=submission.id,
                entrypoint=submission.command,
                working_directory=Path(folder),
                requirements=submission.requirements,
                environment=submission.environment,
                metadata={
                    SWEEP_KEY: submission.sweep.name,
                    RUN_KEY: submission.run,
                    VERSION_KEY: version("tuner"),
                },
            )
        )


def _environment(names: Sequence[str], environ: Mapping[str, str]) -> tuple[dict[str, str], list[Fault]]:
    faults, found = [], {}
    for word in names:
        name, equals, _ = word.partition("=")
        if equals:  # the value may be a secret: it is not repeated
            faults.append(Fault("--env", f"{name}=…", f"name it alone, --env {name}: its value is taken from here"))
        elif not _VARIABLE.match(name):
            faults.append(Fault("--env", name, "is no name of a variable: letters, digits and _"))
        elif name not in environ:
            faults.append(Fault("--env", name, f"is not set here: export {name}=…, or leave it out"))
        else:
            found[name] = environ[name]
    return found, faults


def _requirements(file: Path | None, faults: list[Fault]) -> tuple[str, ...]:
    """The lines of a requirements file that say something; what names other files here cannot go along."""
    if file is None:
        return ()
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        faults.append(Fault("--requirements", str(file), f"cannot be read: {error}"))
        return ()
    found = []
    for number, line in enumerate(lines, 1):
        text = re.sub(r"(^|\s)#.*", "", line).strip()
        if not text:
            continue
        if _SECRET.search(text):
            cure = "a password in an address is seen by everyone who reaches the job server: set pip up on the cluster"
            faults.append(Fault(str(file), None, cure, number))
        elif re.match(r"-[rce]|--(requirement|constraint|editable)\b|\.{0,2}/|file:", text):
            cure = "names a file here: write what is in it, or put code of your own beside the sweep file"
            faults.append(Fault(str(file), text, cure, number))
        else:
            found.append(text)
    return tuple(found)


def _runs(order: Order, sweep: Sweep, faults: list[Fault]) -> str:
    """Where the run directories are there: `--runs`, else the sweep's own `storage` where that is a folder."""
    own = None if sweep.storage is None or is_uri(sweep.storage) else sweep.storage
    where, runs = ("--runs", order.runs) if order.runs is not None else ("storage", own or DEFAULT_RUNS)
    if is_uri(runs):
        cure = "name a folder of the cluster here, and the URI in the sweep file or by --set storage=URI"
        faults.append(Fault(where, runs, cure))
    elif not runs.startswith(("/", "~/")):
        cure = "is looked for on the cluster: write a path that all its nodes see, from / or ~/ on"
        faults.append(Fault(where, runs, cure))
    if order.resume and "/" in order.resume and not is_uri(order.resume):
        cure = "write the run's name alone, --runs says which folder it is in; or its URI on storage"
        faults.append(Fault("--resume", order.resume, cure))
    return runs.rstrip("/") or "/"


def _secrets(order: Order, file: Path) -> list[Fault]:
    """Passwords where everybody could read them: in the command, in the sweep file."""
    cure = (
        "holds a password, and Ray shows a job's command and files to everyone who reaches it: take it out, and give "
        "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, by --env"
    )
    words = [
        *(f"{path}={value}" for path, value in order.values.items()),
        *order.options,
        order.runs or "",
        order.resume or "",
    ]
    faults = [Fault(word.partition("=")[0], None, cure) for word in words if _SECRET.search(word)]
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    faults += [Fault(file.name, None, cure, number) for number, line in enumerate(lines, 1) if _SECRET.search(line)]
    return faults
