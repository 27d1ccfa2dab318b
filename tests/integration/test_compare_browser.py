"""The page of compared runs in a real browser: no console error, no request, no sideways scrolling, light and dark.

Needs Chromium on the machine and `playwright` in the environment.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from browser_kit import EVIL, watched

from tests.unit.compare_kit import compared, lines, write
from tuner.report.compare_page import comparison_html

pytestmark = pytest.mark.slow


def test_no_complaint_no_request_and_no_sideways_scrolling(browser: Any, tmp_path: Path) -> None:
    for place in range(10):
        write(tmp_path, f"run-{place}", lines(f"run-{place}", floor=0.1 + 0.03 * place, seed=place, overfitting=place))
    pages = {}
    for count in (2, 10):
        found = compared(tmp_path, *(f"run-{place}" for place in range(count)))
        pages[f"{count}.html"] = found
        evil = replace(found.sides[0], name=EVIL, record=replace(found.sides[0].record, name=EVIL))
        pages[f"{count}-evil.html"] = replace(found, sides=(evil, *found.sides[1:]))
    for name, found in pages.items():
        path = tmp_path / name
        path.write_text(comparison_html(found), encoding="utf-8")
        for width, scheme in ((1200, "light"), (400, "dark")):
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
            opened = watched(context)
            opened.page.goto(path.as_uri())
            assert opened.page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
            assert opened.page.locator("figure svg").count() == 4
            assert opened.complaints + opened.requests == []
            context.close()
