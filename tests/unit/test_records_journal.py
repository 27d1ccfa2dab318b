"""The journal: what was appended is read back, a torn last line is dropped, damage is named."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.errors import RunError
from tuner.records.journal import Journal, JournalTail, read_journal
from tuner.records.values import decode_metrics, encode_metrics

FIRST = {"kind": "sweep", "version": 1}


def test_lines_come_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.append(FIRST)
        journal.append_many([{"kind": "a", "n": 1}, {"kind": "b", "n": 2}])
    assert read_journal(path) == [FIRST, {"kind": "a", "n": 1}, {"kind": "b", "n": 2}]


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_torn_last_line_is_dropped_and_written_over(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.append_many([FIRST, {"kind": "report", "epoch": 1}])
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert read_journal(path) == [FIRST]
    with Journal(path) as journal:
        assert journal.lines == [FIRST]
        journal.append({"kind": "c"})
    assert read_journal(path) == [FIRST, {"kind": "c"}]


def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text('{"kind":"sweep","version":1}\n{"kind":\n{"kind":"end"}\n')
    with pytest.raises(RunError, match="line 2"):
        read_journal(path)


def test_a_journal_of_another_version_is_not_guessed_at(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text('{"kind":"sweep","version":99}\n')
    with pytest.raises(RunError, match="version 99"):
        read_journal(path)


def test_a_follower_reads_whole_lines_only_and_can_go_on_later(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    tail = JournalTail(path)
    assert tail.read() == []
    path.write_bytes(b'{"kind":"a"}\n{"kind":"b"')
    assert tail.read() == [{"kind": "a"}]
    assert tail.read() == []
    path.write_bytes(b'{"kind":"a"}\n{"kind":"b"}\n')
    assert JournalTail(path, tail.offset).read() == [{"kind": "b"}]


@given(st.dictionaries(st.text(min_size=1), st.floats()))
def test_every_float_survives_the_journal(metrics: dict[str, float]) -> None:
    back = decode_metrics(encode_metrics(metrics))
    assert back.keys() == metrics.keys()
    assert all(back[name] == value or (math.isnan(value) and math.isnan(back[name])) for name, value in metrics.items())


def test_words_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="nan"):
        decode_metrics({"loss": "nan"})
