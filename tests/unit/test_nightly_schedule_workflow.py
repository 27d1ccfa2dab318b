"""The CI files: against the schemas of GitHub and GitLab, and their scripts as bash runs them."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "deploy" / "nightly" / "github-actions.yml"
SCHEMAS = {"github": "vendor.github-workflows", "gitlab": "vendor.gitlab-ci"}

FAKE_TUNER = """#!/bin/sh
echo "$@" >> asked
case "$1 $3" in
  "nightly --json") echo '{"night": "2026-11-21-7f3a9c21"}'; exit "${CODE:-0}";;
  "nights ") echo "no page, the history";;
esac
"""


def checked(form: str, file: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", SCHEMAS[form], str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def steps() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]["nightly"]["steps"]
    return found


def step(name: str) -> dict[str, Any]:
    return next(one for one in steps() if one.get("name") == name)


def snippet() -> str:
    page = (ROOT / "docs" / "nightly.md").read_text(encoding="utf-8")
    found = re.search(r"```yaml\n(# \.gitlab-ci\.yml\n.+?)```", page, re.DOTALL)
    assert found, "docs/nightly.md shows no .gitlab-ci.yml any more"
    return found[1]


def test_github_accepts_the_workflow(tmp_path: Path) -> None:
    done = checked("github", WORKFLOW)
    assert done.returncode == 0, done.stdout + done.stderr
    wrong = tmp_path / "nightly.yml"
    wrong.write_text(WORKFLOW.read_text(encoding="utf-8").replace("runs-on:", "runs_on:"))
    assert checked("github", wrong).returncode != 0


def test_gitlab_accepts_the_snippet(tmp_path: Path) -> None:
    file = tmp_path / ".gitlab-ci.yml"
    file.write_text(snippet(), encoding="utf-8")
    done = checked("gitlab", file)
    assert done.returncode == 0, done.stdout + done.stderr
    file.write_text(snippet().replace("script:", "scripts:"), encoding="utf-8")
    assert checked("gitlab", file).returncode != 0


def test_commits_and_nights_are_there_and_kept_whatever_the_verdict() -> None:
    (checkout,) = [one for one in steps() if one.get("uses", "").startswith("actions/checkout@")]
    assert checkout["with"]["fetch-depth"] == 0
    kept, brought = step("Keep the nights"), step("Bring back the nights so far")
    assert kept["if"] == "always()"
    assert kept["with"]["key"] == brought["with"]["key"]
    assert kept["with"]["key"].startswith(brought["with"]["restore-keys"])
    assert kept["with"]["path"] == brought["with"]["path"], "a cache is found again by its paths"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    program = tmp_path / "bin" / "tuner"
    program.parent.mkdir()
    program.write_text(FAKE_TUNER)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "runs" / "digits-mlp-nights").mkdir(parents=True)
    return tmp_path


def run(name: str, folder: Path, **variables: str) -> int:
    """As GitHub runs a step with `shell: bash`."""
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step(name)["run"]]
    summary = str(folder / "summary.md")
    path = f"{folder / 'bin'}:{Path(sys.executable).parent}:/usr/bin:/bin"
    given = {
        "PATH": path,
        "SWEEP": "digits_mlp",
        "GITHUB_STEP_SUMMARY": summary,
        "MLFLOW_TRACKING_URI": "",
        **variables,
    }
    return subprocess.run(command, cwd=folder, env=given, capture_output=True, check=False).returncode


@pytest.mark.parametrize("code", [0, 3, 4])
def test_the_exit_code_of_the_night_is_that_of_the_step(code: int, checkout: Path) -> None:
    assert run("Run the night", checkout, ACCEPT="", CODE=str(code)) == code
    assert json.loads((checkout / "night.json").read_text())["night"] == "2026-11-21-7f3a9c21"


def test_a_night_is_accepted_instead(checkout: Path) -> None:
    assert run("Run the night", checkout, ACCEPT="2026-11-20-aa aa", CODE="4") == 0
    assert (checkout / "asked").read_text() == "nightly digits_mlp --accept 2026-11-20-aa aa\n"


def test_the_summary_is_the_night_s_own_page(checkout: Path) -> None:
    for day in ("2026-11-20-7f3a9c21", "2026-11-21-7f3a9c21"):
        for kind in ("md", "html", "json"):
            (checkout / "runs" / "digits-mlp-nights" / f"{day}.{kind}").write_text(f"{kind} of {day}\n")
    run("Run the night", checkout, ACCEPT="", CODE="4")
    assert run("Show the verdict", checkout) == 0
    assert (checkout / "summary.md").read_text() == "md of 2026-11-21-7f3a9c21\n"
    handed_out = {path.name for path in (checkout / "night").iterdir()}
    assert handed_out == {"night.json", "2026-11-21-7f3a9c21.md", "2026-11-21-7f3a9c21.html"}


def test_a_night_that_left_nothing_shows_the_history(checkout: Path) -> None:
    assert run("Show the verdict", checkout) == 0
    assert (checkout / "summary.md").read_text() == "no page, the history\n"
