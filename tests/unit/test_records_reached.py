"""How good the best was after how many trials and seconds, by hand."""

from __future__ import annotations

import math

from tests.unit.report_records import SweepLines
from tuner.records.counts import chance_of_difference, chance_of_more
from tuner.records.reached import best_at, over_seconds, over_seconds_by_trial, over_trials


def sweep() -> SweepLines:
    """Two trials side by side, then one that diverges after a very good epoch, a control and a further seed."""
    made = SweepLines()
    one, two = made.suggest(0, {"lr": 0.1}), made.suggest(1, {"lr": 0.2})
    made.report(one, 1, {"val_loss": 0.9})
    made.report(two, 1, {"val_loss": 0.8})
    made.report(one, 2, {"val_loss": 0.5})
    made.report(two, 2, {"val_loss": 0.6})
    made.end_trial(two, "completed", "", "healthy")
    made.lines[-1] |= {"value": 0.6, "best_epoch": 2}
    made.end_trial(one, "completed", "", "healthy")
    made.lines[-1] |= {"value": 0.5, "best_epoch": 2}
    lost = made.suggest(2, {"lr": 9.0})
    made.report(lost, 1, {"val_loss": 0.01})
    made.report(lost, 2, {"val_loss": math.nan})
    made.end_trial(lost, "doomed", "", "diverged")
    made.add("control", trial="control-1", nth=1, config={}, seed=1)
    made.report("control-1", 1, {"val_loss": 0.001})
    return made


def test_best_so_far() -> None:
    made = sweep()
    record = made.record()
    assert over_trials(record) == ((1.0, 0.6), (2.0, 0.5), (3.0, 0.5))
    assert over_seconds(record, made.lines) == ((1.5, 0.9), (3.0, 0.8), (4.5, 0.5), (10.5, 0.5))
    assert over_seconds_by_trial(record) == ((3.0, 0.6), (6.0, 0.5), (10.5, 0.5))
    steps = over_seconds(record, made.lines)
    assert [best_at(steps, at) for at in (1.0, 1.5, 4.4, 99.0)] == [None, 0.9, 0.8, 0.5]
    assert over_trials(SweepLines().record()) == ()


def test_a_share_that_differs() -> None:
    """Of 3 and 3 with all hits on one side: one way of twenty, on either side."""
    assert math.isclose(chance_of_more(3, 3, 0, 3), 1 / 20)
    assert math.isclose(chance_of_difference(3, 3, 0, 3), 1 / 10)
    assert chance_of_difference(0, 3, 3, 3) == chance_of_difference(3, 3, 0, 3)
    assert chance_of_difference(2, 4, 2, 4) == 1.0
