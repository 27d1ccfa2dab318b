"""Objects, the journal in pieces, the lease, and a run directory that is kept on storage."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner.errors import InputError
from tuner.records.journal import Journal
from tuner.records.lease import NAME, STALE, Lease, LeaseLost
from tuner.records.mirror import Mirror
from tuner.records.remote_run import fetch_run
from tuner.records.run_directory import RunDirectory, find_run
from tuner.records.segments import Segment, SegmentWriter, join, read
from tuner.records.storage import Storage, StorageError, child, is_uri, shown, split, uri_fault


@pytest.fixture(params=["file", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """A folder by pyarrow, and fsspec's memory."""
    where = f"{tmp_path}/there" if request.param == "file" else f"{tmp_path.name}"
    return Storage(f"{request.param}://{where}")


def test_objects_are_written_read_listed_and_deleted(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 3_000_000)
    assert dict(storage.list()) == {}
    assert storage.get("a/b") is None
    storage.put("a/b", b"one")
    storage.put("a/b", b"two")
    storage.put("a/deep/c", tmp_path / "big")
    storage.put("z", b"")
    assert storage.get("a/b") == b"two"
    assert dict(storage.list()) == {"a/b": 3, "a/deep/c": 3_000_000, "z": 0}
    assert list(storage.list("a/deep")) == ["a/deep/c"]
    assert storage.fetch("a/deep/c", tmp_path / "new" / "copy")
    assert (tmp_path / "new" / "copy").stat().st_size == 3_000_000
    assert not storage.fetch("none", tmp_path / "none")
    storage.delete("a/b", "a/b", "never")
    storage.delete_folder("a")
    assert list(storage.list()) == ["z"]


def test_what_was_half_written_is_no_object(tmp_path: Path) -> None:
    storage = Storage(f"file://{tmp_path}")
    with pytest.raises(StorageError):
        storage.put("weights", tmp_path / "not there")
    assert storage.get("weights") is None
    assert dict(storage.list()) == {}


def test_uris() -> None:
    query = "s3://b/runs?endpoint_override=h:1&scheme=http"
    assert is_uri(query)
    assert not is_uri("some/runs")
    assert child(query, "n") == "s3://b/runs/n?endpoint_override=h:1&scheme=http"
    assert split(child(query, "n")) == (query, "n")
    assert uri_fault(query) == ""
    assert "environment" in uri_fault("s3://key:secret@b/runs")
    assert "environment" in uri_fault("s3://b/runs?secret_key=abc")
    assert shown("s3://key:secret@b/runs?x=1&secret_key=abc&y=2") == "s3://***@b/runs?x=1&secret_key=***&y=2"
    assert "names no place" in uri_fault("s3://")
    with pytest.raises(InputError, match="neither pyarrow nor fsspec"):
        Storage("nonsense://a/b")


LINES = [json.dumps({"kind": "report", "n": n, "pad": "é" * (n % 7)}).encode() + b"\n" for n in range(12)]


@settings(max_examples=200, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 4), min_size=3, max_size=12),
    written=st.integers(0, 12),
    torn=st.integers(0, 40),
    taken=st.integers(0, 12),
    zombie=st.integers(0, 3),
)
def test_any_prefix_of_the_pieces_is_a_prefix_of_the_journal(
    cuts: list[int], written: int, torn: int, taken: int, zombie: int
) -> None:
    """Pieces of one driver, the last one cut off; then a second driver that went on from what it found, while the first
    one still writes."""
    pieces, start, left = [], 0, list(LINES)
    for cut in cuts:
        data = b"".join(left[:cut])
        left = left[cut:]
        pieces.append((Segment(1, start), data))
        start += len(data)
    there = pieces[:written]
    if there and torn:
        there[-1] = (there[-1][0], there[-1][1][: -torn or None])
    whole = b"".join(LINES)
    found = join(there)
    assert whole.startswith(found)
    assert found == b"" or found.endswith(b"\n")
    assert len(found) >= sum(len(data) for _, data in there[:-1])
    second = b'{"kind":"driver","attempt":2}\n'
    more = b'{"kind":"report","n":99}\n'
    taken_over = [
        *(there + pieces[written : written + zombie]),
        (Segment(2, len(found)), second),
        (Segment(2, len(found) + len(second)), more),
    ]
    assert join(sorted(taken_over)) == found + second + more
    assert join(sorted(taken_over[:-1])) == found + second


def test_small_pieces_become_one(tmp_path: Path) -> None:
    storage = Storage(f"file://{tmp_path}/there")
    local = tmp_path / "journal.jsonl"
    writer = SegmentWriter(storage, 1, 0)
    for line in LINES:
        with local.open("ab") as file:
            file.write(line)
        writer.write(line)
        writer.merge(local, least=5)
    assert read(storage) == b"".join(LINES)
    assert len(storage.list("journal")) == 4  # two of five, and two that wait
    before = join([(Segment(1, 0), b"".join(LINES[:5])), *((Segment(1, len(LINES[0])), LINES[1]),)])
    assert before == b"".join(LINES[:5])  # killed before the small ones were deleted


def test_a_run_has_one_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage, now = Storage(f"file://{tmp_path}"), [1000.0]
    clock: Callable[[], float] = lambda: now[0]  # noqa: E731
    first = Lease(storage, clock)
    with pytest.raises(InputError, match=rf"driver already[\s\S]*pid {os.getpid()}"):
        Lease(storage, clock)
    now[0] += STALE - 1
    first.renew()
    now[0] += STALE - 1
    with pytest.raises(InputError):
        Lease(storage, clock)
    now[0] += 1
    second = Lease(storage, clock)
    with pytest.raises(LeaseLost, match="took this run over"):
        first.renew()
    first.release()
    assert storage.get(NAME) is not None
    second.release()
    assert storage.get(NAME) is None
    third = Lease(storage, clock)
    said = json.loads(storage.get(NAME) or b"")
    storage.put(NAME, json.dumps(said | {"pid": 2**22 + 7}).encode())  # no such process here: it was killed
    Lease(storage, clock)
    storage.put(NAME, json.dumps(said | {"host": "elsewhere"}).encode())
    with pytest.raises(InputError, match="on elsewhere"):
        Lease(storage, clock)
    del third


HEAD = {"kind": "sweep", "version": 1}


def driver(uri: str, runs: Path, name: str = "r") -> tuple[Mirror, Journal]:
    directory = RunDirectory(runs / name)
    mirror = Mirror(child(uri, name), directory)
    return mirror, Journal(directory.journal)


def test_a_run_goes_on_from_another_machine(tmp_path: Path) -> None:
    uri = f"file://{tmp_path}/there"
    mirror, journal = driver(uri, tmp_path / "one")
    journal.append(HEAD)
    journal.append({"kind": "driver", "attempt": 1})
    (tmp_path / "one" / "r" / "sweep.yaml").write_text("name: r\n")
    for trial in ("0001", "0002"):
        for name in ("last.pt", "best.safetensors", "pictures/fit.png"):
            mirror.storage.put(f"checkpoints/{trial}/{name}", trial.encode())
    mirror.drop("0001", True)
    mirror.drop("0002", False)
    mirror._send()
    assert list(mirror.storage.list("checkpoints")) == [
        "checkpoints/0001/best.safetensors",
        "checkpoints/0001/pictures/fit.png",
    ]
    journal.append({"kind": "report", "n": 1})  # killed before it was written there
    journal.close()
    mirror._lease.release()

    found = find_run(child(uri, "r"), tmp_path / "two")
    assert [json.loads(row)["kind"] for row in found.journal.read_text().splitlines()] == ["sweep", "driver"]
    assert found.sweep.read_text() == "name: r\n"
    assert (found.checkpoints / "0001" / "best.safetensors").read_text() == "0001"
    mirror, journal = driver(uri, tmp_path / "two")
    journal.append({"kind": "driver", "attempt": 2})
    journal.append({"kind": "end"})
    (found.path / "report.html").write_text("<html>")
    journal.close()
    mirror.close()
    assert mirror.storage.get("report.html") == b"<html>"
    assert len(mirror.storage.list("journal")) == 2
    assert mirror.storage.get(NAME) is None

    with pytest.raises(InputError, match="went another way"):
        driver(uri, tmp_path / "one")
    with pytest.raises(InputError, match="went another way"):
        fetch_run(child(uri, "r"), tmp_path / "one")
    again = fetch_run(child(uri, "r"), tmp_path / "three")
    assert again.journal.read_bytes() == found.journal.read_bytes()
    assert again.report.is_file()


def test_lines_that_were_never_sent_are_sent_by_the_next_driver_here(tmp_path: Path) -> None:
    uri = f"file://{tmp_path}/there"
    mirror, journal = driver(uri, tmp_path / "one")
    journal.append(HEAD)
    mirror._send()
    journal.append({"kind": "driver", "attempt": 1})
    journal.close()
    mirror._lease.release()
    mirror, journal = driver(uri, tmp_path / "one")
    journal.close()
    mirror.close()
    assert [json.loads(row)["kind"] for row in read(mirror.storage).splitlines()] == ["sweep", "driver"]


def test_a_missing_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run of that name"):
        find_run(f"file://{tmp_path}/none", tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
