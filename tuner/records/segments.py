"""The journal on storage that cannot append: immutable objects, each a piece of it, named by where it begins.

`journal/000000012345-0002.jsonl` begins at byte 12345 and was written by the second driver that held the run. The
journal is what the first driver wrote up to where the second began, and so on: what a driver writes that was thought
dead, after another took over, lies behind that place and counts nothing. A piece that was cut off counts up to its last
whole line; what follows a gap counts nothing. So any prefix of what was written is a journal to resume from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tuner.records.storage import Storage

FOLDER = "journal"
MERGE = 64
"""Small pieces after which a driver makes one of its own; a night of one every two seconds is some 200 objects then."""


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """One object."""

    driver: int
    start: int
    """Bytes before it."""

    @property
    def name(self) -> str:
        return f"{FOLDER}/{self.start:012d}-{self.driver:04d}.jsonl"

    @classmethod
    def named(cls, name: str) -> Segment:
        start, _, driver = Path(name).stem.partition("-")
        return cls(int(driver), int(start))


def segments(storage: Storage) -> list[Segment]:
    """Driver by driver, each one's in order."""
    return sorted(Segment.named(name) for name in storage.list(FOLDER))


def read(storage: Storage) -> bytes:
    """The journal, whole lines alone."""
    found = segments(storage)
    return join([(one, storage.get(one.name) or b"") for one in found])


def join(pieces: Iterable[tuple[Segment, bytes]]) -> bytes:
    """`pieces`: sorted."""
    journal, driver, broken = b"", 0, False
    for one, data in pieces:
        if one.driver != driver:
            if one.start > len(journal):  # it began on lines that are not here
                break
            journal, driver, broken = journal[: one.start], one.driver, False
        if broken or one.start > len(journal):
            broken = True
            continue
        whole = data[: data.rfind(b"\n") + 1]
        if one.start + len(whole) > len(journal):  # else it is a part of a longer piece
            journal = journal[: one.start] + whole
        broken = len(whole) < len(data)
    return journal


class SegmentWriter:
    """Writes one driver's pieces."""

    def __init__(self, storage: Storage, driver: int, start: int) -> None:
        self._storage, self._driver = storage, driver
        self.end = start
        """Bytes of the journal that are there."""
        self._small: list[Segment] = []

    def write(self, data: bytes) -> None:
        """The next whole lines."""
        one = Segment(self._driver, self.end)
        self._storage.put(one.name, data)
        self.end += len(data)
        self._small.append(one)

    def merge(self, journal: Path, least: int = MERGE) -> None:
        """Make one of the small pieces, once there are so many; `journal`: the local file that holds all of it."""
        if len(self._small) < max(2, least):
            return
        first = self._small[0]
        with journal.open("rb") as file:
            file.seek(first.start)
            self._storage.put(first.name, file.read(self.end - first.start))
        self._storage.delete(*(one.name for one in self._small[1:]))
        self._small.clear()
