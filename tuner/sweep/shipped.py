"""Finds a sweep file: by its path, or a shipped one by its name."""

from __future__ import annotations

from pathlib import Path

from tuner.errors import Fault, InputError, SweepFileError
from tuner.space import did_you_mean

ENDINGS = (".yaml", ".yml")


def shipped_sweeps(folder: Path | None) -> dict[str, Path]:
    """Name -> file of the ready sweeps in a folder."""
    if folder is None or not folder.is_dir():
        return {}
    return {path.stem: path for path in sorted(folder.iterdir()) if path.suffix in ENDINGS}


def find_sweep(source: str | Path, shipped: Path | None = None) -> Path:
    """`source` is a file, or the name of one in the folder `shipped`; a file comes first.

    Raises InputError, with the shipped names, when it is neither.
    """
    path = Path(source)
    if path.is_file():
        return path
    ready = shipped_sweeps(shipped)
    if str(source) in ready:
        return ready[str(source)]
    if path.is_dir():
        cure = "is a folder: name the sweep file in it"
    elif path.suffix in ENDINGS or len(path.parts) > 1:
        there = path.parent if path.parent.is_dir() else Path()
        others = [other.name for other in there.iterdir() if other.suffix in ENDINGS]
        meant = did_you_mean(path.name, others) if others else ""
        cure = "no such file" + (f": {meant}" if meant.startswith("did you mean") else "")
        if path.stem in ready:
            cure += f"; the shipped sweep is called `{path.stem}`"
    elif ready:
        cure = f"no such file, and no shipped sweep of that name: {did_you_mean(source, ready, at_most=len(ready))}"
    else:
        cure = "no such file"
    raise InputError("the sweep file was not found", (Fault("SWEEP", str(source), cure),))


def read_text(path: Path) -> str:
    """The file's text. Raises SweepFileError when it is not UTF-8 or cannot be read."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        fault = Fault("encoding", None, "the file is not UTF-8: save it so", line)
    except OSError as error:
        fault = Fault("file", None, f"cannot be read: {error.strerror}")
    raise SweepFileError(str(path), (fault,))
