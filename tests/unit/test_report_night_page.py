"""A night's page: the answer first, the history drawn as it was judged, nothing in it fetches or runs."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.night_histories import LAST, diverged, history, night_id, with_text
from tests.unit.report_records import four_endings
from tuner.records.night import OK, REGRESSED, VERDICTS, Change, ControlResult, Judgement, NightBest, NightRecord
from tuner.records.trial import SweepRecord
from tuner.report.night_axes import BOLD_LETTER, LETTER, labels
from tuner.report.night_history import DETAIL, control, points, seed_values, state_told, until
from tuner.report.night_layout import WIDE, laid_out
from tuner.report.night_page import POLICY, night_html
from tuner.report.night_text import night_markdown, nights_json, nights_table
from tuner.report.verdict_style import NIGHT_STYLES
from tuner.report.wording import printable

EVIL = "</style></title><script>window.ran=1</script><img src=x onerror='window.ran=1'>\"&\n😀"


class Page(HTMLParser):
    """Elements with their attributes, and the text that is shown."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside = tag

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside != "style":
            self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def drawn(nights: list[NightRecord]) -> str:
    return night_html(nights[-1], nights)


def wide(text: str) -> str:
    return re.findall(r'<svg class="wide".*?</svg>', text, re.DOTALL)[0]


def with_controls() -> SweepRecord:
    record = four_endings().record()
    return replace(record, controls=record.trials[1:3])


def test_the_answer_stands_first() -> None:
    nights = history(20)
    page = Page(drawn(nights))
    names = [attributes["id"] for attributes in page.of("section")]
    assert names == ["answer", "history", "controls", "remarks", "best", "trials", "nights"]
    top = page.text[: page.text.index("History")]
    for word in (
        "2026-11-21",
        nights[-1].id,
        "REGRESSED",
        nights[-1].judgement.why,
        "0.0117 worse",
        "since 2026-11-19",
    ):
        assert word in top
    for word in ("Warm the learning rate up", "data hash", "fixed.augmentation", "[flip, crop]", "2.14.1", "2.15.0"):
        assert word in top


@pytest.mark.parametrize("amount", [1, 2, 20, 61])
def test_nothing_in_the_page_fetches_or_runs(amount: int) -> None:
    text = night_html(history(amount)[-1], history(amount), with_controls())
    page = Page(text)
    assert {"http-equiv": "Content-Security-Policy", "content": POLICY} in page.of("meta")
    assert "script" not in POLICY
    assert not {name for name, _ in page.elements} & {"script", "img", "iframe", "object", "base", "form"}
    assert not re.search(r"url\(|@import|https?://", text)
    links = [attributes["href"] or "" for _, attributes in page.elements if "href" in attributes]
    assert links
    assert all(re.fullmatch(r"data:,|#\w+|[\w-]+\.html", link) for link in links)


def test_every_other_night_is_linked_but_one_that_was_skipped() -> None:
    nights = history(20)
    section = drawn(nights).partition('id="nights"')[2]
    linked = re.findall(r'<a href="([^"]+)\.html"', section)
    assert linked == [night.id for night in reversed(nights[:-1]) if night.verdict != "SKIPPED"]
    assert len(linked) == 18


def test_pictures_have_names_and_verdicts_more_than_a_colour() -> None:
    text = drawn(history(200))
    pictures = re.findall(r'<svg [^>]*role="img" aria-label="([^"]+)"', text)
    assert len(pictures) == 4
    assert all("night" in told for told in pictures)
    assert "val_loss of the control over 60 nights: " in pictures[0]
    assert "3 REGRESSED" in pictures[0]
    assert re.search(r"<title>2026-11-20 REGRESSED, val_loss [\d.]+, best [\d.]+: the control", text)
    shapes = [style.shape for style in NIGHT_STYLES.values()]
    assert sorted(NIGHT_STYLES) == sorted(VERDICTS)
    assert len(set(shapes)) == len(shapes)


@given(st.text(min_size=1) | st.just(EVIL))
@settings(max_examples=25, deadline=None)
def test_any_text_is_shown_and_never_run(text: str) -> None:
    nights = history(3)
    night = with_text(nights[-1], text)
    plain = drawn(nights)
    page = Page(night_html(night, [*nights[:-1], night]))
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in Page(plain).elements} | {"dd", "dt", "dl"}
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert page.text.count(printable(text)) >= 8


def test_a_diverged_control_lies_on_the_edge_of_what_is_worse() -> None:
    for mode in ("min", "max"):
        nights = diverged(history(20, 0, mode=mode))
        assert control(nights[-1]) == (math.inf if mode == "min" else -math.inf)
        text = drawn(nights)
        assert 'class="beyond"' in wide(text)
        assert "diverged" in Page(text).text
        assert not re.search(r"\b(?:nan|inf)\b", text.partition("</style>")[2])


def test_the_values_of_the_control_are_those_of_the_seeds_that_ended() -> None:
    night = diverged(history(3, 0))[-1]
    assert seed_values(night) == {11: math.inf, 13: night.controls[2].value}
    waiting = replace(history(3, 0)[-1], judgement=Judgement("INCOMPLETE", "it has not ended"))
    values = [one.value for one in waiting.controls if one.value is not None]
    assert control(waiting) == pytest.approx(sum(values) / 3)
    assert control(replace(waiting, controls=())) is None


def test_the_chart_has_the_reference_the_noise_and_the_thresholds_where_they_were() -> None:
    nights = history(20, 0)
    panel = laid_out(points(nights[-1], nights), WIDE).control
    judged = nights[-1].judgement
    assert judged.reference and judged.threshold and judged.noise
    told = wide(drawn(nights))
    *_, level = re.findall(r'class="reference" d="M[\d.]+ ([\d.]+)H', told)
    assert float(level) == pytest.approx(panel.y(judged.reference), abs=0.06)
    for name, value in (("limit", judged.threshold), ("limit good", -judged.threshold)):
        (level,) = re.findall(rf'class="{name}" d="M[\d.]+ ([\d.]+)H', told)
        assert float(level) == pytest.approx(panel.y(judged.reference + value), abs=0.06)
    heights = {
        float(y) for band in re.findall(r'class="band" d="([^"]+)"', told) for y in re.findall(r"[ V]([\d.]+)", band)
    }
    for value in (judged.reference - judged.noise, judged.reference + judged.noise):
        assert min(abs(height - panel.y(value)) for height in heights) < 0.06


ODD = (0.0, 1e308, -1e308, 5e-324, math.inf, -math.inf, math.nan, 0.2, 0.21)
NUMBER = st.sampled_from(ODD) | st.floats()
ENDINGS = st.sampled_from(["completed", "doomed", "failed", None])
JUDGED = st.tuples(*[NUMBER | st.none()] * 6, st.tuples(NUMBER, NUMBER) | st.none())
NIGHT = st.tuples(
    JUDGED,
    st.sampled_from(VERDICTS),
    st.booleans(),
    NUMBER,
    st.lists(st.tuples(ENDINGS, NUMBER | st.none()), max_size=3),
)


def odd_nights(rows: list[Any], mode: str) -> list[NightRecord]:
    nights = []
    for place, (judged, verdict, other, best, controls) in enumerate(rows):
        (effect, noise, threshold, reference, tonight, best_effect, interval) = judged
        night = replace(
            history(4)[place % 4],
            id=f"2026-01-{place + 1:02d}-odd",
            date=f"2026-01-{place + 1:02d}",
            mode=mode,
            key="other" if other else "same",
            controls=tuple(ControlResult(f"c{at}", at, ending, value) for at, (ending, value) in enumerate(controls)),
            best=NightBest("0001", {}, best),
            judgement=Judgement(verdict, "odd", effect, interval, noise, threshold, reference, tonight, best_effect),
        )
        nights.append(night)
    return nights


@given(st.lists(NIGHT, min_size=1, max_size=6), st.sampled_from(["min", "max"]))
@settings(max_examples=40, deadline=None)
def test_whatever_the_numbers_are_all_of_it_has_a_place(rows: list[Any], mode: str) -> None:
    nights = odd_nights(rows, mode)
    attributes = re.findall(r'\b(?:d|x|y|cx|cy|transform|width)="([^"]*)"', drawn(nights))
    assert attributes
    assert not [told for told in attributes if re.search(r"nan|inf|\de[+-]?\d", told)]
    json.dumps(nights_json(nights), allow_nan=False)
    assert nights[-1].id in nights_table(nights)
    assert "| 2026-01-01 |" in night_markdown(nights[0], nights).replace(" (accepted)", "")


def test_one_night_far_off_does_not_flatten_the_others() -> None:
    nights = history(20, 0)
    far = replace(nights[9], judgement=replace(nights[9].judgement, tonight=90.0))
    changed = [*nights[:9], far, *nights[10:]]
    assert laid_out(points(changed[-1], changed), WIDE).control.high < 0.3
    assert wide(drawn(changed)).count('class="beyond"') == 1


def test_the_labels_of_an_axis_tell_its_values_apart() -> None:
    assert labels([0.23, 0.235, 0.24]) == ["0.230", "0.235", "0.240"]
    assert labels([0.15, 0.25]) == ["0.15", "0.25"]
    assert labels([0.0, 2000.0, 4000.0]) == ["0", "2000", "4000"]
    assert labels([1e-9, 2e-9]) == ["1e-09", "2e-09"]


def test_nights_that_are_not_comparable_are_parted_by_a_line() -> None:
    nights = history(40)
    text = wide(drawn(nights))
    assert text.count('class="break"') == 2  # one a frame
    assert "← not comparable" in text
    assert 'class="break"' not in wide(drawn(history(20)))
    line = re.findall(r'class="line control" d="([^"]+)"', text)[0]
    assert line.count("M") == 2
    other = [replace(night, metric="val_accuracy", mode="max") for night in nights[:10]] + nights[10:]
    assert [point.control for point in points(other[-1], other)[:10]] == [None] * 10


def test_two_nights_of_one_day_are_told_apart() -> None:
    nights = history(5, 0)
    again = replace(nights[-1], id="2026-11-21-again", started_at=nights[-1].started_at + 60)
    text = drawn([*nights, again])
    assert f'<a href="{nights[-1].id}.html">{nights[-1].id}</a>' in text
    assert "<b>2026-11-21-again</b>" in text
    assert ">2026-11-20</a>" in text
    two = [replace(night, state=REGRESSED, state_before=REGRESSED) for night in (nights[-1], again)]
    assert state_told([*nights[:-1], *two]) == f"It is REGRESSED since {nights[-1].id}, for 2 nights."
    assert wide(text).count(">2026-11-21</text>") == 1


def test_each_nights_interval_is_drawn_about_its_value() -> None:
    for mode in ("min", "max"):
        nights = history(20, 0, mode=mode)
        panel = laid_out(points(nights[-1], nights), WIDE).control
        told = wide(drawn(nights))
        *_, (one, other) = re.findall(r'class="interval" d="M[\d.]+ ([\d.]+)V([\d.]+)"', told)
        value = nights[-1].judgement.tonight or 0.0
        expected = sorted((panel.y(value - 0.0046), panel.y(value + 0.0046)))
        assert sorted((float(one), float(other))) == pytest.approx(expected, abs=0.06)


def test_the_accepted_night_is_marked() -> None:
    nights = history(20)
    text = drawn(nights)
    assert wide(text).count('class="accepted"') == 1
    assert ">accepted</text>" in wide(text)
    assert re.search(r"2026-11-02</a> <span class=\"bestmark\">accepted", text)
    long = drawn(history(200))
    assert "accepted</text>" not in wide(long)
    assert "The accepted night is 2026-07-12." in long


def test_of_many_nights_the_last_are_shown_and_it_is_said() -> None:
    nights = history(400)
    text = drawn(nights)
    page = Page(text)
    assert len(re.findall(r'<circle class="seed"', wide(text))) <= 3 * DETAIL
    assert len(page.of("tr")) == 2 * DETAIL + 2 + len(nights[-1].controls) + 1
    assert f"The last {DETAIL} of 400 nights. All of them, those above shaded" in page.text
    assert "The 46 nights before them" in page.text
    assert len(text.encode()) < 400_000


def test_a_page_knows_nothing_of_later_nights() -> None:
    nights = history(20)
    middle = nights[9]
    assert until(middle, nights) == nights[:10]
    assert night_html(middle, nights) == night_html(middle, nights[:10])
    assert "2026-11-12" not in night_html(middle, list(reversed(nights)))


def test_what_did_not_change_is_said() -> None:
    nights = history(3, 0)
    assert "Nothing that is recorded" in Page(drawn(nights)).text
    assert "There is no good night before this one" in Page(drawn(nights[:1])).text
    many = Change("code", "commits", "a", "b", tuple(f"{place:07x} Commit {place}" for place in range(30)))
    text = drawn([*nights[:-1], replace(nights[-1], changes=(many,))])
    assert "<summary>and 27 more</summary>" in text
    assert text.count("Commit ") == 30
    settings_changed = tuple(Change("configuration", f"space.p{place}", "1", "2") for place in range(20))
    packages = Change("packages", "3 more", "", "", ("numpy 2.1 -> 2.2",))
    text = drawn([*nights[:-1], replace(nights[-1], changes=(packages, *settings_changed))])
    assert "<summary>and 13 other changes</summary>" in text
    assert "<b>packages 3 more</b><ul><li>numpy" in text
    assert "and 11 other changes" in night_markdown(replace(nights[-1], changes=(packages, *settings_changed)), nights)


def test_since_when_it_is_as_it_is_is_told() -> None:
    nights = history(20)
    assert state_told(nights) == "It is REGRESSED since 2026-11-19, for 3 nights."
    assert state_told(nights[:-2]) == "It is REGRESSED since this night; it was OK."
    noisy = replace(nights[-1], judgement=Judgement("NOISY", "seeds disagree"), state=REGRESSED, state_before=REGRESSED)
    assert state_told([*nights[:-1], noisy]).endswith(", and a NOISY night changes nothing.")
    assert state_told([*nights, replace(nights[2], state=OK, state_before=REGRESSED)]).startswith(
        "It was REGRESSED until"
    )
    assert state_told(nights[:1]) == ""


def test_tonights_curves_are_those_of_the_controls_and_of_the_best_trial() -> None:
    nights, sweep = history(3, 0), with_controls()
    best = nights[-1].best
    assert best is not None
    record = replace(nights[-1], best=replace(best, trial="0000"))
    text = night_html(record, nights, sweep)
    curves = re.findall(r'<div class="curves">(.*?)</div>', text, re.DOTALL)[0]
    assert re.findall(r"<figcaption><b>(\w+)</b>", curves) == ["val_loss", "train_loss"]
    assert "0000: 0.07329 at epoch 9" in curves
    assert "not finite at epoch" in curves
    assert curves.count('class="line best"') == 2
    assert "2 trainings of the control" in text
    assert 'class="curves"' not in night_html(record, nights)


def test_the_search_and_its_report_are_where_they_lie() -> None:
    nights = history(2)
    text = night_html(nights[-1], nights, report="../a run/report.html")
    assert '<a href="../a%20run/report.html">' in text
    assert nights[-1].path in text
    assert nights[-1].id == night_id(LAST)


@pytest.mark.parametrize("nights", [2, 4, 6, 9, 20, 40])
def test_dates_keep_clear_of_each_other_and_the_state_is_not_cut_off(nights: int) -> None:
    told = history(nights)
    for width, drawing in re.findall(
        r'<svg class="(?:wide|narrow)" viewBox="0 0 (\d+)[^>]*>(.*?)</svg>', night_html(told[-1], told), re.DOTALL
    ):
        dates = [float(x) for x in re.findall(r'<text x="([\d.]+)"[^>]*middle">\d{4}-\d\d-\d\d<', drawing)]
        assert dates
        assert all(after - before >= 11 * LETTER for before, after in pairwise(dates))
        for x, side, text in re.findall(r'strong halo" x="(-?[\d.]+)"[^>]*anchor="(\w+)">([^<]+)<', drawing):
            room = len(text) * BOLD_LETTER
            left = float(x) - (room if side == "end" else 0)
            assert left >= 0, text
            assert left + room <= float(width), text
