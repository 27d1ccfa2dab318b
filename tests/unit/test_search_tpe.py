"""What Optuna is told of each ending, and that Optuna stays where it is: light, quiet, replaceable."""

from __future__ import annotations

import math
import subprocess
import sys

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from tests.contract.searcher import SPACE, parameter
from tuner.search.study import StudySearcher
from tuner.search.tpe import tpe
from tuner.space import Choice, Constant, Float, Int, Space

LINE = Space((parameter("x", Float(0.0, 1.0, False)),))


def told(ending: str, value: float | None, reports: list[float], *, diverged: bool = False) -> FrozenTrial:
    """The one trial of a study after this ending."""
    searcher = tpe(LINE, mode="min", seed=0)
    searcher.begin(0, {"x": 0.5})
    for epoch, report in enumerate(reports, 1):
        searcher.on_trial_result(0, epoch, report)
    searcher.on_trial_end(0, ending, value, diverged=diverged)
    (trial,) = searcher._study.trials
    return trial


def test_completed_is_complete_with_its_best_value() -> None:
    trial = told("completed", 0.2, [0.5, 0.2, 0.3])
    assert (trial.state, trial.value) == (TrialState.COMPLETE, 0.2)


@pytest.mark.parametrize("ending", ["pruned", "doomed"])
def test_pruned_and_doomed_are_pruned_with_their_reports(ending: str) -> None:
    trial = told(ending, 0.2, [0.5, 0.2, 0.3])
    assert trial.state == TrialState.PRUNED
    assert trial.intermediate_values == {1: 0.5, 2: 0.2, 3: 0.3}


def test_diverged_is_pruned_and_its_last_report_is_not_a_number() -> None:
    trial = told("doomed", 0.2, [0.5, 0.2, math.nan], diverged=True)
    assert (trial.state, trial.value) == (TrialState.PRUNED, None)
    assert [repr(value) for value in trial.intermediate_values.values()] == ["0.5", "0.2", "nan"]


def test_a_training_loss_gone_nan_is_diverged_though_the_metric_is_finite() -> None:
    trial = told("doomed", 0.2, [0.5, 0.2], diverged=True)
    assert trial.state == TrialState.PRUNED
    assert math.isnan(trial.intermediate_values[3])


def test_out_of_memory_before_any_report_is_told_as_diverged() -> None:
    trial = told("failed", None, [], diverged=True)
    assert trial.state == TrialState.PRUNED
    assert math.isnan(trial.intermediate_values[1])


def test_of_a_trial_that_raised_nothing_is_learnt() -> None:
    searcher = tpe(LINE, mode="min", seed=0)
    searcher.begin(0, {"x": 0.5})
    searcher.on_trial_result(0, 1, 0.5)
    running = searcher._study.trials
    searcher.on_trial_end(0, "failed", 0.5)
    assert [trial.state for trial in running] == [TrialState.RUNNING]
    assert searcher._study.trials == []


def test_interrupted_is_told_nothing() -> None:
    assert told("interrupted", 0.2, [0.5, 0.2]).state == TrialState.RUNNING


def test_an_epoch_trained_again_after_a_loss_keeps_its_first_report() -> None:
    searcher = tpe(LINE, mode="min", seed=0)
    searcher.begin(0, {"x": 0.5})
    for epoch, value in ((1, 0.5), (2, 0.4), (2, 0.41), (3, 0.3)):
        searcher.on_trial_result(0, epoch, value)
    searcher.on_trial_end(0, "pruned", 0.3)
    assert searcher._study.trials[0].intermediate_values == {1: 0.5, 2: 0.4, 3: 0.3}


def learnt(mode: str, trials: int = 60) -> tuple[StudySearcher, list[float]]:
    searcher, values = tpe(LINE, mode=mode, seed=3), []
    for number in range(trials):
        config = searcher.suggest(number)
        assert config is not None
        x = config["x"]
        assert isinstance(x, float)
        searcher.on_trial_end(number, "completed", x)
        values.append(x)
    return searcher, values


def test_it_climbs_for_max_and_descends_for_min() -> None:
    high, low = learnt("max")[1][30:], learnt("min")[1][30:]
    assert sum(high) / 30 > 0.8
    assert sum(low) / 30 < 0.2


def test_a_branch_that_is_not_chosen_costs_no_draw() -> None:
    """Optuna's own group sampling draws every branch and leaves the draws in the trial's attributes."""
    searcher = tpe(SPACE, mode="min", seed=0, startup=2)
    for number in range(20):
        config = searcher.suggest(number)
        assert config is not None
        inactive = {name for name in SPACE.names if name not in config}
        trial = searcher._study.trials[number]
        assert not any(name in str(trial.system_attrs) for name in inactive)
        searcher.on_trial_end(number, "completed", float(number))


def test_what_has_one_value_only_is_no_obstacle() -> None:
    space = Space(
        (
            parameter("fixed", Constant("a")),
            parameter("one", Choice(("b",))),
            parameter("two", Int(3, 3, False)),
            parameter("three", Float(0.5, 0.5, False)),
        )
    )
    searcher = tpe(space, mode="min", seed=0, startup=1)
    for number in range(5):
        assert searcher.suggest(number) == {"fixed": "a", "one": "b", "two": 3, "three": 0.5}
        searcher.on_trial_end(number, "completed", 0.5)


def test_the_users_own_optuna_logging_is_left_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.DEBUG)
    learnt("min", trials=12)
    assert optuna.logging.get_verbosity() == optuna.logging.DEBUG
    optuna.logging.set_verbosity(before)
    assert capfd.readouterr().err == ""


def test_optuna_is_imported_only_by_a_search_that_needs_it() -> None:
    code = (
        "import sys; from tuner.search.make import make_searcher, make_scheduler; from tuner.space import Space; "
        "make_searcher('random', {}, Space(()), mode='min', seed=0); make_scheduler('asha', {}, max_epochs=9); "
        "assert 'optuna' not in sys.modules; make_searcher('tpe', {}, Space(()), mode='min', seed=0); "
        "assert 'optuna' in sys.modules; assert not {'torch', 'ray', 'scipy', 'sqlalchemy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
