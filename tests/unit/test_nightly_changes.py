"""What changed since the last good night: empty where nothing did, short where much did."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.nightly.changes import MOST_PACKAGES, changes
from tuner.nightly.code_state import code_state
from tuner.nightly.commits import MOST
from tuner.records.comparison import NOT_THERE
from tuner.records.night import Change, Conditions

BASE = Conditions(
    {"commit": "a" * 40, "dirty": False, "diff": "", "files": {}},
    "d" * 64,
    {"python": "3.11.4", "torch": "2.15.0", "zlib": "1"},
    {"host": "here", "platform": "Linux", "device": "H200"},
    {"seed": 0, "search.trials": 20, "space.lr.float": [0.1, 1]},
)
NOWHERE = Path("/")


def names(found: tuple[Change, ...]) -> list[str]:
    return [f"{one.kind} {one.what}: {one.old} -> {one.new}" for one in found]


class Repository:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, title: str, content: str = "") -> str:
        (self.folder / "train.py").write_text(content or title)
        self.git("add", "train.py")
        self.git("commit", "-q", "-m", title)
        return self.git("rev-parse", "HEAD")

    def now(self) -> Conditions:
        return replace(BASE, code=code_state(self.folder))

    def since(self, before: Conditions) -> Change:
        (found,) = changes(before, self.now(), self.folder)
        assert found.kind == "code"
        return found


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    return Repository(tmp_path)


def test_a_line_a_commit_newest_first(there: Repository) -> None:
    old = there.commit("Begin")
    before = there.now()
    one, two = there.commit("Halve the learning rate"), there.commit("Shuffle")
    found = there.since(before)
    assert (found.what, found.old, found.new) == ("commits", old[:7], two[:7])
    assert found.details == (f"{two[:7]} Shuffle (Ada)", f"{one[:7]} Halve the learning rate (Ada)")


def test_of_many_commits_the_newest_and_how_many_more(there: Repository) -> None:
    there.commit("Begin")
    before = there.now()
    tree = there.git("rev-parse", "HEAD^{tree}")
    tip = there.git("rev-parse", "HEAD")
    for number in range(MOST + 12):
        tip = there.git("commit-tree", tree, "-p", tip, "-m", f"Step {number}")
    there.git("reset", "-q", "--hard", tip)
    details = there.since(before).details
    assert len(details) == MOST + 1
    assert details[0].endswith(f"Step {MOST + 11} (Ada)")
    assert details[-1] == "12 more"


def test_a_roll_back_names_the_commits_that_are_gone(there: Repository) -> None:
    first = there.commit("Begin")
    second = there.commit("Break it")
    before = there.now()
    there.git("reset", "-q", "--hard", first)
    assert there.since(before).details == (f"without {second[:7]} Break it (Ada)",)


def test_another_branch_names_both_sides(there: Repository) -> None:
    first = there.commit("Begin")
    there.commit("On the one")
    before = there.now()
    there.git("reset", "-q", "--hard", first)
    there.commit("On the other")
    new, gone = there.since(before).details
    assert new.endswith("On the other (Ada)")
    assert gone.startswith("without ")


@pytest.mark.parametrize("commit", ["b" * 40, "--output=x", "HEAD", "zz", "abc; rm"])
def test_a_commit_that_is_not_there_is_said(there: Repository, commit: str) -> None:
    there.commit("Begin")
    before = replace(BASE, code={"commit": commit, "dirty": False, "diff": "", "files": {}})
    assert "is not in this clone" in there.since(before).details[0]
    assert list(there.folder.glob("[!.]*")) == [there.folder / "train.py"]


def test_a_shallow_clone_is_said(there: Repository, tmp_path_factory: pytest.TempPathFactory) -> None:
    there.commit("Begin")
    before = there.now()
    there.commit("More")
    clone = tmp_path_factory.mktemp("clone")
    there.git("clone", "-q", "--depth", "1", f"file://{there.folder}", str(clone))
    (found,) = changes(before, replace(BASE, code=code_state(clone)), clone)
    assert "a shallow clone" in found.details[0]


def test_uncommitted_edits_are_named_by_file(there: Repository) -> None:
    there.commit("Begin")
    before = there.now()
    (there.folder / "train.py").write_text("lr = 10\n")
    (there.folder / "new.py").write_text("x = 1\n")
    edited = there.since(before)
    assert (edited.what, edited.new) == ("edits", edited.old + " with edits")
    assert edited.details == ("edited and not committed: new.py, train.py",)
    half = there.now()
    (there.folder / "new.py").unlink()
    assert there.since(half).details == ("no longer edited: new.py",)
    (there.folder / "train.py").write_text("lr = 11\n")
    assert there.since(half).details == ("edited and not committed: train.py", "no longer edited: new.py")


def test_a_title_is_one_short_line_without_secrets(there: Repository) -> None:
    there.commit("Begin")
    before = there.now()
    there.commit("Pull from https://ada:s3cret@host/x\tand \x1b[31mred" + " very" * 100)
    (row,) = there.since(before).details
    assert "s3cret" not in row
    assert row.isprintable()
    assert len(row) < 150


def test_a_repository_that_came_or_went_is_said(there: Repository) -> None:
    there.commit("Begin")
    (came,) = changes(replace(BASE, code=None), there.now(), there.folder)
    assert (came.old, came.details[0]) == ("unknown", "the last good night ran outside a repository")
    (went,) = changes(there.now(), replace(BASE, code=None), there.folder)
    assert "no repository" in went.details[0]


def test_files_outside_a_repository(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("lr = 1\n")
    before = replace(BASE, code=code_state(tmp_path, ["train:loop"]))
    (tmp_path / "train.py").write_text("lr = 2\n")
    (found,) = changes(before, replace(BASE, code=code_state(tmp_path, ["train:loop"])), tmp_path)
    assert found.old.startswith("files ")
    assert found.details == ("edited outside of git: train.py",)


def test_data_configuration_packages_and_machine_each_say_old_and_new() -> None:
    now = Conditions(
        BASE.code,
        "e" * 64,
        {"python": "3.12.0", "torch": "2.16.0", "new": "1.0"},
        BASE.machine | {"device": "A100"},
        {"seed": 5, "search.trials": 40, "space.lr.float": (0.1, 1), "search.repeats": 3},
    )
    assert names(changes(BASE, now, NOWHERE)) == [
        "data data hash: dddddddddddd -> eeeeeeeeeeee",
        "configuration search.trials: 20 -> 40",
        f"configuration search.repeats: {NOT_THERE} -> 3",
        "packages python: 3.11.4 -> 3.12.0",
        "packages torch: 2.15.0 -> 2.16.0",
        f"packages new: {NOT_THERE} -> 1.0",
        f"packages zlib: 1 -> {NOT_THERE}",
        "machine device: H200 -> A100",
    ]


def test_what_may_change_every_night_is_left_out_with_all_below_it() -> None:
    now = replace(BASE, settings=BASE.settings | {"seed": 9, "search.trials": 1}, machine={**BASE.machine, "host": "x"})
    assert names(changes(BASE, now, NOWHERE, ("seed", "search", "machine.host"))) == []
    assert len(changes(BASE, now, NOWHERE, ())) == 3
    assert len(changes(BASE, now, NOWHERE, ("se", "search.tri"))) == 3


def test_many_packages_are_cut_short_and_the_great_ones_come_first() -> None:
    many = {f"p{number:02d}": "2" for number in range(MOST_PACKAGES + 6)}
    now = replace(BASE, packages=many | {"torch": "9"})
    found = changes(replace(BASE, packages=dict.fromkeys([*many, "torch"], "1")), now, NOWHERE)
    assert len(found) == MOST_PACKAGES + 1
    assert found[0].what == "torch"
    assert found[-1].what == "7 more"
    assert found[-1].details[0] == "p09 1 -> 2"


def test_long_values_are_shown_where_they_part() -> None:
    old, new = [*range(100), 1], [*range(100), 2]
    before, now = (replace(BASE, settings={"x": value}) for value in (old, new))
    (found,) = changes(before, now, NOWHERE)
    assert found.old != found.new
    assert len(found.old) <= 80
    assert found.new.endswith("99, 2]")


PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.floats(-1, 1), st.sampled_from(["1", "a", NOT_THERE])
)
SETTINGS = st.dictionaries(
    st.sampled_from(["a", "b.c", "d"]), st.one_of(PLAIN, st.lists(PLAIN, max_size=3)), max_size=3
)
FILES = st.dictionaries(st.sampled_from(["x.py", "y.py"]), st.sampled_from(["1", "2"]), max_size=2)


@st.composite
def codes(draw: st.DrawFn) -> dict[str, Any]:
    files = draw(FILES)
    commit = draw(st.sampled_from([None, "a" * 40, "b" * 40]))
    diff, modules = draw(st.sampled_from(["", "1"])), draw(FILES)
    return {"commit": commit, "dirty": bool(files), "diff": diff, "files": files, "modules": modules}


CONDITIONS = st.builds(
    Conditions,
    code=st.one_of(st.none(), codes()),
    data_hash=st.sampled_from([None, "a" * 64, "b" * 64]),
    packages=st.dictionaries(st.sampled_from(["torch", "p", NOT_THERE]), st.sampled_from(["1", "2", NOT_THERE])),
    machine=st.dictionaries(st.sampled_from(["host", "device"]), st.sampled_from(["1", "2"])),
    settings=SETTINGS,
)


def exact(told: Conditions) -> str:
    """1, 1.0 and True apart."""
    return repr([told.code, told.data_hash] + [sorted(m.items()) for m in (told.packages, told.machine, told.settings)])


@given(CONDITIONS, CONDITIONS)
def test_there_is_no_change_if_and_only_if_the_two_are_the_same(one: Conditions, other: Conditions) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tuner.nightly.commits.ask_git", lambda *_: None)
        found = changes(one, other, NOWHERE, ())
    assert (found == ()) is (exact(one) == exact(other))
    assert all(change.old != change.new or change.details for change in found)
    assert changes(one, one, NOWHERE, ()) == ()
