"""Runs side by side, as drawn: the terminal's picture, the page, strict JSON; a user's text is shown and never run."""

from __future__ import annotations

import io
import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.compare_kit import BATCH, LR, SWEEP, compared, lines, write
from tuner.api.compare import comparison as compared_sides
from tuner.records.comparison import Comparison
from tuner.report.compare_page import comparison_html
from tuner.report.compare_rows import MARK, configurations
from tuner.report.compare_text import comparison, comparison_json
from tuner.report.terminal import show

GOLDEN = Path(__file__).parents[1] / "golden" / "report"
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>[bold]\x1b[2J\"'&"


def drawn(found: Comparison, width: int = 80) -> str:
    stream = io.StringIO()
    show(comparison(found), stream, width)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def two(folder: Path) -> Comparison:
    write(folder, "wide-7f3a", lines("wide-7f3a", seeds=(0.21, 0.2, 0.22)))
    narrow = lines(
        "narrow-9e2b",
        floor=0.1,
        seed=3,
        overfitting=8,
        seeds=(0.11, 0.12, 0.1),
        parameters=(LR | {"low": 1e-4, "high": 0.1}, BATCH),
    )
    file = SWEEP.replace("1e-5, 1]", "1e-4, 0.1]").replace("seed: 7", "seed: 7\ndata: {dir: elsewhere}")
    write(folder, "narrow-9e2b", narrow, file=file, commit="99887766", packages={"numpy": "2.1.0", "torch": "2.15.0"})
    return compared(folder, "wide-7f3a", "narrow-9e2b")


def many(folder: Path) -> Comparison:
    for place in range(6):
        run = f"run-{place}"
        sweep = lines(run, floor=0.1 + 0.03 * place, seed=place, trials=6 + place, overfitting=place)
        write(folder, run, sweep, file=SWEEP.replace("seed: 7", f"seed: {place // 2}"))
    return compared(folder, *(f"run-{place}" for place in range(6)))


@pytest.mark.parametrize("name", ["compare_two", "compare_many"])
def test_the_terminal_shows_the_golden_picture(tmp_path: Path, name: str) -> None:
    path = GOLDEN / f"{name}.txt"
    text = drawn(two(tmp_path) if name == "compare_two" else many(tmp_path))
    if os.environ.get("TUNER_WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text


class Tags(HTMLParser):
    """Which tags are opened, and with which attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}


def test_the_page_stands_alone(tmp_path: Path) -> None:
    page = comparison_html(two(tmp_path))
    assert "1e-05 to 1 (log)" in page
    assert page.count("<figure>") == 4
    assert not re.search(r"(src|href)=\"(?!#|data:)", page)
    assert "<script" not in page
    assert len(page) < 60_000


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.just(EVIL), st.text(min_size=1)))
def test_any_name_and_value_is_shown_and_not_run(tmp_path: Path, text: str) -> None:
    if not (tmp_path / "wide-7f3a").is_dir():
        two(tmp_path)
    plain = compared(tmp_path, "wide-7f3a", "narrow-9e2b")
    before = Tags()
    before.feed(comparison_html(plain))
    first, second = plain.sides
    assert first.best is not None
    record = replace(first.record, name=text, task=None)
    best = replace(first.best, trial=replace(first.best.trial, config={text: text, "lr": 0.1}))
    side = replace(
        first, name=text, record=record, best=best, settings={text: text}, space={text: text}, code=text, notes=(text,)
    )
    found = compared_sides((side, second))
    after = Tags()
    after.feed(comparison_html(found))
    assert after.tags <= before.tags | {"ul"}
    assert after.attributes <= before.attributes
    shown = drawn(found)
    assert "\x1b" not in shown
    assert "\x07" not in shown
    json.dumps(comparison_json(found), allow_nan=False)


def test_what_is_not_the_same_has_a_mark(tmp_path: Path) -> None:
    found = two(tmp_path)
    assert [(row.name, row.differs) for row in configurations(found)] == [("lr", True), ("batch_size", False)]
    assert f"{MARK} lr" in drawn(found)


def test_runs_without_a_value_are_drawn(tmp_path: Path) -> None:
    write(tmp_path, "none", lines("none", trials=0))
    write(tmp_path, "one")
    for words in (("none", "one"), ("none", "none")):
        found = compared(tmp_path, *words)
        assert "cannot be said" in drawn(found)
        assert "no finite val_loss" in comparison_html(found)
        assert comparison_json(found)["leader"] is None


def test_runs_of_other_metrics_are_drawn(tmp_path: Path) -> None:
    write(tmp_path, "loss")
    write(tmp_path, "accuracy", lines("accuracy", metric="val_accuracy", mode="max"))
    found = compared(tmp_path, "loss", "accuracy")
    assert "judged by different metrics: A by val_loss (min), B by val_accuracy (max)" in drawn(found, 200)
    assert "Best so far" not in comparison_html(found)
    assert comparison_json(found)["metric"] is None
