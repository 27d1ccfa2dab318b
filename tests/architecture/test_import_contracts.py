"""The rooms' order and who may import what: the contracts in pyproject.toml, run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_import_contracts_hold() -> None:
    lint = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", lint], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "Contracts:" in done.stdout, done.stderr
    assert done.returncode == 0, done.stdout


HEAVY = (
    "torch",
    "torchvision",
    "ray",
    "mlflow",
    "optuna",
    "pandas",
    "pyarrow",
    "sklearn",
    "scipy",
    "lightning",
    "transformers",
)


@pytest.mark.parametrize("module", ["tuner", "tuner.cli", "tuner.sweep", "tuner.training.catalogue"])
def test_what_answers_at_once_imports_nothing_heavy(module: str) -> None:
    """`tuner --help` and `tuner check` answer at once, because nothing heavy is imported until it is used."""
    show = f"import sys, {module}; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", show], cwd=ROOT, capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert module in imported
    assert not imported.intersection(HEAVY)
