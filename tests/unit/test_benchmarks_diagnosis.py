"""The measure of the diagnosis is itself measured: its scores by hand, its rivals by their documents."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from diagnosis_halves import of_length, shown, with_noise
from diagnosis_scores import ahead, calibration, macro_f1, per_symptom, summary
from rivals import RULES, Shown

from tuner.records.finding import Diagnosis, Finding

OVER = frozenset({"overfitting"})


def item(cause: str, *others: str, **more: Any) -> dict[str, Any]:
    return {"cause": cause, "accepted": [cause, *others], **more}


def found(*symptoms: tuple[str, float]) -> Diagnosis:
    findings = tuple(Finding(name, confidence, "says") for name, confidence in symptoms)
    return Diagnosis("a", findings[0].symptom if findings else "healthy", findings)


def answers(*words: str) -> list[list[frozenset[str]]]:
    return [[frozenset(word.split("|"))] if word else [] for word in words]


ITEMS = [item("overfitting"), item("healthy"), item("memorisation", "overfitting"), item("unstable")]


def test_silence_is_healthy_and_a_word_is_right_with_any_of_its_names() -> None:
    row = summary(ITEMS, answers("overfitting|memorisation", "", "overfitting", "diverged"))
    assert row["accepted"] == 3 / 4
    assert row["strict"] == 2 / 4
    assert row["n"] == 4


def test_macro_f1_by_hand_leaves_out_what_might_be_called_so() -> None:
    said = answers("overfitting", "overfitting", "overfitting", "")
    yes, no = 2 * 1 / (1 + 2), 2 * 1 / (2 + 1)  # of overfitting, healthy and unstable; memorisation is left out
    assert macro_f1(ITEMS, said, OVER) == pytest.approx((yes + no) / 2)
    assert macro_f1(ITEMS[1:2], said[1:2], OVER) is None


def test_precision_and_recall_are_of_all_findings() -> None:
    said = [found(("unstable", 0.9), ("overfitting", 0.6)), found(("overfitting", 0.7)), found(), found()]
    row = per_symptom(ITEMS, said)["overfitting"]
    assert (row["precision"], row["recall"], row["f1"]) == (1 / 2, 1.0, pytest.approx(2 / 3))
    assert (row["planted"], row["said"]) == (1, 2)


def test_calibration_holds_every_finding_once() -> None:
    said = [found(("overfitting", c)) for c in (0.5, 0.55, 0.9, 0.95)]
    bins = calibration([item("overfitting")] * 3 + [item("healthy")], said)
    assert bins["sure"] == {"from": 0.9, "hold": 1 / 2, "n": 2}
    assert [b["n"] for b in bins["all"]] == [2, 1, 1]
    (joined,) = bins["symptoms"]["overfitting"]
    assert (joined["from"], joined["to"], joined["n"]) == (0.5, 1.0, 4)
    assert joined["hold"] == pytest.approx(3 / 4)


def test_the_lead_is_over_the_best_rival_in_each_figure() -> None:
    rows = [(0.9, 0.8, None), (0.5, 0.85, 0.4), (0.6, 0.1, 0.4)]
    keys = ("accepted", "f1_overfitting", "f1_underfitting")
    table = {name: dict(zip(keys, row, strict=True)) for name, row in zip(("us", "a", "b"), rows, strict=True)}
    lead = ahead(table, "us")
    assert lead["accepted"] == {"by": pytest.approx(0.3), "best_rival": "b"}
    assert lead["f1_overfitting"] == {"by": pytest.approx(-0.05), "best_rival": "a"}
    assert lead["f1_underfitting"] is None


def curves(train: Any, val: Any) -> Shown:
    t, v = np.asarray(train, float), np.asarray(val, float)
    return Shown(np.arange(1, len(t) + 1), t, np.arange(1, len(v) + 1), v)


FALLING = np.linspace(2.0, 1.0, 31)


@pytest.mark.parametrize(
    ("rule", "yes", "no"),
    [
        ("last > 1.05 best", curves(FALLING, [2, 1, 1.06]), curves(FALLING, [2, 1, 1.05])),
        ("patience 10", curves(FALLING, [1.0] * 11), curves(FALLING, [1.0] * 10)),
        ("SageMaker overfit", curves([1, 1], [1.2, 1.1]), curves([1, 1], [1.09, 1.1])),
        ("SageMaker overtraining", curves([1.0] * 7, [1.0] * 7), curves([1.0] * 6, [1.0] * 6)),
        ("SageMaker not decreasing", curves([1.0] * 11, [1.0]), curves(FALLING, FALLING)),
        ("SageMaker not decreasing", curves([1.0] * 10 + [1.06], [1.0]), curves([1.0] * 10 + [1.04], [1.0])),
    ],
)
def test_a_rule_speaks_where_its_document_says(rule: str, yes: Shown, no: Shown) -> None:
    assert RULES[rule](yes)
    assert RULES[rule](no) == []


def test_a_perturbed_history_stays_the_same_run() -> None:
    losses = [2.0, 1.5, 1.2, 1.1, 1.0, 0.9, 0.8, 0.7]
    run = item("healthy", train_loss=losses, val_loss=losses, config={"lr": 0.1, "schedule": "constant"})
    (short,) = of_length([run], 5)
    assert len(short["epoch"]) == 5
    assert (short["epoch"][0], short["epoch"][-1]) == (1, 8)
    assert short["val_loss"] == [losses[epoch - 1] for epoch in short["epoch"]]
    assert of_length([run], 10) == []
    (noisy,) = with_noise([run], 0.05)
    assert noisy["accepted"] == ["healthy", "noisy_validation"]
    assert noisy["val_loss"] == with_noise([run], 0.05)[0]["val_loss"] != losses
    stepwise = shown({**run, "train_loss": losses * 2, "steps_per_epoch": 2})
    assert stepwise.val_steps.tolist() == list(range(2, 17, 2))
    assert len(stepwise.train_steps) == 16
