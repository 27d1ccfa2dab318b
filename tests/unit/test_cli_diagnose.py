"""`tuner diagnose` on the command line: several sources, --json alone on stdout, --plot, and what cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tuner.cli import app
from tuner.errors import InputError

FILES = Path(__file__).parents[1] / "data" / "histories"


def tuner(*words: object) -> tuple[str, str]:
    done = CliRunner().invoke(app(), ["diagnose", *map(str, words)], catch_exceptions=False)
    return done.stdout, done.stderr


def test_several_sources_at_once_as_json() -> None:
    out, err = tuner(FILES / "keras_log.csv", FILES / "tensorboard", "--json")
    assert [found["id"] for found in json.loads(out)["histories"]] == ["keras_log", "by_epoch", "parts"]
    assert err == ""


def test_plot_writes_a_page_and_says_where_on_standard_error(tmp_path: Path) -> None:
    page = tmp_path / "out.html"
    out, err = tuner(FILES / "huggingface_trainer_state.json", "--plot", page, "--json")
    assert json.loads(out)["histories"][0]["verdict"] == "overfitting"
    assert err == f"drawn: {page}\n"
    assert 'class="since"' in page.read_text()


def test_a_page_that_cannot_be_written_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--plot"):
        tuner(FILES / "keras_log.csv", "--plot", tmp_path / "nowhere" / "out.html")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere.csv"], "there is no such file"),
        (["mlflow:digits", "--uri", "sqlite:///nowhere.db"], "no such MLflow store"),
        (["no_run_of_that_name"], "no such run"),
    ],
)
def test_what_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=said):
        tuner(*words)
    assert list(tmp_path.iterdir()) == [], "asking makes no database"
