"""docs/nightly.md against the code: its section is read, whole, and its verdicts are those that there are."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from sweep_kit import read

from tuner.records.night import VERDICTS
from tuner.sweep.sections import BudgetSection, NightlySection, NotifySection

PAGE = (Path(__file__).parents[2] / "docs" / "nightly.md").read_text(encoding="utf-8")
SWEEP = "task: digits\nmodel: mlp\nspace:\n  lr: {float: [1e-4, 1], log: true}\n  batch_size: {choice: [32, 64]}\n"


def section() -> str:
    found = re.search(r"```yaml\n(nightly:\n.+?)```", PAGE, re.DOTALL)
    assert found, "the page shows no section any more"
    return found[1]


def test_the_section_is_read() -> None:
    nightly = read(SWEEP + section()).nightly
    assert nightly.control == {"lr": 0.001, "batch_size": 64}
    assert (nightly.budget.hours, nightly.minimum_share, nightly.false_alarms) == (6, 0.02, 0.01)


def test_the_section_is_whole_and_its_numbers_are_the_defaults() -> None:
    shown = yaml.safe_load(section())["nightly"]
    assert set(shown) == set(NightlySection.model_fields)
    assert set(shown["budget"]) == set(BudgetSection.model_fields)
    assert set(shown["notify"]) == set(NotifySection.model_fields)
    for name in ("seeds", "noise_seeds", "window", "keep", "when_running"):
        assert shown[name] == NightlySection.model_fields[name].default


def test_every_verdict_has_its_row_with_an_exit_code() -> None:
    rows = dict(re.findall(r"^\| ([A-Z]+) \|.*\| (\d) \|$", PAGE, re.MULTILINE))
    assert set(rows) == set(VERDICTS)
    assert {name: code for name, code in rows.items() if code != "0"} == {"INCOMPLETE": "3", "REGRESSED": "4"}
