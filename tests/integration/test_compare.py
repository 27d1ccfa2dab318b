"""Two real sweeps that differ in one bound: the comparison says exactly that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from drill_kit import finish, start

SWEEP = {
    "name": "tiny",
    "task": "digits",
    "model": "mlp",
    "data": {"limit": 300},
    "space": {"lr": {"float": [1e-5, 1.0], "log": True}},
    "fixed": {"width": 8, "depth": 1, "batch_size": 32},
    "search": {"algorithm": "random", "trials": 2, "max_epochs": 2},
    "tracking": {"uri": "none"},
}


@pytest.mark.slow
def test_two_sweeps_that_differ_in_one_bound(tmp_path: Path) -> None:
    for name, bound in (("wide", [1e-5, 1.0]), ("narrow", [1e-4, 0.1])):
        told = SWEEP | {"space": {"lr": {"float": bound, "log": True}}}
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(told, sort_keys=False))
        finish(start(tmp_path, "run", f"{name}.yaml", "--address", "none", "--run-name", name), tmp_path)
    out = finish(start(tmp_path, "compare", "wide", "narrow", "--json", "--html", "page.html"), tmp_path)
    found = json.loads(out)
    assert found["differences"] == {
        "settings": {"space.lr": {"A": "1e-05 to 1 (log)", "B": "0.0001 to 0.1 (log)"}},
        "of_the_run": {},
        "conditions": {},
        "packages": {},
    }
    shown = finish(start(tmp_path, "compare", "wide", "narrow"), tmp_path)
    told = [line.strip() for line in shown.splitlines() if "→" in line]
    assert told == ["space.lr: 1e-05 to 1 (log) → 0.0001 to 0.1 (log)"]
    assert "space.lr" in (tmp_path / "page.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_run_beside_what_mlflow_keeps_of_it(tmp_path: Path) -> None:
    told = {name: value for name, value in SWEEP.items() if name != "tracking"}
    told["search"] = {"algorithm": "random", "trials": 3, "max_epochs": 2, "finalists": {"top": 1, "seeds": 2}}
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(told, sort_keys=False))
    finish(start(tmp_path, "run", "small.yaml", "--address", "none", "--run-name", "small"), tmp_path)
    out = finish(start(tmp_path, "compare", "small", "mlflow:small", "--json"), tmp_path)
    found = json.loads(out)
    ours, theirs = found["sides"]["A"], found["sides"]["B"]
    assert found["level"] == "same"
    assert (theirs["source"], theirs["trials"], theirs["verdicts"]) == ("mlflow", ours["trials"], ours["verdicts"])
    assert theirs["epochs"] == ours["epochs"]
    assert theirs["best"]["value"] == pytest.approx(ours["best"]["value"])
    assert theirs["best"]["interval"] == pytest.approx(ours["best"]["interval"])
    assert found["differences"]["settings"] == {}
    assert found["differences"]["packages"] == {}
    assert found["notes"] == []
    finish(start(tmp_path, "run", "small.yaml", "--address", "none", "--run-name", "again"), tmp_path)
    both = json.loads(finish(start(tmp_path, "compare", "mlflow:tiny", "small", "--json"), tmp_path))
    assert both["sides"]["A"]["trials"]["total"] == 6
    assert both["notes"][0].startswith("A: 2 sweeps of this experiment are taken together")
