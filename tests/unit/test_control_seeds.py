"""Further seeds: repeats and finalists, what the searcher is told of them, and a resume in the middle of them."""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace

import numpy as np
import pytest
from control_kit import DriverKilled, Outcome, Sweep, report
from hypothesis import given, settings
from hypothesis import strategies as st
from test_control_replay import decisions

from tuner.control.rules import Rules
from tuner.records.epochs import Assignment, Failure
from tuner.records.seeds import chosen_by_mean, over_seeds
from tuner.records.trial import COMPLETED, DOOMED, FAILED, INTERRUPTED, PRUNED

FINALS = Rules(metric="val_loss", mode="min", max_epochs=9, trials=10, seed=5, final_top=3, final_seeds=2)
REPEATS = Rules(metric="val_loss", mode="min", max_epochs=9, trials=10, seed=5, repeats=3)


def noisy_curve(job: Assignment, epoch: int) -> Outcome:
    """A loss whose end the configuration and the seed decide."""
    lr = float(job.config["lr"])  # type: ignore[arg-type]
    if lr > 0.3 and epoch >= 2:
        return report(job, epoch, math.nan)
    luck = 0.1 * np.random.default_rng(job.seed).standard_normal()
    return report(job, epoch, 0.5 + 0.1 * (math.log10(lr) + 2) ** 2 + luck + 2.0 / (1 + epoch))


class Heard:
    """What a searcher is told, beside what it does with it."""

    def __init__(self, sweep: Sweep) -> None:
        self.results: list[int] = []
        self.ends: list[tuple[int, str, float | None, bool]] = []
        inner = sweep.controller.searcher
        on_result, on_end = inner.on_trial_result, inner.on_trial_end

        def result(number: int, epoch: int, value: float) -> None:
            self.results.append(number)
            on_result(number, epoch, value)

        def end(number: int, ending: str, value: float | None, *, diverged: bool = False) -> None:
            self.ends.append((number, ending, value, diverged))
            on_end(number, ending, value, diverged=diverged)

        inner.on_trial_result, inner.on_trial_end = result, end  # type: ignore[method-assign]


@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize("scheduler", ["asha", "asha_promotion", "none"])
def test_the_best_are_trained_again_when_the_search_is_over(scheduler: str, slots: int) -> None:
    sweep = Sweep(FINALS, scheduler=scheduler)
    heard = Heard(sweep)
    record = sweep.run(noisy_curve, slots=slots)
    assert len(record.trials) == 10
    best = sorted((t for t in record.trials if t.ending in (COMPLETED, PRUNED)), key=lambda t: t.value or 0)[:3]
    assert record.finalists == tuple(trial.trial for trial in best)
    assert [t.trial for t in record.repeats] == [f"{name}-{nth}" for nth in (2, 3) for name in record.finalists]
    assert {len(trial.epochs) for trial in record.repeats} == {9}
    assert len({trial.seed for trial in record.trainings}) == 16
    assert not any(trial.rungs for trial in record.repeats)
    assert sorted(number for number, *_ in heard.ends) == list(range(10))
    assert len(heard.results) == sum(len(trial.epochs) for trial in record.trials)


def test_the_winner_has_the_best_mean_of_its_further_seeds() -> None:
    values = {"0000": [0.1, 0.9, 0.8], "0001": [0.2, 0.5, 0.4], "0002": [0.3, 0.6, 0.6], "0003": [0.7]}

    def curve(job: Assignment, epoch: int) -> Outcome:
        name, _, nth = job.trial.partition("-")
        return report(job, epoch, values[name][int(nth or 1) - 1])

    rules = replace(FINALS, trials=4, max_epochs=1)
    record = Sweep(rules, scheduler="none").run(curve)
    assert record.finalists == ("0000", "0001", "0002")
    assert record.best is not None
    assert record.best.trial == "0001"
    chosen = chosen_by_mean(record)
    assert chosen is not None
    assert (chosen.mean, chosen.values) == (pytest.approx(0.45), (0.5, 0.4))
    # By hand: variances 0.005, 0.005 and 0, their median over (1 - 2/9)³, four parts of it to one of its own.
    usual = 0.005 / (7 / 9) ** 3
    deviation = math.sqrt((4 * usual + 0.005) / 5)
    assert chosen.half == pytest.approx(2.571 * deviation / math.sqrt(2), rel=2e-3)
    assert [one.trial.trial for one in over_seeds(record)] == ["0001", "0002", "0000"]


def test_a_finalist_that_diverges_on_one_seed_does_not_win_and_one_that_fails_is_judged_by_the_others() -> None:
    def curve(job: Assignment, epoch: int) -> Outcome:
        if job.trial == "0000-3":
            return report(job, epoch, math.nan)
        if job.trial == "0001-2":
            return Failure(job.trial, job.attempt, "raised", "no")
        return report(job, epoch, 0.1 * (1 + int(job.trial[:4])))

    record = Sweep(replace(FINALS, trials=3, max_epochs=1), scheduler="none").run(curve)
    assert [t.ending for t in record.repeats] == [COMPLETED, FAILED, COMPLETED, DOOMED, COMPLETED, COMPLETED]
    assert record.best is not None
    assert record.best.trial == "0001"
    assert {one.trial.trial: one.mean for one in over_seeds(record)}["0000"] is None


def test_two_trials_of_one_configuration_are_one_finalist() -> None:
    first = tuple(("enqueued", {"lr": lr, "dropout": 0.0}) for lr in (0.01, 0.01, 0.02, 0.1))
    rules = replace(FINALS, trials=4, max_epochs=1, first=first)
    record = Sweep(rules, scheduler="none").run(noisy_curve)
    assert len(record.finalists) == 3
    assert len({"0000", "0001"} & set(record.finalists)) == 1


def test_a_finalist_is_trained_to_its_end_where_a_trial_would_be_doomed() -> None:
    def flat(job: Assignment, epoch: int) -> Outcome:
        return report(job, epoch, 2.3 / 0.9)

    rules = replace(FINALS, trials=1, max_epochs=30, final_top=1, final_seeds=1)
    first = Sweep(replace(rules, final_top=0)).run(flat)
    assert first.trials[0].ending == DOOMED
    record = Sweep(replace(rules, doomed=True)).run(
        lambda job, epoch: report(job, epoch, 2.3 / 0.9 if "-" in job.trial else 2.3 / epoch)
    )
    assert [t.ending for t in record.trainings] == [COMPLETED, COMPLETED]


def test_repeats_follow_what_came_to_its_end_and_the_searcher_hears_the_mean() -> None:
    sweep = Sweep(REPEATS)
    heard = Heard(sweep)
    record = sweep.run(noisy_curve)
    survived = [trial.trial for trial in record.trials if trial.ending == COMPLETED]
    assert [t.trial for t in record.repeats] == [f"{name}-{nth}" for name in survived for nth in (2, 3)]
    told = {number: (ending, value) for number, ending, value, _ in heard.ends}
    assert len(told) == len(heard.ends) == 10
    means = {one.trial.number: one.mean for one in over_seeds(record)}
    assert len(means) == len(survived) > 1
    for number, mean in means.items():
        assert told[number] == (COMPLETED, pytest.approx(mean))
    best = min(over_seeds(record), key=lambda one: one.mean or math.inf)
    assert record.best == best.trial
    assert len(best.values) == 3
    # The next suggestion comes when the repeats before it have run.
    kinds = [(line["kind"], line["trial"]) for line in sweep.lines if line["kind"] in ("suggestion", "further_seed")]
    place = kinds.index(("further_seed", f"{survived[0]}-3"))
    assert kinds[place + 1][0] == "suggestion"


def test_a_configuration_of_which_a_repeat_diverges_is_told_as_diverged() -> None:
    sweep = Sweep(replace(REPEATS, trials=2, max_epochs=1), scheduler="none")
    heard = Heard(sweep)
    record = sweep.run(lambda job, epoch: report(job, epoch, math.nan if job.trial == "0000-2" else 0.5))
    assert heard.ends == [(0, DOOMED, 0.5, True), (1, COMPLETED, pytest.approx(0.5), False)]
    assert record.best is not None
    assert record.best.trial == "0001"


def test_a_target_is_reached_by_the_mean_of_the_repeats_and_by_no_finalist() -> None:
    values = {"0000": 0.1, "0000-2": 0.9, "0000-3": 0.8, "0001": 0.3, "0001-2": 0.2, "0001-3": 0.3}

    def curve(job: Assignment, epoch: int) -> Outcome:
        return report(job, epoch, values.get(job.trial, 0.9))

    rules = replace(REPEATS, max_epochs=1, target={"val_loss": 0.3})
    sweep = Sweep(rules, scheduler="none")
    record = sweep.run(curve)
    assert (sweep.controller.stopped_by, len(record.trials)) == ("target", 2)
    finals = replace(FINALS, trials=3, max_epochs=1, target={"val_loss": 0.25})
    other = Sweep(finals, scheduler="none")
    other.run(lambda job, epoch: report(job, epoch, 0.2 if "-" in job.trial else 0.5))
    assert other.controller.stopping is None


def test_the_clock_interrupts_finalists_and_a_resume_goes_on_with_them() -> None:
    whole = Sweep(FINALS, scheduler="none")
    expected = whole.run(noisy_curve)
    sweep = Sweep(FINALS, scheduler="none")

    def curve(job: Assignment, epoch: int) -> Outcome:
        if job.trial == expected.repeats[3].trial and epoch == 4 and job.attempt == 1:
            sweep.controller.request_stop("clock", "1 hours are over")
        return noisy_curve(job, epoch)

    stopped = sweep.run(curve)
    assert stopped.repeats[-1].ending == INTERRUPTED
    assert chosen_by_mean(stopped) is None
    sweep.resume()
    record = sweep.run(curve)
    assert [(t.trial, t.value) for t in record.repeats] == [(t.trial, t.value) for t in expected.repeats]
    assert decisions(sweep) == decisions(whole)


def test_no_finalist_where_nothing_has_a_value() -> None:
    sweep = Sweep(replace(FINALS, trials=2))
    record = sweep.run(lambda job, epoch: Failure(job.trial, job.attempt, "raised", "no"))
    assert (record.finalists, record.repeats, sweep.controller.done) == ((), (), True)


PAIRS = [("tpe", "asha"), ("random", "asha_promotion"), ("random", "none")]
WHOLE = {}
for _algorithm, _scheduler in PAIRS:
    for _rules in (FINALS, REPEATS):
        _sweep = Sweep(_rules, algorithm=_algorithm, scheduler=_scheduler)
        _sweep.run(noisy_curve)
        WHOLE[_algorithm, _scheduler, _rules.repeats] = _sweep


@given(data=st.data(), pair=st.sampled_from(PAIRS), rules=st.sampled_from([FINALS, REPEATS]))
@settings(max_examples=60)
def test_killed_at_any_line_and_resumed_it_decides_as_if_nothing_had_happened(
    data, pair: tuple[str, str], rules: Rules
) -> None:
    expected = WHOLE[*pair, rules.repeats]
    sweep = Sweep(rules, algorithm=pair[0], scheduler=pair[1])
    kills = data.draw(st.lists(st.integers(2, len(expected.lines) - 1), min_size=1, max_size=3, unique=True))
    for crash in sorted(kills):
        if sweep.lines[-1]["kind"] != "driver":
            sweep.resume()
        sweep.crash_after = max(crash, len(sweep.lines) + 1)
        with contextlib.suppress(DriverKilled):
            sweep.run(noisy_curve)
    sweep.resume()
    record = sweep.run(noisy_curve)
    assert decisions(sweep) == decisions(expected)
    further = [
        [(line["trial"], line["seed"]) for line in one.lines if line["kind"] == "further_seed"]
        for one in (sweep, expected)
    ]
    assert further[0] == further[1]
    assert record.finalists == expected.record().finalists
    assert record.best is not None
    assert all(trial.ending is not None for trial in record.trainings)


@pytest.mark.parametrize("scheduler", ["asha_promotion", "none"])
def test_an_extended_sweep_chooses_its_finalists_anew_and_trains_only_what_they_lack(scheduler: str) -> None:
    sweep = Sweep(FINALS, scheduler=scheduler)
    first = sweep.run(noisy_curve)
    sweep.rules = replace(FINALS, trials=24)
    sweep.resume()
    record = sweep.run(noisy_curve)
    whole = Sweep(sweep.rules, scheduler=scheduler).run(noisy_curve)
    assert record.finalists == whole.finalists != first.finalists
    values = {t.trial: t.value for t in record.repeats}
    assert all(values[t.trial] == t.value for t in (*first.repeats, *whole.repeats))
    assert set(values) == {t.trial for t in (*first.repeats, *whole.repeats)}
    assert record.best is not None
    assert whole.best is not None
    assert record.best.trial == whole.best.trial


def test_a_resume_among_the_finalists_ends_no_waiting_trial_a_second_time() -> None:
    sweep = Sweep(FINALS, scheduler="asha_promotion")
    whole = Sweep(FINALS, scheduler="asha_promotion")
    whole.run(noisy_curve)
    assert any(line.get("paused") for line in whole.lines if line["kind"] == "ending")
    sweep.crash_after = len(whole.lines) - 5
    with pytest.raises(DriverKilled):
        sweep.run(noisy_curve)
    sweep.resume()
    sweep.run(noisy_curve)
    ended = [line["trial"] for line in sweep.lines if line["kind"] == "ending"]
    assert sorted(ended) == sorted({*ended})
