"""Warm lines whose values do not count: their configurations are trained again first, exactly so after any kill."""

from __future__ import annotations

import random

import pytest
from control_kit import DriverKilled, Sweep
from test_control_replay import WARM, decisions

from tuner.control.rules import Rules

RULES = Rules(metric="val_loss", mode="min", max_epochs=9, trials=12, seed=5)
AGAIN = [{**line, "value": 1e-9, "reports": [[1, 1e-9]], "again": True, "told": False} for line in WARM[:3]]


def whole(warm=()) -> Sweep:
    sweep = Sweep(RULES, algorithm="tpe", warm=warm)
    sweep.run()
    return sweep


def test_the_best_of_other_conditions_are_trained_first_and_their_old_values_are_nobodys() -> None:
    again, cold = whole(AGAIN), whole()
    record = again.record()
    assert [trial.config for trial in record.trials[:3]] == [line["config"] for line in AGAIN]
    assert [trial.origin for trial in record.trials[:4]] == ["earlier"] * 3 + ["tpe"]
    assert record.best is not None
    assert record.best.value is not None
    assert record.best.value > 0.1, "no old value is ever this sweep's"
    assert len(record.trials) == len(cold.record().trials) == RULES.trials


def test_one_that_the_user_enqueued_or_that_stands_there_twice_is_trained_once() -> None:
    config = AGAIN[0]["config"]
    rules = Rules(metric="val_loss", mode="min", max_epochs=9, trials=6, first=(("enqueued", config),))
    sweep = Sweep(rules, warm=[AGAIN[0], AGAIN[1], {**AGAIN[1], "number": 7}])
    sweep.run()
    assert [trial.origin for trial in sweep.record().trials] == ["enqueued", "earlier", *["random"] * 4]


def test_a_line_may_be_told_and_trained_again() -> None:
    both = [{**line, "again": True} for line in WARM]
    assert [t.config for t in whole(both).record().trials[:11]] == [line["config"] for line in both]


@pytest.mark.parametrize("seed", range(3))
def test_killed_anywhere_it_goes_on_with_them(seed: int) -> None:
    warm = [*AGAIN, *WARM[3:]]
    expected = whole(warm)
    crash = random.Random(seed).randrange(len(warm) + 2, len(expected.lines) - 1)
    sweep = Sweep(RULES, algorithm="tpe", warm=warm)
    sweep.crash_after = crash
    with pytest.raises(DriverKilled):
        sweep.run()
    sweep.resume()
    sweep.run()
    assert decisions(sweep) == decisions(expected)
