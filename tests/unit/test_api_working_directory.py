"""What a submitted job takes along: the sweep file, its modules and what they import, what is included, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuner.api.user_modules import files_of, named_modules
from tuner.api.working_directory import WorkingDirectory, gather
from tuner.errors import InputError
from tuner.sweep import parse_sweep
from tuner.training.catalogue import CATALOGUE

OWN = "name: own\nloop: project.train:loop\nmetric: val_loss\nspace: {lr: {float: [0.001, 1]}}\nsearch: {trials: 2}\n"


def lay(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def gathered(root: Path, *include: str, sweep: str = OWN, limit: int = 2**20) -> WorkingDirectory:
    lay(root, {"sweep.yaml": sweep})
    read = parse_sweep(sweep, path=root / "sweep.yaml", catalogue=CATALOGUE)
    return gather(read, root / "sweep.yaml", [Path(word) for word in include], root=root, limit=limit)


def names(found: WorkingDirectory) -> list[str]:
    return [str(there) for _, there in found.files]


def test_modules_are_found_in_any_value_and_key_of_the_file() -> None:
    tree = {"task": "a.b:C", "space": {"model": {"choice": ["mlp", {"nets.cnn:build": {"x": 1}}]}}, "name": "not: one"}
    assert named_modules(tree) == {"a.b", "nets.cnn"}


def test_a_sweep_of_the_catalogue_takes_itself_alone(tmp_path: Path) -> None:
    lay(tmp_path, {"other.py": "", "runs/x/journal.jsonl": "", ".git/config": "", "mlflow.db": ""})
    catalogue = (
        "name: d\ntask: digits\nmodel: mlp\nmetric: val_loss\nspace: {lr: {float: [0.001, 1]}}\nsearch: {trials: 2}\n"
    )
    assert names(gathered(tmp_path, sweep=catalogue)) == ["sweep.yaml"]


def test_a_package_goes_whole_and_of_single_modules_what_is_imported(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "project/__init__.py": "",
            "project/train.py": "import numpy\nimport one\nfrom loose.deep import thing\ndef loop(trial): import late",
            "project/nets/by_name.py": "",
            "project/data/loader.py": "",
            "project/weights.bin": "0",
            "project/runs/old.py": "",
            "one.py": "from importlib import import_module\nimport_module('named')",
            "named.py": "",
            "late.py": "from . import nothing",
            "loose/deep/thing.py": "from ..beside import x\nfrom . import sibling",
            "loose/deep/sibling.py": "",
            "loose/beside.py": "x = 1",
            "loose/unused.py": "",
            "unused.py": "",
        },
    )
    assert names(gathered(tmp_path)) == [
        "late.py",
        "loose/beside.py",
        "loose/deep/sibling.py",
        "loose/deep/thing.py",
        "named.py",
        "one.py",
        "project/__init__.py",
        "project/data/loader.py",
        "project/nets/by_name.py",
        "project/train.py",
        "sweep.yaml",
    ]


def test_the_tuner_itself_stays_here(tmp_path: Path) -> None:
    lay(tmp_path, {"tuner/__init__.py": "", "mine.py": "import tuner"})
    assert files_of({"mine"}, tmp_path) == {Path("mine.py")}


def test_source_that_cannot_be_read_is_named_with_its_line(tmp_path: Path) -> None:
    lay(tmp_path, {"mine.py": "x = 1\ndef broken(:\n"})
    with pytest.raises(InputError, match=r"line 2: .*mine\.py"):
        files_of({"mine"}, tmp_path)


def test_an_included_folder_goes_without_what_never_goes(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "project/train.py": "",
            "extra/vocabulary.txt": "a",
            "extra/data/large.bin": "b",
            "extra/.env": "PASSWORD=x",
            "extra/mlflow.db-wal": "",
            "extra/runs/r/journal.jsonl": "",
            "extra/.venv/python": "",
        },
    )
    found = gathered(tmp_path, "extra")
    assert names(found) == ["extra/vocabulary.txt", "project/train.py", "sweep.yaml"]
    assert [str(path) for path in found.left_out] == [
        "extra/.env",
        "extra/.venv",
        "extra/data",
        "extra/mlflow.db-wal",
        "extra/runs",
    ]
    assert "extra/data/large.bin" in names(gathered(tmp_path, "extra/data"))  # who names it, means it


def test_a_link_to_a_folder_around_it_is_not_followed(tmp_path: Path) -> None:
    lay(tmp_path, {"project/train.py": "", "project/__init__.py": "", "extra/inner/words.txt": "a"})
    (tmp_path / "extra" / "inner" / "back").symlink_to(tmp_path / "extra")
    (tmp_path / "extra" / "there").symlink_to(tmp_path / "extra" / "inner")
    (tmp_path / "project" / "self").symlink_to(tmp_path / "project")
    lay(tmp_path, {"extra/one/a.txt": "", "extra/two/b.txt": ""})
    (tmp_path / "extra" / "one" / "other").symlink_to(tmp_path / "extra" / "two")
    (tmp_path / "extra" / "two" / "other").symlink_to(tmp_path / "extra" / "one")
    found = gathered(tmp_path, "extra")
    assert names(found) == [
        "extra/inner/words.txt",
        "extra/one/a.txt",
        "extra/one/other/b.txt",
        "extra/there/words.txt",
        "extra/two/b.txt",
        "extra/two/other/a.txt",
        "project/__init__.py",
        "project/train.py",
        "sweep.yaml",
    ]
    assert [str(path) for path in found.left_out] == [
        "extra/inner/back",
        "extra/one/other/other",
        "extra/there/back",
        "extra/two/other/other",
    ]


def test_every_wrong_include_is_named_at_once(tmp_path: Path) -> None:
    lay(tmp_path, {"runs/r/journal.jsonl": "", "project/train.py": ""})
    with pytest.raises(InputError) as caught:
        gathered(tmp_path, "absent", "..", "runs/r", ".")
    assert [(fault.found, fault.cure.split(":")[0]) for fault in caught.value.faults] == [
        ("absent", "there is no such file or folder here"),
        ("..", f"lies outside {tmp_path}"),
        ("runs/r", "runs/ is never sent"),
        (".", "is the whole folder"),
    ]


def test_too_much_names_the_largest_files_and_the_cure(tmp_path: Path) -> None:
    lay(tmp_path, {"project/train.py": "", "big.bin": "x" * 3 * 2**20, "small.bin": "x"})
    with pytest.raises(InputError) as caught:
        gathered(tmp_path, "big.bin", "small.bin")
    assert "would have 3.0 MiB, and may have 1" in str(caught.value)
    assert "--data" in str(caught.value)
    assert (caught.value.faults[0].where, caught.value.faults[0].found) == ("big.bin", "3.0 MiB")


def test_a_sweep_file_from_elsewhere_lies_beside_the_modules(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    lay(root, {"project/train.py": ""})
    lay(elsewhere, {"s.yaml": OWN})
    found = gather(parse_sweep(OWN, path=elsewhere / "s.yaml", catalogue=CATALOGUE), elsewhere / "s.yaml", root=root)
    assert (found.sweep, names(found)) == ("s.yaml", ["project/train.py", "s.yaml"])
    found.copy_to(tmp_path / "job")
    assert (tmp_path / "job" / "s.yaml").read_text() == OWN
