"""A night's page in a real browser: no console error, no request, no sideways scrolling, light, dark and on paper.

Needs Chromium on the machine and `playwright` in the environment.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from browser_kit import EVIL, watched

from tests.unit.night_histories import diverged, history, with_text
from tests.unit.report_records import four_endings
from tuner.records.night import NightRecord
from tuner.report.night_page import night_html

pytestmark = pytest.mark.slow


def evil() -> list[NightRecord]:
    nights = history(5)
    return [*nights[:-1], with_text(nights[-1], EVIL)]


HISTORIES = {
    "one": lambda: history(1),
    "two": lambda: history(2),
    "twenty": lambda: history(20),
    "of_accuracy": lambda: history(40, mode="max"),
    "long": lambda: history(400),
    "diverged": lambda: diverged(history(20, 0)),
    "evil": evil,
}


@pytest.mark.parametrize("width", [1200, 700, 400])
@pytest.mark.parametrize("name", HISTORIES)
def test_no_complaint_no_request_and_no_sideways_scrolling(browser: Any, tmp_path: Path, name: str, width: int) -> None:
    nights, sweep = HISTORIES[name](), four_endings().record()
    path = tmp_path / "night.html"
    path.write_text(night_html(nights[-1], nights, replace(sweep, controls=sweep.trials[:3])), encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": 900})
    opened = watched(context)
    page = opened.page
    page.goto(path.as_uri())
    papers = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        papers.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        for summary in page.query_selector_all("summary"):
            summary.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert papers == ["rgb(255, 255, 255)", "rgb(20, 23, 27)"]
    shown = "wide" if width == 1200 else "narrow"
    assert page.is_visible(f"#history svg.{shown}")
    letters = page.evaluate(
        f"[...document.querySelectorAll('#history svg.{shown} text')].map(t => t.getBoundingClientRect().height)"
    )
    assert min(letters) >= 10  # pixels from top to foot of a line of letters
    page.emulate_media(media="print")
    assert page.is_visible("#history svg.wide")
    if width == 700:  # about as wide as a sheet of paper
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert opened.complaints + opened.requests == []
    assert page.evaluate("window.ran") is None
    context.close()


def test_a_night_is_reached_by_keyboard_and_by_its_mark(browser: Any, tmp_path: Path) -> None:
    nights = history(5)
    for night in nights:
        (tmp_path / f"{night.id}.html").write_text(night_html(night, nights), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.goto((tmp_path / f"{nights[-1].id}.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == f"{nights[0].id}.html"
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{nights[0].id}.html")
    page.goto((tmp_path / f"{nights[-1].id}.html").as_uri())
    page.locator("#history svg.wide a path.mark").nth(1).click()
    page.wait_for_url(f"**/{nights[1].id}.html")
    page.close()
