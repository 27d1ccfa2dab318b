"""The nights of a sweep as Markdown, in a terminal and as JSON."""

from __future__ import annotations

import io
import json
import math
import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.night_histories import diverged, history, with_text
from tuner.report.night_history import DETAIL
from tuner.report.night_text import MARKS, night_markdown, nights_json, nights_table, print_nights

GOLDEN = Path(__file__).parents[1] / "golden" / "report"
EVIL = "<script>window.ran=1</script> | `x` *bold* [link](http://x) \x1b[2J\n# head\r\n😀 [red]m[/red]"


def written(name: str) -> str:
    nights = history(12)
    if name == "night.md":
        return night_markdown(nights[-1], nights)
    return nights_table(nights, 140 if name == "nights.txt" else 80)


@pytest.mark.parametrize("name", ["night.md", "nights.txt", "nights_narrow.txt"])
def test_the_text_is_the_golden_one(name: str) -> None:
    path, text = GOLDEN / name, written(name)
    if os.environ.get("TUNER_WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_a_night_has_one_row_and_the_newest_is_the_last() -> None:
    nights = history(40)
    for width in (80, 120, 300):
        lines = nights_table(list(reversed(nights)), width).splitlines()
        assert all(len(line) <= width for line in lines)
        rows = [line.split()[0] for line in lines if re.match(r"2026-\d\d-\d\d-", line)]
        assert rows == [night.id for night in nights]
    wide = nights_table(nights)
    assert all(night.judgement.why in wide for night in nights)


def test_the_sparkline_leaves_out_what_is_not_comparable() -> None:
    sparks = nights_table(history(40), 80).splitlines()[1]
    assert sparks.startswith(" " * 14)
    assert len(sparks.rstrip().rpartition("  ")[0]) == 40
    long = nights_table(history(400), 80).splitlines()
    assert f"the last {DETAIL} of 400 nights" in long[0]
    assert len(long[1].rpartition("  ")[0]) == DETAIL
    assert sum(line.startswith("202") and " fashion-cnn " not in line for line in long) == DETAIL
    assert "340 nights before them: --json has all" in long
    assert "*" not in nights_table(history(12), 80)


def test_a_diverged_control_is_said_to_have_diverged() -> None:
    nights = diverged(history(12, 0))
    table = nights_table(nights, 140).splitlines()
    assert table[1].endswith("×  diverged")
    assert "diverged" in night_markdown(nights[-1], nights)
    assert not re.search(r"\binf(?:inite)?\b", "\n".join(table) + night_markdown(nights[-1], nights))
    row = nights_json(nights)["nights"][-1]
    assert (row["control"], row["effect"], row["seeds"]["11"]) == ("Infinity", "Infinity", "Infinity")


def test_a_first_night_and_none_at_all() -> None:
    assert nights_table([]) == "no night has been run yet\n"
    assert nights_json([])["nights"] == []
    first = history(1)
    assert "✓ OK" in nights_table(first)
    assert "What changed" not in night_markdown(first[0], first)
    assert nights_json(first)["state"] == "OK"


def test_the_json_is_strict_and_has_every_night() -> None:
    nights = diverged(history(50))
    found = json.loads(json.dumps(nights_json(nights), allow_nan=False))
    assert (found["sweep"], found["metric"], found["mode"]) == ("fashion-cnn", "val_loss", "min")
    assert (found["state"], found["state_since"]) == ("REGRESSED", "2026-11-19")
    assert [row["night"] for row in found["nights"]] == [night.id for night in nights]
    assert [row["comparable"] for row in found["nights"]] == [place >= 17 for place in range(50)]
    row, night = found["nights"][31], nights[31]
    assert math.isclose(row["control"], night.judgement.tonight or 0.0)
    assert (row["verdict"], row["why"], row["trials"]["total"]) == (night.verdict, night.judgement.why, 32)


@given(st.text() | st.just(EVIL))
@settings(max_examples=60, deadline=None)
def test_any_text_stays_text(text: str) -> None:
    nights = history(3)
    night = with_text(nights[-1], text)
    table = nights_table([*nights[:-1], night], 160)
    assert not [letter for letter in table if not letter.isprintable() and letter != "\n"]
    markdown = night_markdown(night, nights)
    assert not [letter for letter in markdown if not letter.isprintable() and letter != "\n"]
    assert not re.search(r"(?<!\\)`|<|>", markdown)
    rows = [line for line in markdown.splitlines() if line.startswith("| ")]
    assert len(rows) == 4
    assert {len(re.findall(r"(?<!\\)\|", row.replace("\\\\", ""))) for row in rows} == {8}


def test_markup_is_shown_as_it_is() -> None:
    nights = history(3)
    night = with_text(nights[-1], EVIL)
    markdown = night_markdown(night, nights)
    assert r"&lt;script&gt;window.ran=1&lt;/script&gt; \| \`x\` \*bold\* \[link\](http://x)" in markdown
    assert r" \# head" in markdown
    assert "[red]m[/red]" in nights_table([*nights[:-1], night])
    assert "val_loss" in night_markdown(nights[-1], nights)


def test_what_is_piped_is_not_cut_to_a_terminals_width(capsys: pytest.CaptureFixture[str]) -> None:
    nights = history(12)
    print_nights(nights)
    assert capsys.readouterr().out == nights_table(nights)
    assert nights[0].judgement.why in nights_table(nights)


def test_in_a_terminal_it_is_as_wide_as_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setenv("COLUMNS", "90")
    monkeypatch.setenv("TERM", "xterm-256color")
    print_nights(history(12))
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line).rstrip() for line in stream.getvalue().splitlines()]
    assert "\x1b[" in stream.getvalue()
    assert "\n".join(lines) + "\n" == nights_table(history(12), 90)


def test_every_verdict_has_a_mark_of_its_own() -> None:
    assert len({mark for mark, _ in MARKS.values()}) == len(MARKS) == 6
