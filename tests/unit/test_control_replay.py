"""Resume: a driver killed at any line of the journal loses nothing and decides nothing otherwise."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import pytest
from control_kit import DriverKilled, Sweep, smooth_curve
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner.control.rules import Rules
from tuner.records.epochs import Assignment, Failure
from tuner.records.journal import Line
from tuner.records.trial import COMPLETED, DOOMED, FAILED, INTERRUPTED, PRUNED

RULES = Rules(metric="val_loss", mode="min", max_epochs=9, trials=14, seed=5)


def decisions(sweep: Sweep) -> list[tuple[object, ...]]:
    """Everything that was decided, without times and attempts."""
    out: list[tuple[object, ...]] = []
    for line in sweep.lines:
        if line["kind"] == "suggestion":
            out.append(("suggestion", line["trial"], tuple(line["config"].items()), line["seed"]))
        elif line["kind"] == "rung":
            out.append(("rung", line["trial"], line["epoch"], line["promoted"], line["reason"]))
        elif line["kind"] == "promotion":
            out.append(("promotion", line["trial"], line["epoch"]))
        elif line["kind"] == "ending" and line["ending"] != INTERRUPTED:
            out.append(("ending", line["trial"], line["ending"], line["value"], line["reason"]))
        elif line["kind"] == "report":
            out.append(("report", line["trial"], line["epoch"]))
    return out


def warm_line(number: int, lr: float, ending: str, reports: list[list[object]], value: float | None) -> Line:
    return {
        "kind": "warm",
        "at": 0.0,
        "number": (1 << 30) + number,
        "run": "earlier",
        "source": f"{number:04d}",
        "config": {"lr": lr, "dropout": 0.1},
        "reports": reports,
        "ending": ending,
        "value": value,
        "diverged": ending == DOOMED,
    }


WARM = [
    *[warm_line(n, 10.0 ** (-n / 2), COMPLETED, [[1, 2.0], [2, 0.3 * n]], 0.3 * n) for n in range(1, 9)],
    warm_line(9, 3e-5, PRUNED, [[1, 2.2]], 2.2),
    warm_line(10, 0.9, DOOMED, [[1, 2.5], [2, "NaN"]], 2.5),
    warm_line(11, 2e-3, COMPLETED, [[1, 1.0]], 1.0),
]
"""Enough for TPE to learn from its first suggestion on."""


def whole(algorithm: str, scheduler: str, warm: Sequence[Line] = ()) -> Sweep:
    sweep = Sweep(RULES, algorithm=algorithm, scheduler=scheduler, warm=warm)
    sweep.run()
    return sweep


PAIRS = [("tpe", "asha"), *[("random", name) for name in ("asha", "asha_promotion", "hyperband", "median", "none")]]
WHOLE = {pair: whole(*pair) for pair in PAIRS}
WARMED = {pair: whole(*pair, WARM) for pair in (("tpe", "asha"), ("random", "asha_promotion"))}


@given(data=st.data(), pair=st.sampled_from(PAIRS), warmed=st.booleans())
@settings(max_examples=60)
def test_killed_at_any_line_and_resumed_it_decides_as_if_nothing_had_happened(
    data, pair: tuple[str, str], warmed: bool
) -> None:
    warm = WARM if warmed and pair in WARMED else []
    expected = WARMED[pair] if warm else WHOLE[pair]
    algorithm, scheduler = pair
    sweep = Sweep(RULES, algorithm=algorithm, scheduler=scheduler, warm=warm)
    first = len(warm) + 2
    kills = data.draw(st.lists(st.integers(first, len(expected.lines) - 1), min_size=1, max_size=3, unique=True))
    for crash in sorted(kills):
        if sweep.lines[-1]["kind"] != "driver":
            sweep.resume()
        sweep.crash_after = max(crash, len(sweep.lines) + 1)
        with contextlib.suppress(DriverKilled):
            sweep.run()
    sweep.resume()
    record = sweep.run()
    assert decisions(sweep) == decisions(expected)
    assert all(trial.ending is not None for trial in record.trials)
    assert all(trial.repeated == 0 for trial in record.trials)


def test_a_warm_start_is_learnt_from_and_no_trial_of_it_is_this_sweeps() -> None:
    cold, warm = WHOLE["tpe", "asha"], WARMED["tpe", "asha"]
    configs = [[line["config"] for line in sweep.lines if line["kind"] == "suggestion"] for sweep in (cold, warm)]
    assert configs[0][0] != configs[1][0]
    assert [len(each) for each in configs] == [RULES.trials, RULES.trials]
    record = warm.record()
    assert [trial.number for trial in record.trials] == list(range(RULES.trials or 0))
    assert record.best is not None
    assert record.best.value != 0.3
    plain = [WHOLE["random", "asha_promotion"], WARMED["random", "asha_promotion"]]
    assert decisions(plain[0]) == decisions(plain[1]), "the scheduler's rungs are its own"


def test_a_stopped_sweep_goes_on_with_the_interrupted_trials_first() -> None:
    sweep = Sweep(RULES, scheduler="none")

    def curve(job: Assignment, epoch: int):
        if job.trial == "0003" and epoch == 4:
            sweep.controller.request_stop("user", "stopped by Ctrl-C")
        return smooth_curve(job, epoch)

    stopped = sweep.run(curve)
    assert stopped.trials[3].ending == INTERRUPTED
    sweep.resume()
    job = sweep.controller.next_assignment()
    assert job is not None
    assert (job.trial, job.attempt, job.after_epoch) == ("0003", 2, 4)


def test_a_failed_trial_is_tried_again_on_resume_but_not_one_out_of_memory() -> None:
    def curve(job: Assignment, epoch: int):
        if job.trial in ("0001", "0002"):
            kind = "raised" if job.trial == "0001" else "out_of_memory"
            return Failure(job.trial, job.attempt, kind, "no")
        return smooth_curve(job, epoch)

    first = tuple(("enqueued", {"lr": 0.01, "dropout": 0.1 * number}) for number in range(4))
    rules = Rules(metric="val_loss", mode="min", max_epochs=2, trials=4, retries=1, first=first)
    sweep = Sweep(rules, scheduler="none")
    sweep.run(curve)
    sweep.resume()
    record = sweep.run(smooth_curve)
    assert [trial.ending for trial in record.trials] == [COMPLETED, COMPLETED, FAILED, COMPLETED]


def test_a_retried_trial_that_fails_again_stays_failed() -> None:
    def curve(job: Assignment, epoch: int):
        return Failure(job.trial, job.attempt, "raised", "no")

    rules = Rules(metric="val_loss", mode="min", max_epochs=2, trials=1, retries=1)
    sweep = Sweep(rules)
    sweep.run(curve)
    for _ in range(3):
        sweep.resume()
        sweep.run(curve)
    assert sum(line["kind"] == "ending" for line in sweep.lines) == 2


def test_nothing_is_told_twice() -> None:
    sweep = Sweep(RULES, algorithm="tpe")
    sweep.crash_after = 40
    with pytest.raises(DriverKilled):
        sweep.run()
    sweep.resume()
    sweep.run()
    suggested = [line["trial"] for line in sweep.lines if line["kind"] == "suggestion"]
    ended = [line["trial"] for line in sweep.lines if line["kind"] == "ending"]
    reported = [(line["trial"], line["epoch"]) for line in sweep.lines if line["kind"] == "report"]
    for told in (suggested, ended, reported):
        assert len(told) == len(set(told)) > 0
