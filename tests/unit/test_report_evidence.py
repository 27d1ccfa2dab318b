"""Every number behind a finding is told in words and with its unit."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import tuner.diagnosis
from tuner.records.finding import Finding
from tuner.report.evidence import WORDS, told

HOME = Path(tuner.diagnosis.__file__).parent


def named() -> dict[str, set[str]]:
    """Symptom -> the names of its evidence, as `diagnosis` writes them: in a call of Hits, or as `evidence`."""
    found: dict[str, set[str]] = {}
    for path in [*(HOME / "symptoms").glob("*.py"), *(HOME / "sweep").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                given = [word.value for word in node.keywords if word.arg == "evidence"]
                if isinstance(node.func, ast.Name) and node.func.id == "Hits":
                    given += node.args[2:]
                for one in given:
                    if isinstance(one, ast.Dict):
                        keys = {key.value for key in one.keys if isinstance(key, ast.Constant)}
                        found.setdefault(path.stem, set()).update(str(key) for key in keys)
    return found


def test_every_number_of_every_finding_has_words_and_no_words_are_left_over() -> None:
    found = named()
    assert len(found) > 20, "no evidence was found in the files: have they changed their form?"
    assert found == {symptom: set(words) for symptom, words in WORDS.items()}


def test_of_a_running_trial_too() -> None:
    keys = {
        key.value
        for node in ast.walk(ast.parse((HOME / "doomed.py").read_text()))
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }
    known = {name for symptom in ("diverged", "not_learning", "overfitting") for name in WORDS[symptom]}
    assert keys - {"diverged", "not_learning", "overfitting"} <= known


@pytest.mark.parametrize(
    ("symptom", "evidence", "said"),
    [
        (
            "overfitting",
            {"val_rise": 0.3695, "best_epoch": 17.0},
            "validation loss 37 % above its best, best at epoch 17",
        ),
        ("diverged", {"not_finite": 1.0, "val_not_finite": 0.0}, "the training loss is not a finite number"),
        ("diverges_above", {"cut": 0.3, "cut at optimizer sgd": 2.7}, "cut at 0.3, cut at optimizer sgd: 2.7"),
        ("slow_steps", {"seconds_waiting": 12.345}, "12.3 s an epoch"),
        ("memorisation", {"gap": float("inf")}, "gap infinite of the best validation loss"),
        ("of another version", {"odd": 0.5}, "odd 0.5"),
        ("stopped_too_early", {"low": 0.1, "high": 0.5, "trials": 50.0}, "90 % interval from 0.1 to 0.5 of 50 trials"),
        ("not_learning", {"learnt": -8e-6}, "0 % of the way from knowing nothing to a loss of 0"),
        ("plateau", {}, ""),
    ],
)
def test_a_share_is_told_in_per_cent_and_time_in_seconds(symptom: str, evidence: dict[str, float], said: str) -> None:
    assert told(Finding(symptom, 0.9, "says", None, evidence)) == said
