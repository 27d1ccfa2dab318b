"""What a night runs with: the code by its files' contents, packages, machine, settings without secrets."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tuner.api.environment import environment, git_state, installed
from tuner.nightly.code_state import MOST_FILES, code_state, module_files
from tuner.nightly.conditions import conditions, settings_of
from tuner.sweep import Sweep, Tracking, parse_sweep
from tuner.training.catalogue import CATALOGUE

Git = Callable[..., str]

FILE = """
name: digits
task: digits
space: {lr: {float: [1e-4, 1], log: true}, model: {choice: {mlp: {depth: {int: [1, 3]}}, softmax: {}}}}
fixed: {split: [0.8, 0.1, 0.1]}
search: {trials: 4, max_epochs: 5}
"""


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """A repository with one committed file, `train.py`."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")

    def run(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()

    run("init", "-q", "-b", "main")
    (tmp_path / "train.py").write_text("lr = 0.1\n")
    run("add", ".")
    run("commit", "-q", "-m", "Begin")
    return run


def sweep() -> Sweep:
    return parse_sweep(FILE, path="a.yaml", catalogue=CATALOGUE)


def state(folder: Path, *names: str) -> dict[str, Any]:
    found = code_state(folder, names)
    assert found is not None
    return found


def test_a_clean_repository_is_its_commit(git: Git, tmp_path: Path) -> None:
    nothing: dict[str, Any] = {"dirty": False, "diff": "", "files": {}, "modules": {}}
    assert code_state(tmp_path, ["train:loop"]) == {"commit": git("rev-parse", "HEAD"), **nothing}


def test_edits_and_untracked_python_files_count_and_other_new_files_do_not(git: Git, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("milk")
    assert not state(tmp_path)["dirty"]
    (tmp_path / "train.py").write_text("lr = 0.2\n")
    edited = state(tmp_path)
    assert (edited["dirty"], list(edited["files"])) == (True, ["train.py"])
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "nets.py").write_text("width = 3\n")
    more = state(tmp_path)
    assert list(more["files"]) == ["deep/nets.py", "train.py"]
    assert more["diff"] != edited["diff"]
    assert state(tmp_path / "deep") == more, "the same from a folder below"


def test_the_same_edit_has_the_same_hash_and_undoing_it_is_clean_again(git: Git, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("lr = 0.2\n")
    first = state(tmp_path)
    (tmp_path / "train.py").write_text("lr = 0.1\n")
    assert not state(tmp_path)["dirty"]
    (tmp_path / "train.py").write_text("lr = 0.2\n")
    assert state(tmp_path) == first


def test_a_persons_settings_of_git_change_no_hash(git: Git, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("lr = 0.2\n")
    before = state(tmp_path)
    for name, value in (("color.ui", "always"), ("diff.noprefix", "true"), ("diff.external", "/bin/false")):
        git("config", name, value)
    git("config", "diff.relative", "true")
    (tmp_path / "deep").mkdir()
    assert state(tmp_path) == state(tmp_path / "deep") == before


def test_a_deleted_file_a_link_and_odd_names_are_told(git: Git, tmp_path: Path) -> None:
    (tmp_path / "train.py").unlink()
    (tmp_path / "ü \n.py").write_text("x = 1\n")
    (tmp_path / "gone.py").symlink_to("nowhere.py")
    files = state(tmp_path)["files"]
    assert files["train.py"] == "deleted"
    assert set(files) == {"train.py", "ü \n.py", "gone.py"}
    assert files["gone.py"] != "deleted"


def test_of_many_files_some_are_named_and_all_are_hashed(git: Git, tmp_path: Path) -> None:
    for number in range(MOST_FILES + 5):
        (tmp_path / f"f{number:03d}.py").write_text("x = 1\n")
    before = state(tmp_path)
    assert len(before["files"]) == MOST_FILES
    (tmp_path / f"f{MOST_FILES + 3:03d}.py").write_text("x = 2\n")
    after = state(tmp_path)
    assert after["files"] == before["files"]
    assert after["diff"] != before["diff"]


def test_outside_a_repository_nothing_is_known_but_the_modules_that_the_sweep_names(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import nets\n")
    (tmp_path / "nets.py").write_text("width = 3\n")
    assert code_state(tmp_path) is None
    assert code_state(tmp_path, ["elsewhere.train:loop"]) is None
    before = state(tmp_path, "train:loop")
    assert (before["commit"], before["dirty"], list(before["modules"])) == (None, False, ["nets.py", "train.py"])
    (tmp_path / "nets.py").write_text("width = 4\n")
    assert state(tmp_path, "train:loop")["diff"] != before["diff"]


def test_a_module_that_git_ignores_is_hashed_all_the_same(git: Git, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine/\n")
    git("add", ".gitignore")
    git("commit", "-q", "-m", "Ignore mine")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "nets.py").write_text("width = 3\n")
    assert state(tmp_path)["files"] == {}
    before = state(tmp_path, "mine.nets:build", "train:loop")
    assert list(before["modules"]) == ["mine/nets.py"], "train.py is committed"
    assert not before["dirty"]
    (tmp_path / "mine" / "nets.py").write_text("width = 4\n")
    assert state(tmp_path, "mine.nets:build")["diff"] != before["diff"]


def test_files_of_a_package_and_of_a_module_that_stands_alone(tmp_path: Path) -> None:
    (tmp_path / "pkg" / "deep").mkdir(parents=True)
    for name in ("pkg/__init__.py", "pkg/deep/a.py", "pkg/data.txt", "alone.py", "beside.py"):
        (tmp_path / name).touch()
    assert list(module_files(tmp_path, ["pkg.deep.a:f"])) == ["pkg/__init__.py", "pkg/deep/a.py"]
    assert list(module_files(tmp_path, ["alone:f"])) == ["alone.py", "beside.py"]
    assert module_files(tmp_path, ["../x:f", "", "no such:f", "absent:f", "__main__:f"]) == {}
    assert module_files(tmp_path, ["json:loads", "numpy:sum", "sys:exit"]) == {}, "their versions say what they are"


def test_a_module_that_lies_elsewhere_on_the_path_is_hashed(
    git: Git, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one is that was installed to be edited: its version stays the same."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "far_away_nets").mkdir()
    (elsewhere / "far_away_nets" / "__init__.py").write_text("raise SystemExit('it is not to be imported')\n")
    monkeypatch.syspath_prepend(str(elsewhere))
    before = state(tmp_path, "far_away_nets:build")
    assert (list(before["modules"]), before["dirty"]) == (["far_away_nets/__init__.py"], False)
    (elsewhere / "far_away_nets" / "__init__.py").write_text("x = 1\n")
    assert state(tmp_path, "far_away_nets:build")["diff"] != before["diff"]


def test_every_installed_distribution_with_its_version() -> None:
    found = installed()
    assert found["scikit-learn"] == version("scikit-learn")
    assert found["hypothesis"] == version("hypothesis")
    assert list(found) == sorted(found)


def test_the_environment_of_a_run_holds_all_packages(tmp_path: Path) -> None:
    told = environment(tmp_path)
    assert told["packages"] == installed()
    assert told["versions"]["torch"] == told["packages"]["torch"]


def test_a_diff_that_is_no_utf8_is_no_clean_tree(git: Git, tmp_path: Path) -> None:
    """Such a diff could not be decoded, was taken for none, and the tree was called clean."""
    (tmp_path / "train.py").write_bytes("# größe\n".encode("latin-1"))
    found = git_state(tmp_path)
    assert found is not None
    assert found["dirty"]
    assert "gr�" in found["diff"]


def test_conditions_are_what_json_gives_back(tmp_path: Path) -> None:
    told = conditions(sweep(), tmp_path, "d" * 64, "NVIDIA H200")
    assert json.loads(json.dumps(asdict(told), allow_nan=False)) == asdict(told)
    assert told.machine["device"] == "NVIDIA H200"
    assert told.packages["python"].startswith("3.")
    assert told.settings["search.trials"] == 4
    assert told.settings["space.lr.float"] == [1e-4, 1]
    assert told.settings["fixed.split"] == [0.8, 0.1, 0.1]
    assert "cores" in conditions(sweep(), tmp_path, None, None).machine["device"]


def test_the_name_of_a_cron_jobs_pod_is_the_same_every_night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "digits-nightly-29384756-x7k2p")
    assert conditions(sweep(), tmp_path, None, "gpu").machine["host"] == "digits-nightly"


def test_settings_hold_no_password_and_no_token() -> None:
    for uri in ("https://ada:s3cret@mlflow.example.org", "https://s3cret@mlflow.example.org/x?token=s3cret"):
        told = settings_of(replace(sweep(), tracking=Tracking(uri)))
        assert "mlflow.example.org" in told["tracking.uri"]
        assert "s3cret" not in json.dumps(told)
