"""A configuration that was tried is noticed: the searcher is asked again, and an exhausted space ends the sweep."""

from __future__ import annotations

import random

import pytest
from control_kit import DriverKilled, Sweep, report

from tuner.control.rules import Rules
from tuner.records.epochs import Assignment
from tuner.space import Choice, Constant, Int, Parameter, Space, identity

SMALL = Space(
    (
        Parameter("width", "width", Choice((16, 32, 64))),
        Parameter("depth", "depth", Int(1, 2)),
        Parameter("opt", "opt", Choice(("adam", "sgd"))),
        Parameter("opt.sgd.momentum", "momentum", Choice((0.0, 0.9)), parent="opt", parent_value="sgd"),
    )
)
ALL = 3 * 2 * 3
ALGORITHMS = ("random", "halton", "tpe", "cmaes", "grid")


def rules(trials: int = 40, **more) -> Rules:
    return Rules(metric="val_loss", mode="min", max_epochs=4, trials=trials, seed=1, space=SMALL, **more)


def curve(assignment: Assignment, epoch: int):
    config = assignment.config
    worse = 0.0 if config["opt"] == "adam" else 0.3
    return report(assignment, epoch, float(config["width"]) / 64 + worse + 1.0 / epoch)


def suggested(sweep: Sweep) -> list[tuple[object, ...]]:
    lines = [line for line in sweep.lines if line["kind"] == "suggestion"]
    return [(line["trial"], repr(line["config"]), line["origin"], *line.get("tried", ())) for line in lines]


def whole(algorithm: str, slots: int = 2) -> Sweep:
    sweep = Sweep(rules(), algorithm=algorithm, scheduler="asha", space=SMALL)
    sweep.run(curve, slots=slots)
    return sweep


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_small_space_is_tried_once_and_then_the_sweep_ends(algorithm: str) -> None:
    sweep = whole(algorithm)
    configs = [identity(trial.config) for trial in sweep.record().trials]
    assert len(configs) == len(set(configs)) == ALL
    assert sweep.controller.tried.exhausted
    if algorithm != "grid":
        assert sweep.controller.tried.exhausted == f"all {ALL} configurations of the space were tried"
        assert any("tried" in line for line in sweep.lines), "some were named again, and it is said of which trial"


@pytest.mark.slow
def test_the_gaussian_process_too() -> None:
    configs = [identity(trial.config) for trial in whole("gp").record().trials]
    assert len(configs) == len(set(configs)) == ALL


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_killed_anywhere_it_asks_again_as_it_would_have(algorithm: str) -> None:
    expected = whole(algorithm, slots=1)
    late = [at for at, line in enumerate(expected.lines) if line["kind"] == "suggestion" and line["number"] > 5]
    for crash in random.Random(0).sample(range(late[0], len(expected.lines) - 1), 5):
        sweep = Sweep(rules(), algorithm=algorithm, scheduler="asha", space=SMALL)
        sweep.crash_after = crash
        with pytest.raises(DriverKilled):
            sweep.run(curve)
        sweep.resume()
        sweep.run(curve)
        assert suggested(sweep) == suggested(expected), f"killed after line {crash}"


def test_what_an_earlier_run_tried_under_the_same_conditions_is_not_trained_again() -> None:
    warm = [
        {
            "kind": "warm",
            "at": 0.0,
            "number": (1 << 30) + number,
            "run": "earlier",
            "source": f"{number:04d}",
            "config": config,
            "reports": [[4, 1.0 + number]],
            "ending": "completed",
            "value": 1.0 + number,
            "diverged": False,
            "exact": True,
        }
        for number, config in enumerate(list(SMALL.grid())[:10])
    ]
    sweep = Sweep(rules(), algorithm="random", space=SMALL, warm=warm)
    record = sweep.run(curve)
    assert len(record.trials) == ALL - 10
    assert not {identity(trial.config) for trial in record.trials} & {identity(line["config"]) for line in warm}
    assert (
        sweep.controller.tried.exhausted
        == f"all {ALL} configurations of the space were tried, 10 of them in earlier runs"
    )
    told = [name for line in sweep.lines for name in line.get("tried", ())]
    assert any(name.startswith("earlier/00") for name in told)
    inexact = [{**line, "exact": False} for line in warm]
    assert len(Sweep(rules(), algorithm="random", space=SMALL, warm=inexact).run(curve).trials) == ALL


def test_where_nothing_is_searched_every_trial_is_the_one_configuration() -> None:
    space = Space((Parameter("width", "width", Constant(16)), Parameter("opt", "opt", Choice(("adam",)))))
    made = Rules(metric="val_loss", mode="min", max_epochs=2, trials=3, space=space)
    assert len(Sweep(made, algorithm="random", space=space).run(curve).trials) == 3
