"""Which checkpoints are kept: the best configurations', and the winner's by its mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tuner.control.checkpoints import CheckpointKeeper
from tuner.records.run_directory import RunDirectory


class Kept:
    """A keeper and the folders that it looks after."""

    def __init__(self, path: Path, keep: int, mode: str = "min") -> None:
        self.directory = RunDirectory(path)
        self.keeper = CheckpointKeeper(self.directory, keep, mode)

    def ended(self, trial: str, value: float | None, ending: str = "completed") -> None:
        folder = self.directory.trial_checkpoints(trial)
        folder.mkdir(parents=True)
        for name in ("best.pt", "last.pt"):
            (folder / name).touch()
        self.keeper.lines([{"kind": "ending", "trial": trial, "ending": ending, "value": value}])

    def begins(self, of: str, nth: int, origin: str) -> None:
        self.keeper.lines([{"kind": "further_seed", "trial": f"{of}-{nth}", "of": of, "origin": origin}])

    def finalists(self, *trials: str, seeds: int) -> None:
        self.keeper.lines([{"kind": "finalists", "trials": list(trials), "seeds": seeds}])

    @property
    def there(self) -> list[str]:
        return sorted(path.parent.name for path in self.directory.checkpoints.glob("*/best.pt"))


@pytest.mark.parametrize(("mode", "expected"), [("min", ["0001", "0003"]), ("max", ["0000", "0002"])])
def test_the_best_ones_are_kept_and_no_last_one(tmp_path: Path, mode: str, expected: list[str]) -> None:
    kept = Kept(tmp_path, 2, mode)
    for number, value in enumerate([0.9, 0.2, 0.8, 0.3]):
        kept.ended(f"{number:04d}", value)
    kept.ended("0004", 0.5, "doomed")
    kept.ended("0005", None, "failed")
    assert kept.there == expected
    assert not list(tmp_path.glob("checkpoints/*/last.pt"))


def test_of_a_loop_of_ones_own_the_best_one_is_kept_and_the_last_where_there_is_no_best(tmp_path: Path) -> None:
    """Its checkpoints may be folders, and it may have written none at its best epoch."""
    directory = RunDirectory(tmp_path)
    for trial, names in (("0000", ("best", "last-a")), ("0001", ("last-b",))):
        for name in names:
            (directory.trial_checkpoints(trial) / name).mkdir(parents=True)
    keeper = CheckpointKeeper(directory, 3, "min")
    for trial in ("0000", "0001"):
        keeper.lines([{"kind": "ending", "trial": trial, "ending": "completed", "value": 0.5}])
    found = {path.relative_to(directory.checkpoints).as_posix() for path in directory.checkpoints.glob("*/*")}
    assert found == {"0000/best", "0001/last-b"}


def test_the_winner_by_mean_keeps_its_weights_though_others_had_luckier_seeds(tmp_path: Path) -> None:
    kept = Kept(tmp_path, 1)
    for number, value in enumerate([0.10, 0.11, 0.12, 0.5]):
        kept.ended(f"{number:04d}", value)
    kept.finalists("0000", "0001", "0002", seeds=2)
    seeds: dict[str, list[Any]] = {"0000": [0.40, 0.05], "0001": [0.21, 0.20], "0002": [0.3, 0.3]}
    for nth in (2, 3):
        for trial, values in seeds.items():
            kept.begins(trial, nth, "finalist")
            kept.ended(f"{trial}-{nth}", values[nth - 2])
    assert kept.there == ["0001-3"]


def test_while_finalists_are_trained_all_of_them_keep_one(tmp_path: Path) -> None:
    kept = Kept(tmp_path, 3)
    for number, value in enumerate([0.1, 0.2, 0.3]):
        kept.ended(f"{number:04d}", value)
    kept.finalists("0000", "0001", "0002", seeds=1)
    kept.begins("0000", 2, "finalist")
    kept.ended("0000-2", 0.05)
    assert kept.there == ["0000-2", "0001", "0002"]


def test_with_repeats_the_first_seed_counts_for_the_mean(tmp_path: Path) -> None:
    kept = Kept(tmp_path, 1)
    kept.keeper.lines([{"kind": "sweep", "repeats": 2}])
    for trial, first, second in (("0000", 0.1, 0.5), ("0001", 0.28, 0.29)):
        kept.ended(trial, first)
        kept.begins(trial, 2, "repeat")
        kept.ended(f"{trial}-2", second)
    assert kept.there == ["0001"]


def test_a_configuration_of_which_one_seed_diverged_gives_way(tmp_path: Path) -> None:
    kept = Kept(tmp_path, 1)
    for trial, first, second in (("0000", 0.1, None), ("0001", 0.4, 0.4)):
        kept.ended(trial, first)
        kept.begins(trial, 2, "repeat")
        kept.ended(f"{trial}-2", second, "completed" if second else "doomed")
    assert kept.there == ["0001"]


def test_a_trial_that_still_waits_keeps_its_last_one_and_may_end_a_second_time(tmp_path: Path) -> None:
    kept = Kept(tmp_path, 2)
    folder = kept.directory.trial_checkpoints("0000")
    folder.mkdir(parents=True)
    for name in ("best.pt", "last.pt"):
        (folder / name).touch()
    ending = {"kind": "ending", "trial": "0000", "ending": "pruned", "value": 0.4}
    kept.keeper.lines([{**ending, "paused": True}])
    assert (folder / "last.pt").exists()
    kept.keeper.lines([{**ending, "ending": "completed", "value": 0.3}])
    assert not (folder / "last.pt").exists()
    assert kept.there == ["0000"]
