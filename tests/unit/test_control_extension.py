"""`--resume RUN --trials N`: a finished sweep goes on as one that had been asked for N from the beginning."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from control_kit import DriverKilled, Sweep
from hypothesis import given, settings
from hypothesis import strategies as st
from test_control_replay import WARM, decisions

from tuner.control.rules import Rules
from tuner.records.trial import PRUNED
from tuner.report.progress import Progress

FEW = Rules(metric="val_loss", mode="min", max_epochs=9, trials=9, seed=5)
MANY = replace(FEW, trials=20)
SCHEDULERS = ("asha", "hyperband", "median", "none", "asha_promotion")
PAIRS = [*[("random", scheduler) for scheduler in SCHEDULERS], ("tpe", "asha"), ("cmaes", "none"), ("halton", "asha")]


def extended(algorithm: str, scheduler: str, crash: int | None = None, warm=()) -> Sweep:
    sweep = Sweep(FEW, algorithm=algorithm, scheduler=scheduler, warm=warm)
    sweep.run()
    sweep.rules = MANY
    sweep.crash_after = None
    sweep.resume()
    if crash is not None:
        sweep.crash_after = len(sweep.lines) + crash
        with contextlib.suppress(DriverKilled):
            sweep.run()
        sweep.resume()
    sweep.run()
    return sweep


@pytest.mark.parametrize(("algorithm", "scheduler"), PAIRS)
def test_an_extended_sweep_decides_as_an_uninterrupted_one(algorithm: str, scheduler: str) -> None:
    """But for what the short sweep's end itself decided: trials that still waited at a rung were pruned there."""
    whole = Sweep(MANY, algorithm=algorithm, scheduler=scheduler)
    whole.run()
    mine = [one for one in decisions(extended(algorithm, scheduler)) if "still paused" not in str(one)]
    theirs = [one for one in decisions(whole) if "still paused" not in str(one)]
    assert mine == theirs


@given(crash=st.integers(0, 60), pair=st.sampled_from([("tpe", "asha"), ("random", "asha_promotion")]))
@settings(max_examples=10)
def test_killed_at_any_line_of_the_extension(crash: int, pair: tuple[str, str]) -> None:
    whole = Sweep(MANY, algorithm=pair[0], scheduler=pair[1], warm=WARM)
    whole.run()
    mine = [one for one in decisions(extended(*pair, crash, WARM)) if "still paused" not in str(one)]
    assert mine == [one for one in decisions(whole) if "still paused" not in str(one)]


def test_trials_that_waited_at_the_end_wait_again_and_one_view_counts_them_once() -> None:
    sweep = extended("random", "asha_promotion")
    short = Sweep(FEW, algorithm="random", scheduler="asha_promotion")
    waited = [trial.trial for trial in short.run().trials if "still paused" in trial.reason]
    record = sweep.record()
    went_on = [t for t in record.trials if (t.trial in waited and t.ending != PRUNED) or len(t.rungs) > 1]
    assert waited
    assert went_on
    view = Progress()
    view.apply(sweep.lines)
    assert view.endings[PRUNED] == sum(trial.ending == PRUNED for trial in record.trials)
    assert sum(view.endings.values()) == len(record.trials) == MANY.trials
