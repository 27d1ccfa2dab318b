"""The replay benchmark: its clock, its tables, its speed-up, and the rows that it prints."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import search_replay  # noqa: E402
from replay_clock import Work, replay  # noqa: E402
from replay_methods import OURS, OnRows, undiagnosed  # noqa: E402
from replay_scores import CAP, FLOOR, Group, mean_curve, moments, regret_curve, speedup, summarise  # noqa: E402
from replay_tables import RowDraws, RowsTask, best_and_scale, read_tables  # noqa: E402

from tuner.errors import InputError  # noqa: E402
from tuner.search.independent import RandomSearcher  # noqa: E402
from tuner.space import Float, Int  # noqa: E402

EPOCHS = 6


def write_table(path: Path, rows: int = 40, **changes: object) -> None:
    """A bowl in log width and dropout; a wide learning rate breaks off half-way."""
    rng = np.random.default_rng(3)
    width, dropout = 10 ** rng.uniform(-4, 0, rows), rng.uniform(0.0, 0.6, rows)
    layers = rng.integers(1, 5, rows)
    floor = 0.2 + (np.log10(width) + 2) ** 2 / 8 + dropout**2 + 0.01 * layers
    valid = floor[:, None] + np.exp(-np.arange(EPOCHS + 1))[None, :]
    valid[width > 0.3, EPOCHS // 2 :] = np.nan
    arrays = {
        "hp": np.column_stack([width, dropout, layers, np.full(rows, 7.0)]).astype(np.float32),
        "train_loss": valid - 0.1,
        "valid_loss": valid,
        "test_loss": valid,
        "steps": np.arange(0, 10 * (EPOCHS + 1), 10),
        "hp_names": np.array(["width", "dropout", "layers", "seed"]),
    }
    np.savez(path, **{name: value for name, value in (arrays | changes).items() if value is not None})


@pytest.fixture
def task(tmp_path: Path) -> RowsTask:
    write_table(tmp_path / "bowl.npz")
    return read_tables(tmp_path, "made")[0]


# --- tables ------------------------------------------------------------------------------------------------------


def test_columns_are_whichever_hp_names_names_with_ranges_and_scales_of_the_data(task: RowsTask) -> None:
    assert task.name == "bowl"
    assert task.epochs == EPOCHS  # column 0 is the untrained network
    assert task.space.names == ("width", "dropout", "layers")  # a column that never changes is no parameter
    width, dropout, layers = (item.domain for item in task.space.parameters)
    assert isinstance(width, Float)
    assert width.log
    assert isinstance(dropout, Float)
    assert not dropout.log
    assert layers == Int(1, 4)


def test_adams_betas_are_searched_as_one_minus_beta(tmp_path: Path) -> None:
    beta = 1 - np.logspace(-4, 0, 30)
    hp = np.column_stack([beta, np.linspace(0, 1, 30)])
    curves = np.ones((30, EPOCHS + 1))
    names = {"hp": hp, "hp_names": np.array(["beta1", "x"])}
    write_table(tmp_path / "t.npz", **names, valid_loss=curves, train_loss=curves, test_loss=None)
    (task,) = read_tables(tmp_path, "made")
    domain = task.space["beta1"].domain
    assert isinstance(domain, Float)
    assert domain.log
    assert (domain.low, domain.high) == pytest.approx((1e-4, 1.0))


def test_every_rows_configuration_lies_in_the_space_and_maps_onto_itself(task: RowsTask) -> None:
    draws = task.draws()
    assert len(task.configs) == 40
    for row, config in enumerate(task.configs):
        assert task.space.contains(config)
        assert draws.take(config) == (row, config)


def test_a_suggestion_becomes_the_nearest_row_not_yet_used_until_there_is_none(task: RowsTask) -> None:
    rows = np.array([[0.1, 0.5, 0.5], [0.2, 0.5, 0.5], [0.9, 0.5, 0.5]])
    configs = [{"width": 1.0 * place} for place in range(3)]
    draws = RowDraws(task.space, rows, configs)
    point = zip(task.space.parameters, (0.0, 0.5, 0.5), strict=True)
    suggestion = {item.name: item.domain.from_unit(share) for item, share in point}
    taken = [draws.take(suggestion) for _ in range(4)]
    assert [None if found is None else found[0] for found in taken] == [0, 1, 2, None]


def test_best_and_scale_take_a_broken_row_for_the_worst() -> None:
    valid = np.array([[3.0, 1.0], [2.0, 2.0], [np.nan, np.nan], [5.0, 4.0], [np.inf, np.nan]])
    assert best_and_scale(valid) == (1.0, 3.0)  # median of 1, 2, 4, inf, inf


def test_a_table_of_equal_rows_has_a_scale_that_can_be_divided_by() -> None:
    assert best_and_scale(np.full((4, 3), 0.7)) == (0.7, 1.0)


def test_all_faults_of_a_folder_are_named_at_once(tmp_path: Path) -> None:
    write_table(tmp_path / "a.npz", valid_loss=None)
    write_table(tmp_path / "b.npz", hp_names=np.array(["width"]))
    (tmp_path / "c.npz").write_text("no archive")
    with pytest.raises(InputError) as caught:
        read_tables(tmp_path, "made")
    assert [fault.where for fault in caught.value.faults] == [
        "a.npz: valid_loss",
        "b.npz: hp_names",
        str(tmp_path / "c.npz"),
    ]


# --- the clock ---------------------------------------------------------------------------------------------------


class Given:
    """So many trials, each told to stop after its own number of epochs."""

    def __init__(self, stops: list[int]) -> None:
        self._stops, self._next = stops, 0
        self.told: list[tuple[float, int, int]] = []

    def next_work(self, now: float) -> Work | None:
        if self._next == len(self._stops):
            return None
        self._next += 1
        return Work(self._next - 1, self._next - 1)

    def on_epoch(self, work: Work, metrics: dict[str, float], now: float) -> bool:
        self.told.append((now, work.trial, work.epoch))
        return work.epoch < self._stops[work.trial]


def test_two_workers_train_at_once_and_take_the_next_trial_when_free(task: RowsTask) -> None:
    sweep = Given([1, 3, 2])
    trace = replay(sweep, task, workers=2, budget=100)
    assert sweep.told == [(1, 0, 1), (1, 1, 1), (2, 2, 1), (2, 1, 2), (3, 2, 2), (3, 1, 3)]
    assert (trace.trials, trace.epochs) == (3, 6)


def test_the_budget_is_counted_in_epochs_over_all_workers(task: RowsTask) -> None:
    for workers in (1, 3, 7):
        sweep = Given([EPOCHS] * 30)
        assert replay(sweep, task, workers, budget=20).epochs == 20
        assert len(sweep.told) == 20
        assert max(now for now, *_ in sweep.told) == math.ceil(20 / workers)


def test_the_best_so_far_never_rises_and_nan_is_none(task: RowsTask) -> None:
    trace = replay(OURS["random"]()(task, 0), task, workers=4, budget=50 * EPOCHS)
    times, losses = np.array(trace.falls).T
    assert (np.diff(times) >= 0).all()
    assert (np.diff(losses) < 0).all()
    assert losses[-1] == pytest.approx(task.best)  # 40 rows, all of them trained
    assert trace.trials == 40


def test_the_controller_is_told_the_rows_own_configuration(task: RowsTask) -> None:
    searcher = OnRows(RandomSearcher(task.space, seed=0), task.draws())
    config = searcher.suggest(0)
    assert config == task.configs[searcher.keys[0]]


def test_the_same_seed_gives_the_same_trace(task: RowsTask) -> None:
    for name in ("default", "tuner-random-asha_promotion"):
        one, two = (replay(OURS[name]()(task, 5), task, 3, 100) for _ in range(2))
        assert one == two
        assert one.falls


def test_without_the_diagnosis_of_ended_trials_all_is_decided_as_with_it(task: RowsTask) -> None:
    whole = replay(OURS["default"]()(task, 1), task, 2, 100)
    with undiagnosed():
        assert replay(OURS["default"]()(task, 1), task, 2, 100) == whole


# --- scores ------------------------------------------------------------------------------------------------------


def test_regret_is_a_share_of_the_way_to_the_median_row(task: RowsTask) -> None:
    trace = replay(Given([1]), task, workers=1, budget=5)
    (at, loss), times = trace.falls[0], np.array([0.5, 1.0, 2.0])
    expected = min(max((loss - task.best) / task.scale, FLOOR), CAP)
    assert at == 1.0
    assert regret_curve(trace, task.best, task.scale, times) == pytest.approx([CAP, expected, expected])


def test_speedup_compares_the_moments_at_which_random_searchs_last_regret_is_reached() -> None:
    times = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    random = np.array([1.0, 0.8, 0.5, 0.4, 0.4])
    assert speedup(random, random, times) == 1.0
    assert speedup(np.array([0.4, 0.1, 0.1, 0.1, 0.1]), random, times) == 4.0
    assert speedup(np.array([1.0, 1.0, 1.0, 1.0, 0.3]), random, times) == 4 / 5


def test_a_method_that_never_gets_there_has_a_finite_speedup_below_a_half() -> None:
    times = np.array([1.0, 2.0, 3.0, 4.0])
    random = np.array([0.9, 0.8, 0.3, 0.3])
    assert speedup(np.full(4, CAP), random, times) == 3 / (4 + 3)
    assert speedup(np.full(4, CAP), np.full(4, CAP), times) == 1.0  # random search found nothing either


def test_moments_end_with_the_budget() -> None:
    assert moments(10, 1).tolist() == [*range(1, 11)]
    assert moments(10, 4).tolist() == [1, 2, 3]
    assert moments(2500, 1)[-1] == 2500


def test_a_summary_of_one_seed_is_what_it_measured() -> None:
    times = moments(100, 1)
    random, method = np.linspace(1, 0.1, 100)[None], np.linspace(0.5, 0.01, 100)[None]
    found = summarise(Group("t", 1, "m"), [method], [random], [times], draws=10)
    assert found.regret.value == found.regret.low == found.regret.high == pytest.approx(0.01)
    assert found.speedup.value == pytest.approx(speedup(mean_curve(method), mean_curve(random), times))


# --- the command -------------------------------------------------------------------------------------------------


def call(folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    script = str(ROOT / "benchmarks" / "search_replay.py")
    return subprocess.run([sys.executable, script, "--tables", str(folder), *flags], capture_output=True, text=True)


def test_json_is_one_array_of_rows_alone_and_a_picture_is_drawn(tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    write_table(folder / "bowl.npz")
    picture = tmp_path / "replay.svg"
    asked = "random,default,tuner-random-asha_promotion,optuna-tpe-median"
    flags = ("--json", "--seeds", "2", "--workers", "1,3", "--processes", "1", "--out", str(picture))
    done = call(folder, *flags, "--methods", asked)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    keys = {"table", "task", "workers", "method", "seeds", "regret_at_budget", "speedup_vs_random"}
    assert {frozenset(row) for row in rows} == {frozenset(keys)}
    assert {(row["workers"], row["method"]) for row in rows} == {(w, m) for w in (1, 3) for m in asked.split(",")}
    assert len(rows) == 8
    for row in rows:
        assert (row["table"], row["task"], row["seeds"]) == ("tables", "bowl", 2)
        assert math.isfinite(row["speedup_vs_random"])
        assert FLOOR <= row["regret_at_budget"] <= CAP
    assert all(row["speedup_vs_random"] == 1 for row in rows if row["method"] == "random")
    assert picture.read_text().startswith("<svg")


def test_a_peer_that_raises_is_named_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_table(tmp_path / "bowl.npz")
    found = search_replay.tasks(str(tmp_path), None)
    given = search_replay.parser().parse_args(["--tables", str(tmp_path), "--processes", "1"])

    def broken(task: RowsTask, seed: int) -> Given:
        raise ValueError("singular")

    with mock.patch.dict(search_replay.METHODS, {"syne-bohb": lambda: broken}):
        jobs = search_replay.plan(found, ["random", "syne-bohb"], (1,), 1)
        curves = search_replay.run(jobs, given, None)
    assert [job.method for job in curves] == ["random"]
    assert "syne-bohb" in (told := capsys.readouterr().err)
    assert "ValueError: singular" in told


def test_an_unknown_method_or_an_empty_folder_ends_with_2_and_a_message(tmp_path: Path) -> None:
    write_table(tmp_path / "bowl.npz")
    wrong = call(tmp_path, "--methods", "magic")
    assert wrong.returncode == 2
    assert "magic" in wrong.stderr
    empty = call(tmp_path / "nowhere")
    assert empty.returncode == 2
    assert "holds .npz files" in empty.stderr
    assert "Traceback" not in wrong.stderr + empty.stderr
