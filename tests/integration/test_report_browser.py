"""The report in a real browser: no console error, no request, nothing that a user wrote runs.

Needs Chromium on the machine and `playwright` in the environment (it drives the browser that is there; it does not have
to fetch one of its own).
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser_kit import EVIL, Opened, watched

from tests.unit.report_large import large
from tests.unit.report_records import DIVERGES, MORE_EPOCHS, OVERFITS, SweepLines, four_endings
from tuner.records.trial import SweepRecord
from tuner.report.html import html


@pytest.fixture
def open_report(browser: Any, tmp_path: Path) -> Iterator[Any]:
    contexts = []

    def open_(record: SweepRecord, width: int = 1200, dark: bool = False) -> Opened:
        path = tmp_path / "report.html"
        path.write_text(html(record, "name: x\n"), encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", reduced_motion="reduce"
        )
        contexts.append(context)
        opened = watched(context)
        opened.page.goto(path.as_uri())
        opened.page.wait_for_function("document.querySelector('#trials-status').textContent !== ''")
        return opened

    yield open_
    for context in contexts:
        context.close()


def many(trials: int) -> SweepRecord:
    numbers = random.Random(1)
    sweep = SweepLines(trials=trials, max_epochs=27)
    for number in range(trials):
        config: dict[str, Any] = {"lr": 10 ** numbers.uniform(-5, 0), "batch_size": numbers.choice([32, 64, 128])}
        config |= numbers.choice([{"optimizer": "adamw"}, {"optimizer": "sgd", "optimizer.sgd.momentum": 0.5}])
        trial = sweep.suggest(number, config)
        if config["lr"] > 0.3:
            sweep.losses(trial, [2.3, 1e9, math.nan], [2.3, math.inf, math.nan])
            sweep.end_trial(trial, "doomed", "diverged", "diverged", [DIVERGES])
            continue
        epochs = numbers.choice([1, 3, 9, 27])
        curve = [2.3 * math.exp(-0.1 * epoch) + numbers.gauss(0, 0.02) for epoch in range(1, epochs + 1)]
        sweep.losses(trial, curve, curve)
        ended = ("pruned", "unknown", []) if epochs < 9 else ("completed", "overfitting", [OVERFITS])
        sweep.end_trial(trial, ended[0], f"{number}th of {trials}", ended[1], ended[2])
    sweep.sweep_finding(MORE_EPOCHS)
    sweep.end()
    return sweep.record()


def evil() -> SweepRecord:
    parameters = [{"name": EVIL, "kind": "choice", "options": [EVIL, "b"]}, {"name": "{a|b}", "kind": "float"}]
    sweep = SweepLines(name=EVIL, metric=EVIL, run=EVIL, parameters=parameters)
    for number in range(6):
        trial = sweep.suggest(number, {EVIL: [EVIL, "b"][number % 2], "{a|b}": number / 7}, EVIL)
        sweep.report(trial, 1, {EVIL: number / 3})
        sweep.rung(trial, 1, 1.0, True, EVIL)
        sweep.end_trial(trial, "completed", EVIL, EVIL, [], EVIL)
    sweep.end("stopped", EVIL)
    return sweep.record()


def nothing_finite() -> SweepRecord:
    sweep = SweepLines()
    for number in range(3):
        trial = sweep.suggest(number, {"lr": 0.1 * (number + 1), "batch_size": 32, "optimizer": "adamw"})
        sweep.losses(trial, [math.nan, math.nan], [math.inf, math.nan])
        sweep.end_trial(trial, "doomed", "diverged", "diverged", [DIVERGES])
    return sweep.record()


def one_trial() -> SweepRecord:
    sweep = SweepLines()
    sweep.losses(sweep.suggest(0, {"lr": 0.1}), [1.0], [1.0])
    return sweep.record()


SWEEPS = {
    "four_endings": lambda: four_endings().record(),
    "many": lambda: many(80),
    "large": lambda: large(100),
    "evil": evil,
    "nothing_finite": nothing_finite,
    "one_trial": one_trial,
    "empty": lambda: SweepLines().record(),
}


SOON = ("four_endings", "evil")
"""What the fast tests open; the others are slow."""


@pytest.mark.parametrize("width", [1200, 400])
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in SOON else pytest.mark.slow) for name in SWEEPS]
)
def test_no_complaint_no_request_and_no_sideways_scrolling(open_report: Any, name: str, width: int) -> None:
    opened = open_report(SWEEPS[name](), width, dark=width == 400)
    page = opened.page
    page.click("#theme")
    for buttons in ("#trials-head button", "#legend button"):
        for place in range(page.locator(buttons).count()):
            page.locator(buttons).nth(place).click()
    for select in ("curves-metric", "map-x", "map-y"):
        if page.is_visible(f"#{select}"):
            for place in range(min(3, page.locator(f"#{select} option").count())):
                page.select_option(f"#{select}", index=place)
    page.emulate_media(media="print")
    page.emulate_media(media="screen")
    assert opened.complaints == []
    assert opened.requests == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("window.ran") is None


def test_a_request_would_have_been_seen_and_is_forbidden(open_report: Any) -> None:
    """The test above has to be able to fail."""
    opened = open_report(four_endings().record())
    opened.page.evaluate("document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1:9/x.png'}))")
    opened.page.wait_for_timeout(50)
    assert any("Content Security Policy" in complaint for complaint in opened.complaints)


@pytest.mark.slow
def test_charts_are_drawn(open_report: Any) -> None:
    page = open_report(many(80)).page
    for chart in ("curves-chart", "parallel-chart", "map-chart"):
        ink = page.evaluate(
            """id => { const c = document.querySelector(`#${id} canvas`);
            const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
            let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n; }""",
            chart,
        )
        assert ink > 2000, chart


@pytest.mark.slow
def test_the_region_of_divergence_is_hatched_and_named(open_report: Any) -> None:
    page = open_report(large(200)).page
    assert page.inner_text("#map-note") == "Hatched: at least half of the trials nearby diverged."
    page.select_option("#map-x", label="optimizer")
    page.select_option("#map-y", label="optimizer.sgd.momentum")
    assert "Hatched" not in page.inner_text("#map-note")
    assert "Hatched" not in open_report(one_trial()).page.inner_text("#map-note")


@pytest.mark.slow
@pytest.mark.parametrize(("width", "shown", "hidden"), [(1200, "wide", "narrow"), (400, "narrow", "wide")])
def test_a_narrow_screen_gets_drawings_of_its_own(open_report: Any, width: int, shown: str, hidden: str) -> None:
    page = open_report(large(60), width).page
    for section in ("importance", "rungs", "time"):
        assert page.is_visible(f"#{section} svg.only-{shown}"), section
        assert not page.is_visible(f"#{section} svg.only-{hidden}"), section


@pytest.mark.slow
def test_a_bar_of_the_time_line_opens_its_trial(open_report: Any) -> None:
    opened = open_report(large(60))
    opened.page.locator("#time svg.only-wide .bar").first.click()
    assert opened.page.is_visible("#trial")
    assert opened.complaints == []


def test_the_table_sorts_filters_and_opens_a_trial_by_keyboard(open_report: Any) -> None:
    opened = open_report(four_endings().record())
    page = opened.page

    def names() -> list[str]:
        return [cell.inner_text().split()[0] for cell in page.query_selector_all("#trials-body td:first-child")]

    assert names()[0] == "0000"
    page.focus("#trials-head th:nth-child(1) button")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert names() == ["0003", "0002", "0001", "0000"]
    assert page.get_attribute("#trials-head th:nth-child(1)", "aria-sort") == "descending"
    page.fill("#trials-query", "lr<0.02 batch_size=32")
    assert names() == ["0003"]
    page.focus("#trials-body button")
    page.keyboard.press("Enter")
    assert "ValueError: width must be even" in page.inner_text("#trial")
    page.keyboard.press("Escape")
    assert not page.is_visible("#trial")
    page.fill("#trials-query", "")
    page.select_option("#trials-verdict", "overfitting")
    assert names() == ["0001"]
    assert page.inner_text("#trials-status") == "1 of 4 trials"
    assert opened.complaints == []


@pytest.mark.slow
def test_a_range_marked_on_an_axis_filters_the_table(open_report: Any) -> None:
    opened = open_report(many(80))
    page = opened.page
    page.locator("#parallel-chart").scroll_into_view_if_needed()
    box = page.locator("#parallel-chart").bounding_box()
    page.mouse.move(box["x"] + 12, box["y"] + 60)  # the first axis, lr, near its upper end
    page.mouse.down()
    page.mouse.move(box["x"] + 12, box["y"] + 100, steps=4)
    page.mouse.up()
    page.wait_for_function("document.querySelector('#trials-status').textContent.includes('within')")
    kept = int(page.inner_text("#trials-status").split()[0])
    assert 0 < kept < 40
    lr = [float(cell.inner_text()) for cell in page.query_selector_all("#trials-body td:nth-child(8)")]
    assert min(lr) > 0.05
    page.click("#parallel-clear")
    page.wait_for_function("document.querySelector('#trials-status').textContent === '80 of 80 trials'")
    assert opened.complaints == []


@pytest.mark.slow
def test_the_table_and_the_parallel_axes_show_the_same_trials(open_report: Any) -> None:
    opened = open_report(many(80))
    page = opened.page

    def lines() -> int:
        chart = "echarts.getInstanceByDom(document.getElementById('parallel-chart'))"
        return int(page.evaluate(f"{chart}.getModel().getSeriesByIndex(0).getData().count()"))

    assert lines() == 80
    page.fill("#trials-query", "lr<0.001 optimizer=sgd")
    kept = int(page.inner_text("#trials-status").split()[0])
    assert lines() == kept < 40
    page.fill("#trials-query", "")
    page.locator("#legend button").first.click()
    assert lines() == int(page.inner_text("#trials-status").split()[0]) < 80
    assert opened.complaints == []


CONTROLS = "a[href], button, select, input, summary, [tabindex='0']"


@pytest.mark.slow
@pytest.mark.parametrize("width", [1200, 400])
def test_the_tab_key_reaches_every_control_and_shows_where_it_is(open_report: Any, width: int) -> None:
    page = open_report(four_endings().record(), width).page
    page.evaluate(
        f"""() => {{ window.controls = [...document.querySelectorAll("{CONTROLS}")]
        .filter(e => e.checkVisibility() && !e.disabled); }}"""
    )
    wanted = page.evaluate("controls.length")
    assert wanted > 30
    seen, plain = set(), set()
    for _ in range(wanted + 5):
        page.keyboard.press("Tab")
        at, name, ring = page.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e);
            return [controls.indexOf(e), e.outerHTML.slice(0, 80),
                s.outlineStyle !== 'none' && parseFloat(s.outlineWidth)]; }"""
        )
        seen.add(at)
        if at >= 0 and not ring >= 2:
            plain.add(name)
    missed = [page.evaluate(f"controls[{at}].outerHTML.slice(0, 80)") for at in set(range(wanted)) - seen]
    assert missed == []
    assert plain == set()


@pytest.mark.slow
def test_on_paper_charts_are_whole_and_nothing_is_wider_than_the_sheet(open_report: Any) -> None:
    """Printing began before the charts had been drawn anew: they were cut off at the right."""
    opened = open_report(large(200), dark=True)
    page = opened.page
    page.set_viewport_size({"width": 703, "height": 1000})  # a sheet of A4 within its margins
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for chart in ("curves-chart", "parallel-chart", "map-chart"):
        canvas, holder = (
            page.evaluate(f"document.querySelector('#{chart}{at}').clientWidth") for at in (" canvas", "")
        )
        assert 0.9 * holder < canvas <= holder
    assert page.evaluate("document.documentElement.scrollWidth") <= 703
    for table in page.query_selector_all("table"):
        assert table.evaluate("e => e.scrollWidth <= e.parentElement.clientWidth")
    assert page.locator("#trials-body tr").count() == 100
    assert page.inner_text("#trials-printed") == "100 of 200 trials, by val_loss."
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"
    assert page.locator("#trials-body tr").count() == 50
    assert opened.complaints == []


@pytest.mark.slow
def test_a_thousand_trials_fit_into_a_mail_and_are_drawn_without_a_request(open_report: Any, tmp_path: Path) -> None:
    opened = open_report(large(1000, 32))
    taken = opened.page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    assert 0 < taken < 8000  # about 1,200 ms on two quiet cores; the limit only catches what went quadratic
    assert (tmp_path / "report.html").stat().st_size < 8e6
    assert opened.complaints + opened.requests == []
