"""Recorded curves keep the verdict that a reader of their plots gave them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tuner.diagnosis import diagnose
from tuner.importers import history_from_mapping

RECORDED: list[dict[str, Any]] = json.loads((Path(__file__).parent / "recorded.json").read_text())


@pytest.mark.parametrize("curve", RECORDED, ids=[curve["id"] for curve in RECORDED])
def test_the_verdict_is_the_recorded_one(curve: dict[str, Any]) -> None:
    diagnosis = diagnose([history_from_mapping(curve)])[0]
    assert diagnosis.verdict == curve["expected"], [finding.says for finding in diagnosis.findings]


def test_there_are_a_dozen_and_every_kind() -> None:
    assert len(RECORDED) >= 12
    assert {curve["expected"] for curve in RECORDED} >= {"healthy", "overfitting", "undertrained", "diverged"}
