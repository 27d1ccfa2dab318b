"""Names and docs cannot drift: the README, the reference page, the map and the change log against the code."""

from __future__ import annotations

import re
import runpy
import tomllib
from importlib.metadata import version
from pathlib import Path

from packaging.requirements import Requirement

import tuner
from tuner import cli

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_readme_shows_every_command_and_no_other() -> None:
    shown = set(re.findall(r"^\$ tuner (\S+)", README.read_text(encoding="utf-8"), re.MULTILINE))
    assert shown, "no `$ tuner ...` line found: has the README changed its form?"
    assert shown == set(cli.COMMANDS)


def test_the_readme_names_make_targets_that_there_are() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+(?:-[a-z]+)*)\b(?=`|\s+#)", README.read_text(encoding="utf-8")))
    assert {"sweep", "test"} <= named
    assert named <= targets


def test_the_reference_page_is_the_public_api() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    documented = re.findall(r"^### `tuner\.(\w+)`", page, re.MULTILINE)
    assert documented, "docs/api.md has no ### `tuner.Name` heading"
    assert sorted(documented) == sorted(tuner.__all__)
    written = runpy.run_path(str(ROOT / "docs" / "write_api_page.py"))["page"]()
    assert page == written, "python docs/write_api_page.py brings docs/api.md up to date"


def test_every_public_name_is_there() -> None:
    assert tuner.__all__
    assert [name for name in tuner.__all__ if not hasattr(tuner, name)] == []


def test_the_map_names_every_room() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {path.stem for path in (ROOT / "tuner").iterdir() if not path.name.startswith("_")}
    assert {"records", "cli"} <= rooms
    assert {room for room in rooms if f"`{room}" not in page} == set()


def test_the_versions_agree() -> None:
    assert tuner.__version__ == PROJECT["version"] == version("tuner")


def test_the_change_log_has_an_unreleased_part() -> None:
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"


def test_every_requirement_is_pinned_within_its_range() -> None:
    rows = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(row.lower().replace("_", "-").split("==") for row in rows if row and not row.startswith("#"))
    wanted = [*PROJECT["dependencies"], *(row for extra in PROJECT["optional-dependencies"].values() for row in extra)]
    assert wanted
    for requirement in map(Requirement, wanted):
        name = requirement.name.lower().replace("_", "-")
        assert requirement.specifier.contains(pins[name]), f"{requirement} against {pins[name]}"


def test_every_benchmark_is_in_the_makefile_and_in_its_table_with_the_same_settings() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    listed = re.findall(r"^BENCHMARKS := (.+)$", makefile, re.MULTILINE)[0].split()
    needing = re.findall(r"^NEEDS_DATA := (.+)$", makefile, re.MULTILINE)[0].split()
    settings = dict(re.findall(r"^SETTINGS_(\w+) := (.+)$", makefile, re.MULTILINE))
    page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in re.findall(r"^\| `.+$", page, re.MULTILINE)]
    told = {row[0].split("`")[1].removesuffix(".py"): row for row in rows}
    assert set(told) == set(listed)
    assert {name for name, row in told.items() if row[0].endswith("*")} == set(needing)
    assert {name: row[3].strip("`") for name, row in told.items() if row[3]} == settings
    commands = {path.stem for path in (ROOT / "benchmarks").glob("*.py") if "__main__" in path.read_text("utf-8")}
    assert commands - set(listed) == {"catalogue", "diagnosis_corpus", "diagnosis_limits", "nightly_trainings"}, (
        "commands of their own"
    )
