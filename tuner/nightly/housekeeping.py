"""Old nights' checkpoints are deleted, never the best; and a night that has no room does not start."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuner.errors import RunError
from tuner.records.journal import has_driver
from tuner.records.night import SKIPPED, NightRecord
from tuner.records.run_directory import RunDirectory

_TRIAL = re.compile(r"\d{4,}(-\d+)?")
"""`0017`, `0017-2`: the folders of a search's trials. Controls and all else under `checkpoints/` stay."""
LEAST_NEEDED = 256 * 2**20
"""Bytes: what a night is taken to need at the least."""
SPARE = 1.5
"""The next night may need so much more than the largest of the last ones."""
LOOKED_AT = 7
"""Last nights whose size says what the next one needs."""


@dataclass(frozen=True, slots=True)
class Tidied:
    """What a tidying came to."""

    freed: int = 0
    """Bytes."""
    folders: int = 0
    """Trials whose checkpoints were deleted."""
    nights: tuple[str, ...] = ()
    """From which they were deleted, by id."""
    problems: tuple[str, ...] = ()
    """What was left alone that should have gone, and why."""

    @property
    def notes(self) -> tuple[str, ...]:
        """For the night's record; empty where nothing was to be said."""
        if not self.folders:
            return self.problems
        trials = "1 trial" if self.folders == 1 else f"{self.folders} trials"
        nights = "1 older night" if len(self.nights) == 1 else f"{len(self.nights)} older nights"
        return (f"deleted the checkpoints of {trials} of {nights}: {in_bytes(self.freed)} freed", *self.problems)


def tidy(nights: Sequence[NightRecord], keep: int, runs: Path, accepted: Collection[str] = ()) -> Tidied:
    """Deletes checkpoints under `runs` of all nights but those that `kept_whole` names.

    Of an older night the checkpoints of its best configuration stay, on every seed that was kept, and those of its
    controls; journal, tables and report stay with it. A night that runs, one whose journal cannot be read, and whatever
    leads out of `runs` by a link are left alone. May be killed and started again at any point.

    `accepted`: ids of nights that are kept whole besides.
    """
    whole = kept_whole(nights, keep, accepted)
    shared = {night.run for night in nights if night.id in whole}
    freed, folders, touched, problems = 0, 0, [], []
    for night in nights:
        if night.id in whole or night.run in shared or night.verdict == SKIPPED or not _is_name(night.run):
            continue
        directory = RunDirectory(runs / night.run)
        try:
            doomed = _to_delete(directory, night)
        except (RunError, OSError, ValueError, KeyError, TypeError) as error:
            problems.append(f"{night.run}: its journal cannot be read, its checkpoints stay ({type(error).__name__})")
            continue
        for folder in doomed:
            size = size_of(folder)
            shutil.rmtree(folder, ignore_errors=True)
            left = size_of(folder)
            freed += size - left
            folders += not left
            if folder.exists():
                problems.append(f"{folder}: could not be deleted")
        if doomed:
            touched.append(night.id)
    return Tidied(freed, folders, tuple(touched), tuple(problems))


def kept_whole(nights: Sequence[NightRecord], keep: int, accepted: Collection[str] = ()) -> frozenset[str]:
    """Ids of the last `keep` nights, of those that changed the state, and of those that these are measured against.

    A skipped night has nothing to keep and does not count. Raises ValueError for a `keep` below 1.
    """
    if keep < 1:
        raise ValueError(f"keep = {keep}: at least the last night is kept")
    ran = sorted((night for night in nights if night.verdict != SKIPPED), key=lambda n: (n.date, n.started_at))
    last = ran[-keep:]
    references = {night.reference for night in last if night.reference is not None}
    news = {night.id for night in nights if night.changed_state}
    return frozenset({*accepted, *references, *news, *(night.id for night in last)})


def disk_needed(nights: Sequence[NightRecord], runs: Path) -> int:
    """Bytes that the next night may need: the largest of the last nights' run directories, and half as much again."""
    last = sorted(nights, key=lambda night: (night.date, night.started_at))[-LOOKED_AT:]
    largest = max((size_of(runs / night.run) for night in last if _is_name(night.run)), default=0)
    return max(LEAST_NEEDED, round(SPARE * largest))


def free_disk(folder: Path, needed_bytes: int) -> None:
    """Raises RunError where the disk of `folder` (which need not be there yet) has less room than that."""
    place = next((path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir()), Path("/"))
    usage = shutil.disk_usage(place)
    if usage.free < needed_bytes:
        raise RunError(
            f"{folder}: {in_bytes(usage.free)} of its disk's {in_bytes(usage.total)} are free, and a night may need "
            f"{in_bytes(needed_bytes)} (half as much again as the largest of the last ones): delete what is not "
            "needed, name a folder on another disk (storage: or --runs), or keep fewer nights whole (nightly.keep)"
        )


def size_of(folder: Path) -> int:
    """Bytes of all files below it, links not followed; 0 where it is not there."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(where, name)).st_size  # noqa: PTH118  (many files: in a hurry)
            except FileNotFoundError:
                continue  # a file of a night that runs may go at any moment
    return total


def in_bytes(count: int) -> str:
    """`1.5 GiB`, `312 MiB`, `17 KiB`."""
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if count >= 1024**power:
            value = count / 1024**power
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{count} bytes"


def _to_delete(directory: RunDirectory, night: NightRecord) -> list[Path]:
    """Folders of trials that are neither the best nor one of its further seeds; none of a run that is gone or runs."""
    checkpoints = directory.checkpoints
    if any(path.is_symlink() for path in (directory.path, checkpoints)) or not checkpoints.is_dir():
        return []
    if has_driver(directory.journal):
        return []
    spare = {control.trial for control in night.controls} | ({night.best.trial} if night.best is not None else set())
    found = [path for path in sorted(checkpoints.iterdir()) if _TRIAL.fullmatch(path.name) and not _is_of(path, spare)]
    if not found:
        return []  # tidied before: a long history is not read anew each night
    record = directory.record()
    roots = spare | ({record.best.trial} if record.best is not None else set())
    stay = {one.trial for one in record.trainings if one.trial in roots or one.repeat_of in roots}
    stay |= {kept[0].trial for root in roots if (kept := directory.kept_checkpoint(record, root)) is not None}
    return [
        path
        for path in found
        if path.name not in stay and not _is_of(path, roots) and path.is_dir() and not path.is_symlink()
    ]


def _is_of(path: Path, trials: Collection[str]) -> bool:
    """Whether it is the folder of one of these, or of their further seeds: `0017` has `0017-2` too."""
    return path.name in trials or path.name.partition("-")[0] in trials


def _is_name(run: str) -> bool:
    """Of a folder right below, so that no record leads anywhere else."""
    return run not in ("", ".", "..") and Path(run).name == run
