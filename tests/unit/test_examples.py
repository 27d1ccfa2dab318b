"""The examples run, their sweep files have no faults, and the page on one's own code shows what they are."""

from __future__ import annotations

import difflib
import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tuner

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PAGE = ROOT / "docs" / "your_own_code.md"
SWEEPS = sorted(path.stem for path in EXAMPLES.glob("*.yaml"))
OTHERS = ("lightning_digits", "transformers_tiny")


def diff() -> list[str]:
    """The lines of `diff -u`, without the two that name the files."""
    before, after = ((EXAMPLES / name).read_text().splitlines() for name in ("script_before.py", "script_after.py"))
    return list(difflib.unified_diff(before, after, lineterm="", n=1))[2:]


def test_each_sweep_has_its_code_beside_it() -> None:
    assert set(SWEEPS) == {"own_model", "own_task", "own_loop", *OTHERS}
    assert all((EXAMPLES / f"{name}.py").is_file() for name in SWEEPS)


@pytest.mark.parametrize("name", [name for name in SWEEPS if name not in OTHERS])
def test_an_example_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_briefly(name, tmp_path, monkeypatch, trials=2)


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.filterwarnings("ignore:.*LeafSpec.*", "ignore:.*does not have many workers.*")
def test_an_example_with_a_trainer_of_others_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_briefly(name, tmp_path, monkeypatch, trials=1)


def run_briefly(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trials: int) -> None:
    monkeypatch.chdir(ROOT)
    sweep = EXAMPLES / f"{name}.yaml"
    result = tuner.run(sweep, trials=trials, max_epochs=2, address="none", track=False, runs=tmp_path)
    assert result.status == "finished"
    assert result.best is not None
    assert [trial.failure for trial in result.record.trials] == [""] * trials


def test_a_script_becomes_a_sweep_in_ten_lines() -> None:
    changed = [line for line in diff() if line[:1] in "+-"]
    added = [line for line in changed if line[0] == "+"]
    assert 0 < len(added) <= 10
    assert len(changed) - len(added) <= 10


def test_the_page_shows_the_real_difference() -> None:
    (shown,) = re.findall(r"```diff\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert shown.splitlines() == diff()


def test_the_page_quotes_the_examples_as_they_are() -> None:
    quoted = re.findall(r"<!-- (examples/\S+) -->\n```\w+\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert {path for path, _ in quoted} >= {"examples/own_model.py", "examples/own_task.py", "examples/own_loop.py"}
    for path, text in quoted:
        for part in re.split(r"^ *…\n", text, flags=re.MULTILINE):  # `…` stands for what is left out
            assert part in (ROOT / path).read_text(encoding="utf-8"), f"{path} has no:\n{part}"


def test_the_script_runs_as_it_was(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, EXAMPLES / "script_before.py", "--epochs", "1"], capture_output=True, text=True, check=True
    )
    assert said.stdout.startswith("epoch 1: train_loss")


def test_the_script_is_tuned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it stands, but for MLflow and the number of trials."""
    seen: list[tuner.Result] = []
    whole = tuner.run

    def fewer(loop: Any, **given: Any) -> tuner.Result:
        seen.append(whole(loop, **(given | {"trials": 2, "track": False, "runs": tmp_path})))
        return seen[0]

    script = importlib.import_module("examples.script_after")
    source = (EXAMPLES / "script_after.py").read_text().split('if __name__ == "__main__":\n')[1]
    monkeypatch.setattr(tuner, "run", fewer, raising=False)
    exec(compile("if True:\n" + source, "script_after.py", "exec"), vars(script))
    assert [trial.failure for trial in seen[0].record.trials] == ["", ""]
    assert seen[0].best is not None
    assert set(seen[0].best.config) == {"lr", "width"}
