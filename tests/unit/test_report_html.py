"""The report as a file: nothing in it fetches, nothing a user wrote runs, and it stays small enough to mail."""

from __future__ import annotations

import json
import math
import random
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.unit.report_records import MORE_EPOCHS, OVERFITS, SweepLines, falling, four_endings
from tuner.records.finding import Finding, Remedy
from tuner.records.trial import SweepRecord
from tuner.report import units
from tuner.report.html import POLICY, html
from tuner.report.page_data import map_parameters, page_data, points_kept, script_json
from tuner.report.page_sections import endings
from tuner.report.verdict_style import SHAPES, STYLES, styles

EVIL = "</script><script>window.ran=1</script><img src=x onerror='window.ran=1'>\u2028\"&"


class Page(HTMLParser):
    """Elements with their attributes, the scripts' texts, and the text that is shown."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            self.scripts[-1] += data
        elif self.inside != "style":
            self.text += data


def evil_sweep() -> SweepRecord:
    """A user's text wherever a user can put one."""
    finding = Finding(EVIL, 0.7, EVIL, 1, {EVIL: 1.0}, (Remedy(EVIL, EVIL, EVIL, EVIL, EVIL),))
    parameters = [{"name": EVIL, "kind": "choice", "options": [EVIL, "b"]}]
    sweep = SweepLines(name=EVIL, metric=EVIL, run=EVIL, parameters=parameters)
    for number, option in enumerate([EVIL, "b"]):
        trial = sweep.suggest(number, {EVIL: option}, EVIL)
        sweep.report(trial, 1, {EVIL: float(number)})
        sweep.rung(trial, 1, 1.0, True, EVIL)
        sweep.end_trial(trial, "failed" if number else "completed", EVIL, EVIL, [finding], EVIL)
    sweep.sweep_finding(finding)
    sweep.end("stopped", EVIL)
    return sweep.record()


def data_of(page: Page) -> dict[str, Any]:
    loaded = json.loads(page.scripts[0])
    assert isinstance(loaded, dict)
    return loaded


def test_users_text_is_shown_and_never_run() -> None:
    page = Page(html(evil_sweep(), EVIL))
    assert len(page.scripts) == 3  # data, charts, ours
    assert EVIL in page.text
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"img", "iframe", "object", "embed", "base", "form"}
    handlers = [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert handlers == []
    data = data_of(page)
    assert data["metric"] == EVIL
    assert data["trials"][0]["config"] == {EVIL: EVIL}
    assert data["tracebacks"] == [EVIL]


def test_the_data_holds_no_letter_that_could_end_its_element() -> None:
    text = script_json(page_data(evil_sweep()))
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == page_data(evil_sweep())


def test_nothing_in_the_page_asks_for_anything() -> None:
    page = Page(html(four_endings().record(), "name: x"))
    assert ("meta", {"http-equiv": "Content-Security-Policy", "content": POLICY}) in page.elements
    linked = [value for _, item in page.elements for name, value in item.items() if name in ("src", "href", "srcset")]
    assert linked
    assert all(value is not None and value.startswith(("#", "data:")) for value in linked)
    assert "url(" not in html(four_endings().record()).split("</style>")[0]
    assert "sourceMappingURL" not in page.scripts[1]


def test_the_answer_stands_first_and_needs_no_script() -> None:
    text = html(four_endings().record(), "name: digits-mlp\n")
    static = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    order = [static.index(f'id="{name}"') for name in ("answer", "curves", "parallel", "map", "findings", "trials")]
    assert order == sorted(order)
    shown = Page(static).text
    for word in ("val_loss 0.07329", "healthy", "optimizer.sgd.momentum", "best_at_last_epoch", "name: digits-mlp"):
        assert word in shown
    assert "tuner run runs/digits-mlp-20261121-0551-7f3a/sweep.yaml --set search.max_epochs=18" in shown


def test_every_link_of_the_contents_leads_somewhere() -> None:
    page = Page(html(four_endings().record(), "name: x"))
    ids = {item["id"] for _, item in page.elements if "id" in item}
    targets = {item["href"] for tag, item in page.elements if tag == "a"}
    assert targets
    assert {f"#{name}" for name in ids} >= targets


def test_controls_and_pictures_have_names(tmp_path: Path) -> None:
    picture = tmp_path / "confusion_matrix.png"
    picture.write_bytes(b"\x89PNG")
    page = Page(html(four_endings().record(), "", [picture]))
    (image,) = [item for tag, item in page.elements if tag == "img"]
    assert image["alt"] == "confusion matrix"
    assert str(image["src"]).startswith("data:image/png;base64,")
    charts = [item for _, item in page.elements if item.get("role") == "img"]
    assert {item["id"] for item in charts if "id" in item} == {"curves-chart", "parallel-chart", "map-chart"}
    assert all(item["aria-label"] for item in charts)


def test_text_that_was_written_is_shown_as_it_is(tmp_path: Path) -> None:
    sample = tmp_path / "sample.txt"
    sample.write_text("\nROMEO:\n<b>&amp; ä", encoding="utf-8")
    source = html(four_endings().record(), "", [sample])
    assert '<pre class="wrap" tabindex="0">\n\nROMEO:\n&lt;b&gt;&amp;amp; ä</pre><figcaption>sample<' in source
    assert not [item for tag, item in Page(source).elements if tag == "img"]


@pytest.mark.parametrize("trials", [0, 1])
def test_a_sweep_that_has_hardly_begun_is_drawn(trials: int) -> None:
    sweep = SweepLines()
    for number in range(trials):
        sweep.losses(sweep.suggest(number, {"lr": 0.1}), [math.nan], [math.inf])
    page = Page(html(sweep.record()))
    assert "No trial has a finite val_loss" in page.text
    assert len(data_of(page)["trials"]) == trials


def test_not_finite_and_not_measured_stay_apart() -> None:
    sweep = SweepLines()
    trial = sweep.suggest(0, {"lr": 0.1})
    sweep.report(trial, 1, {"train_loss": math.nan})
    sweep.report(trial, 3, {"train_loss": math.inf, "val_loss": 0.123456789})
    data = page_data(sweep.record())
    assert data["metrics"] == ["val_loss", "train_loss"]
    assert data["trials"][0]["curves"] == [[None, 0.12346], ["NaN", "Infinity"]]
    assert data["trials"][0]["at"] == [1, 3]


def test_the_map_falls_back_to_what_moves_the_value_most() -> None:
    assert map_parameters(four_endings().record()) == ["lr", "batch_size"]
    random_numbers = random.Random(3)
    sweep = SweepLines(parameters=[{"name": f"p{i}", "kind": "float", "low": 0, "high": 1} for i in range(6)])
    for number in range(40):
        config = {f"p{i}": random_numbers.random() for i in range(6)}
        sweep.report(sweep.suggest(number, config), 1, {"val_loss": 3 * config["p4"] - config["p2"]})
    assert map_parameters(sweep.record()) == ["p4", "p2"]


def big(trials: int, epochs: int) -> SweepRecord:
    """As large as it gets: no trial stopped, eight metrics, findings with remedies on each."""
    sweep = SweepLines(max_epochs=epochs)
    loss = falling(2.3, epochs, 0.97)
    names = ["train_loss", "val_loss", *(f"metric_{place}" for place in range(6))]
    for number in range(trials):
        trial = sweep.suggest(number, {"lr": 0.1 + number / 7, "batch_size": 32, "optimizer": "adamw"})
        for epoch, value in enumerate(loss, 1):
            sweep.report(trial, epoch, dict.fromkeys(names, value * (1.01 + number / 3)))
        sweep.rung(trial, epochs, 1.0, False, f"{number}th of {trials}")
        sweep.end_trial(
            trial, "pruned", f"{number}th of {trials}", "overfitting", [OVERFITS, MORE_EPOCHS], "trace" * 100
        )
    return sweep.record()


@pytest.mark.slow
def test_a_thousand_long_trials_stay_below_eight_megabytes() -> None:
    record = big(1000, 100)
    page = html(record)
    assert 2e6 < len(page.encode()) <= 8e6
    data = data_of(Page(page))
    assert data["thinnedTo"] is not None
    first = data["trials"][0]
    assert (first["at"][0], first["at"][-1]) == (1, 100)
    assert first["best"] in first["at"]


def test_short_curves_stay_whole_when_long_ones_are_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner.report.page_data.CURVE_NUMBERS", 60)
    sweep = SweepLines()
    for number, epochs in enumerate([4, 100, 100]):
        trial = sweep.suggest(number, {"lr": 0.1})
        for epoch in range(1, epochs + 1):
            sweep.report(trial, epoch, {"val_loss": 1.0 / epoch})
    record = sweep.record()
    assert points_kept(record, ["val_loss"]) == 28
    lengths = [len(trial["curves"][0]) for trial in page_data(record)["trials"]]
    assert lengths == [4, 28, 28]


def test_every_verdict_has_a_style_of_its_own() -> None:
    drawn = [(style.light, style.dash, style.shape) for style in STYLES.values()]
    assert len(drawn) == len(set(drawn))
    without_colour = {(style.dash, style.shape) for style in STYLES.values()}
    assert len(without_colour) == len(STYLES)
    many = styles([*STYLES, *(f"symptom_{place}" for place in range(14))])
    assert all(style.shape in SHAPES for style in many.values())
    others = [(style.light, style.dash, style.shape) for name, style in many.items() if name not in STYLES]
    assert len(set(others)) == 14


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_lines_stand_out_from_their_paper_in_both_themes() -> None:
    """3:1 is what WCAG 2.2 asks of graphics (1.4.11)."""
    for style in styles([*STYLES, *(f"symptom_{place}" for place in range(14))]).values():
        for colour, paper in ((style.light, "#ffffff"), (style.dark, "#14171b")):
            low, high = sorted((_luminance(colour), _luminance(paper)))
            assert (high + 0.05) / (low + 0.05) >= 3, (style, colour)


def test_reasons_that_differ_by_their_numbers_alone_are_told_once() -> None:
    sweep = SweepLines(trials=6)
    for number in range(3):
        trial = sweep.suggest(number, {"lr": 0.1})
        sweep.report(trial, 1, {"val_loss": 1.0 + number})
        sweep.rung(trial, 1, 1.0 + number, False, f"{number}th of 3 at epoch 1")
        said = f"still paused at the end: {number}th of 3 at epoch 1"
        sweep.end_trial(trial, "pruned", said, "unknown")
    for number in range(3, 5):
        trial = sweep.suggest(number, {"lr": 0.1})
        sweep.end_trial(trial, "doomed", f"training loss is {number}.5e3 at epoch {number}", "unknown")
    trial = sweep.suggest(5, {"lr": 0.1})
    sweep.end_trial(trial, "failed", "ValueError: 250 is not divisible by 4", "unknown")
    told = endings(sweep.record())
    assert "still waited at epoch 1 when the sweep ended (3)" in told
    assert "training loss is … at epoch … (2)" in told
    assert "250 is not divisible by 4 (1)" in told


def test_a_metric_is_told_with_its_unit() -> None:
    page = html(four_endings().record())
    assert "val_loss: mean over the examples, in the loss&#x27;s own unit, lower is better" in page
    assert units.metric("val_rmse", "min") == "val_rmse: in the targets' unit, lower is better"
    assert units.metric("val_accuracy", "max") == "val_accuracy: a share, from 0 to 1, higher is better"
    assert units.metric("val_odd", "max") == "val_odd: higher is better"
