"""`tuner diagnose --plot`: findings are marked at their epochs, nothing in it fetches or runs, odd curves draw too."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

from tuner.importers import history_from_mapping
from tuner.records.finding import Diagnosis, Finding, Remedy
from tuner.records.history import History
from tuner.report import curves_page as page_module
from tuner.report.curve_drawing import MOST, draw, drawn_lines
from tuner.report.curves_page import POLICY, curves_page

EVIL = "</style><script>window.ran=1</script><img src=x onerror='window.ran=1'>\"&"
TRAIN, VAL = [2.0, 1.5, 1.0, 0.5, 0.2], [2.1, 1.6, 1.5, 1.8, 2.0]


def history(**more: Any) -> History:
    return history_from_mapping({"train_loss": TRAIN, "val_loss": VAL, **more})


def said(*since: int | None, symptom: str = "overfitting") -> Diagnosis:
    findings = tuple(Finding(symptom, 0.9, "it rises", epoch) for epoch in since)
    return Diagnosis("a", symptom if since else "healthy", findings)


def test_a_finding_is_marked_at_its_epoch() -> None:
    drawn = draw(history(), said(3))
    (at,) = re.findall(r'class="since" d="M([\d.]+) ', drawn)
    dots = re.findall(r'class="dot (\w+)" cx="([\d.]+)"', drawn)
    assert dots == [("train", at), ("val", at)]
    ticks = dict(re.findall(r'<text x="([\d.]+)" y="\d+" text-anchor="middle">(\d+)</text>', drawn))
    assert ticks[at] == "3"
    assert ">overfitting<title>it rises</title>" in drawn


def test_a_finding_without_an_epoch_draws_no_line_but_is_told() -> None:
    page = curves_page([history()], [said(None)])
    assert 'class="since"' not in page
    assert "(all epochs, 90 % sure): it rises" in page


def test_the_page_neither_fetches_nor_runs_anything() -> None:
    finding = Finding(EVIL, 0.7, EVIL, 2, {EVIL: 1.0}, (Remedy(EVIL, EVIL, EVIL, EVIL, EVIL),))
    page = curves_page([history(id=EVIL)], [Diagnosis(EVIL, EVIL, (finding,), EVIL)])
    assert POLICY in page
    assert "script-src" not in POLICY
    assert EVIL not in page
    assert "<script" not in page
    assert "<img" not in page
    assert not re.search(r"""(?:src|href)=["'](?!data:,|#)|url\(|@import|https?://""", page)


def test_values_that_are_not_finite_are_marked_and_gaps_passed_over() -> None:
    made = history(val_loss=[2.0, None, 1.5, None, 1.2], train_loss=[2.0, 1.0, math.inf, 9.0, math.nan])
    drawn = draw(made, said())
    assert drawn.count('class="lost') == 1
    assert "train_loss is infinite at epoch 3" in drawn
    train, val = re.findall(r'<path class="(?:train|val)" d="(M[^h"]+)"', drawn)
    assert (train.count("M"), train.count("L")) == (2, 1)
    assert (val.count("M"), val.count("L")) == (1, 2)


@pytest.mark.parametrize(
    "curves",
    [
        {"train_loss": [1.0]},
        {"train_loss": [0.0, 0.0]},
        {"train_loss": [1e308, -1e308, 1.0]},
        {"train_loss": [1e-300, 1.0, 1e300]},
        {"train_loss": [-3.0, -4.0, -5.0]},
        {"train_loss": [math.nan] * 3},
        {"val_loss": [None, 1.0]},
        {"train_accuracy": [0.1, 0.2], "val_accuracy": [0.1, 0.1]},
        {"train_f1": [0.1, 0.2]},
        {"train_loss": [3.0, 2.5, 2.0, 1.5, 1.0], "val_loss": [2.0, 1.0, 0.5], "steps_per_epoch": 2},
    ],
)
def test_odd_curves_are_drawn_or_said_to_be_empty(curves: dict[str, Any]) -> None:
    drawn = draw(history_from_mapping(curves), said(1))
    assert "<svg" in drawn or "nothing to draw" in drawn
    assert not re.search(r"\b(?:nan|inf)\b", re.sub("<title>.*?</title>", "", drawn))


def test_steps_lie_within_their_epoch() -> None:
    made = history_from_mapping({"train_loss": [4.0, 3.0, 2.0, 1.0], "val_loss": [3.0, 1.0], "steps_per_epoch": 2})
    train, val = drawn_lines(made)
    assert train.x.tolist() == [0.5, 1.0, 1.5, 2.0]
    assert val.x.tolist() == [1.0, 2.0]


def test_a_long_curve_is_thinned_but_keeps_its_spike() -> None:
    values = np.linspace(2.0, 1.0, 50_000)
    values[31_337] = 5.0
    drawn = draw(history_from_mapping({"train_loss": values}), said())
    path = re.findall(r'<path class="train" d="(M[^h"]+)"', drawn)[0]
    heights = [float(y) for y in re.findall(r" ([\d.]+)", path)]
    assert len(heights) <= 2 * MOST + 2
    assert heights.count(min(heights)) == 1


def test_of_too_many_those_with_findings_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "DRAWN", 2)
    histories = [history(id=name) for name in ("well", "ill", "fine", "sick")]
    page = curves_page(histories, [said(), said(2), said(), said(3)])
    assert re.findall(r'<h2 id="c\d+">(\w+)', page) == ["ill", "sick"]
    assert "2 curves more are not drawn" in page
