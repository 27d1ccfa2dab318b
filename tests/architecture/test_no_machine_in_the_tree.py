"""A checkout works anywhere: no file names a folder of one machine, a registry's address or the data beside it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FOLDERS = re.compile(r"(?<![\w./:~$*}-])/(?:home|root|tmp|work|opt|mnt|srv|var|Users|private|content|data)/\w")
REGISTRIES = re.compile(
    r"pypi\.org|python[h]osted|npmjs\.(?:org|com)|registry\.yarnpkg|deb\.debian|archive\.ubuntu"
    r"|download\.pytorch|conda\.anaconda|(?:index|find)-(?:url|links)"
)
BESIDE = re.compile(r"shared/(?:data|recipes)|\.\./shared")


def tracked() -> Iterator[tuple[str, str]]:
    """The path and the text of each file that git knows; binary ones are left out."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for path in filter(None, listed.stdout.split("\0")):
        file = ROOT / path
        if file.is_file() and file.stat().st_size < 2**21:
            try:
                yield path, file.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def lines(pattern: re.Pattern[str]) -> list[str]:
    files = dict(tracked())
    assert {"pyproject.toml", "tuner/errors.py"} <= files.keys()
    return [
        f"{path}:{number}: {line.strip()[:120]}"
        for path, text in files.items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_folder_of_one_machine() -> None:
    assert FOLDERS.search("root = '" + "/home/" + "me'"), "the pattern finds nothing any more"
    assert lines(FOLDERS) == []


def test_no_file_names_a_registry() -> None:
    assert lines(REGISTRIES) == []


def test_the_data_beside_the_checkout_is_named_by_ci_alone() -> None:
    found = {line.split(":", 1)[0] for line in lines(BESIDE)}
    assert found - {"tests/architecture/test_no_machine_in_the_tree.py"} == {".ci/run"}
