"""docs/diagnose_inputs.md shows a command for every kind of input, with the verdict that it gives today."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tuner.diagnosis import diagnose
from tuner.importers import read_histories
from tuner.report.terminal import verdict_text

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "diagnose_inputs.md").read_text(encoding="utf-8")
SHOWN = dict(re.findall(r"^\$ tuner diagnose (\S+)\n(\S.*)$", PAGE, re.MULTILINE))
FILES = [name for name in SHOWN if name.startswith("tests/data/histories/")]


def test_every_kind_of_input_has_its_command() -> None:
    files = {"examples.json", "examples.jsonl", "examples.csv", "many.csv"}
    assert files | {"mlflow:digits-mlp", "mlflow:0001", "digits-mlp"} <= SHOWN.keys()
    tools = ("tensorboard", "lightning", "huggingface", "keras_history.json", "keras_log.csv")
    assert all(any(tool in name for name in FILES) for tool in tools)


@pytest.mark.parametrize("name", FILES)
def test_the_output_begins_as_the_command_would(name: str) -> None:
    histories = read_histories(ROOT / name)
    first = diagnose(histories)[0]
    assert SHOWN[name] == f"{first.id}  {verdict_text(first.verdict).plain}", "python docs/run_diagnose_inputs.py"
