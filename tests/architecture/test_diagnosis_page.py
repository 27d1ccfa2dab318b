"""docs/diagnosis.md against the code: each symptom with its picture, each sweep finding, the tables of its figures."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path

from tuner.diagnosis.sweep import ORDER as SWEEP_FINDINGS
from tuner.diagnosis.symptoms import ORDER

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "diagnosis.md").read_text(encoding="utf-8")
LARGEST = 600_000
"""Bytes of all pictures together."""


def test_every_symptom_has_its_section_in_the_order_of_the_code() -> None:
    sections = re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)
    assert sections == [module.NAME for module in ORDER]


def test_every_picture_is_there_and_small() -> None:
    named = set(re.findall(r"\]\(diagnosis/([\w.]+)\)", PAGE))
    files = {path.name: path for path in (ROOT / "docs" / "diagnosis").iterdir()}
    assert named == set(files) == {f"{name}.svg" for name in ("healthy", *(module.NAME for module in ORDER))}
    assert sum(path.stat().st_size for path in files.values()) < LARGEST


def test_every_finding_on_a_sweep_is_named() -> None:
    assert SWEEP_FINDINGS
    for module in SWEEP_FINDINGS:
        assert f"| `{module.__name__.rsplit('.', 1)[1]}` |" in PAGE


def test_the_tables_are_those_of_the_figures() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "write_diagnosis_page.py"))
    figures = json.loads((ROOT / "docs" / "diagnosis_figures.json").read_text(encoding="utf-8"))
    tables = script["blocks"](figures)
    assert {"half", "symptoms", "noise", "length", "sweep"} <= tables.keys()
    assert set(tables) <= {name for _, name, _ in script["BLOCK"].findall(PAGE)}
    assert script["written"](PAGE, tables) == PAGE, "python docs/write_diagnosis_page.py writes them anew"
