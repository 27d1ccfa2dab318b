"""What a submitted job takes along: the sweep file, the modules that it names, and what `--include` adds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tuner.api.user_modules import NEVER, files_of, leads_back, named_modules
from tuner.errors import Fault, InputError
from tuner.sweep import Sweep, dump_sweep

LIMIT = 50 * 2**20
"""Bytes of all files together. Ray keeps the package in the head's memory and hands it to every node."""
UNLESS_NAMED = ("data",)
"""Folders that stay here when a folder around them is included: data belongs on storage that the nodes see."""
_LEFT_OUT_FILES = ("mlflow.db*", "*.pyc", ".env*", ".gitignore", ".rayignore")


@dataclass(frozen=True, slots=True)
class WorkingDirectory:
    """The files of a job, before they are copied anywhere."""

    sweep: str
    """Where the sweep file will be, relative to the job's working directory."""
    files: tuple[tuple[Path, Path], ...]
    """(where it is here, where it will be there), sorted by the latter."""
    left_out: tuple[Path, ...] = ()
    """Folders and files inside included folders that stay here."""

    @property
    def bytes(self) -> int:
        return sum(here.stat().st_size for here, _ in self.files)

    def copy_to(self, folder: Path) -> None:
        for here, there in self.files:
            target = folder / there
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(here, target)  # the content behind a link, and no more of its rights than needed


def gather(
    sweep: Sweep, file: Path, include: Sequence[Path] = (), *, root: Path, limit: int = LIMIT
) -> WorkingDirectory:
    """What `sweep`, read from `file`, needs of the folder `root`, in which modules are found as `python` would.

    Raises InputError for an included path that is missing, outside `root` or never sent, for source that cannot be
    read, and for more than `limit` bytes.
    """
    modules = named_modules(yaml.safe_load(dump_sweep(sweep)))
    taken = {path: root / path for path in files_of(modules, root)}
    faults: list[Fault] = []
    left_out: list[Path] = []
    for given in include:
        place = _place(given, root, faults)
        if place is not None:
            taken |= {path: root / path for path in _walk(place, root, left_out)}
    if faults:
        raise InputError("what is to go along cannot", tuple(faults))
    inside = file.absolute().is_relative_to(root)
    there = file.absolute().relative_to(root) if inside else Path(file.name)
    if taken.get(there, file).absolute() != file.absolute():
        fault = Fault(
            "SWEEP", str(file), f"an included file is called {there} too: copy the sweep file into this folder"
        )
        raise InputError("two files of one name", (fault,))
    taken[there] = file
    found = WorkingDirectory(
        str(there), tuple((here, path) for path, here in sorted(taken.items())), tuple(sorted(left_out))
    )
    _refuse_too_much(found, limit)
    return found


def _place(given: Path, root: Path, faults: list[Fault]) -> Path | None:
    whole = (root / given).absolute()
    cure = ""
    if not whole.exists():
        cure = "there is no such file or folder here"
    elif ".." in given.parts or not whole.is_relative_to(root):
        cure = f"lies outside {root}: start the command from a folder that holds all that goes along"
    elif whole == root:
        cure = "is the whole folder: name the files and folders in it that the sweep needs"
    elif named := [part for part in whole.relative_to(root).parts if part in NEVER]:
        cure = f"{named[0]}/ is never sent"
    if cure:
        faults.append(Fault("--include", str(given), cure))
        return None
    return whole.relative_to(root)


def _walk(place: Path, root: Path, left_out: list[Path], around: tuple[Path, ...] = ()) -> Iterator[Path]:
    """The files of an included path; what stays here is added to `left_out`. `around`: as for `leads_back`."""
    if not (root / place).is_dir():
        yield place
        return
    around = (*around, (root / place).resolve())
    for path in sorted((root / place).iterdir()):
        inner = place / path.name
        if path.is_dir():
            if path.name in (*NEVER, *UNLESS_NAMED) or path.name.startswith(".") or leads_back(path, around):
                left_out.append(inner)
            else:
                yield from _walk(inner, root, left_out, around)
        elif any(inner.match(pattern) for pattern in _LEFT_OUT_FILES):
            left_out.append(inner)
        elif path.is_file():
            yield inner


def _refuse_too_much(found: WorkingDirectory, limit: int) -> None:
    if found.bytes <= limit:
        return
    largest = sorted(found.files, key=lambda pair: -pair[0].stat().st_size)[:5]
    faults = tuple(
        Fault(str(there), f"{here.stat().st_size / 2**20:.1f} MiB", "leave it out, or put it where every node sees it")
        for here, there in largest
    )
    head = (
        f"the working directory would have {found.bytes / 2**20:.1f} MiB, and may have {limit / 2**20:.0f}: it goes to "
        "every node. Data belongs on storage that the nodes see, named by --data; the largest files"
    )
    raise InputError(head, faults)
