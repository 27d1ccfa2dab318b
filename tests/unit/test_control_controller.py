"""The controller: how each trial ends, who is told, and what the journal says."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from control_kit import Sweep, report, smooth_curve

from tuner.control.rules import Rules
from tuner.records.epochs import Assignment, Failure, Report
from tuner.records.trial import COMPLETED, DOOMED, FAILED, INTERRUPTED, PRUNED

RULES = Rules(metric="val_loss", mode="min", max_epochs=9, trials=12, seed=3)


def endings(record):
    return {trial.trial: trial.ending for trial in record.trials}


def test_a_sweep_runs_to_its_end_and_every_trial_has_an_ending() -> None:
    record = Sweep(RULES).run(slots=3)
    assert len(record.trials) == 12
    assert set(endings(record).values()) <= {COMPLETED, PRUNED, DOOMED}
    assert COMPLETED in endings(record).values()
    assert PRUNED in endings(record).values()


def test_trial_numbers_and_names_count_from_zero() -> None:
    record = Sweep(RULES).run()
    assert [trial.trial for trial in record.trials] == [f"{number:04d}" for number in range(12)]


def test_the_given_configurations_come_first() -> None:
    first = (("default", {"lr": 0.01, "dropout": 0.0}), ("enqueued", {"lr": 0.02, "dropout": 0.1}))
    rules = Rules(metric="val_loss", mode="min", max_epochs=3, trials=4, first=first)
    record = Sweep(rules).run()
    assert [trial.origin for trial in record.trials] == ["default", "enqueued", "random", "random"]
    assert record.trials[0].config == {"lr": 0.01, "dropout": 0.0}


def test_the_value_is_the_best_epochs_raw_metric() -> None:
    losses = [0.9, 0.4, 0.6, 0.7]
    rules = Rules(metric="val_loss", mode="min", max_epochs=4, trials=1, doomed=False)
    record = Sweep(rules, scheduler="none").run(lambda job, epoch: report(job, epoch, losses[epoch - 1]))
    assert (record.trials[0].value, record.trials[0].best_epoch) == (0.4, 2)
    assert record.trials[0].ending == COMPLETED


def test_in_mode_max_more_is_better_at_rungs_and_at_the_end() -> None:
    rules = Rules(metric="val_loss", mode="max", max_epochs=9, trials=12, seed=3, doomed=False)
    record = Sweep(rules).run(slots=2)
    first_rung = [rung for trial in record.trials for rung in trial.rungs if rung.epoch == 1]
    assert any(rung.promoted for rung in first_rung)
    stopped = [rung.value for rung in first_rung if not rung.promoted]
    assert stopped
    assert max(rung.value for rung in first_rung if rung.promoted) > min(stopped)
    assert record.best is not None
    assert record.best.value == max(trial.value for trial in record.trials)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_dooms_the_trial_whatever_the_file_says(bad: float) -> None:
    rules = Rules(metric="val_loss", mode="min", max_epochs=9, trials=1, doomed=False)
    record = Sweep(rules).run(lambda job, epoch: report(job, epoch, bad if epoch == 2 else 1.0))
    (trial,) = record.trials
    assert (trial.ending, trial.verdict, len(trial.epochs)) == (DOOMED, "diverged", 2)
    assert "epoch 2" in trial.reason


def test_a_trial_that_raises_has_failed_and_the_sweep_goes_on() -> None:
    def curve(job: Assignment, epoch: int):
        if job.trial == "0001" and epoch == 2:
            return Failure(job.trial, job.attempt, "raised", "ValueError: no", "Traceback ...")
        return smooth_curve(job, epoch)

    record = Sweep(RULES, scheduler="none").run(curve)
    failed = record.trials[1]
    assert (failed.ending, failed.reason, failed.traceback) == (FAILED, "ValueError: no", "Traceback ...")
    assert sum(trial.ending == FAILED for trial in record.trials) == 1


def test_a_lost_worker_is_no_ending() -> None:
    lost = []

    def curve(job: Assignment, epoch: int):
        if job.trial == "0000" and epoch == 3 and not lost:
            lost.append(job)
            return Failure(job.trial, job.attempt, "lost", "node died")
        return smooth_curve(job, epoch)

    good = (("default", {"lr": 0.01, "dropout": 0.0}),)
    rules = Rules(metric="val_loss", mode="min", max_epochs=5, trials=2, first=good)
    record = Sweep(rules, scheduler="none").run(curve)
    trial = record.trials[0]
    assert (trial.ending, trial.attempt, len(trial.epochs), trial.repeated) == (COMPLETED, 2, 5, 0)


def test_a_worker_lost_too_often_is_a_failure_that_says_so() -> None:
    rules = Rules(metric="val_loss", mode="min", max_epochs=5, trials=1, retries=2)
    record = Sweep(rules).run(lambda job, epoch: Failure(job.trial, job.attempt, "lost", "node died"))
    (trial,) = record.trials
    assert (trial.ending, trial.attempt) == (FAILED, 3)
    assert "lost 3 times" in trial.reason


@pytest.mark.parametrize(("evictions", "ending"), [(1, COMPLETED), (2, FAILED)])
def test_a_trial_that_fills_its_node_twice_does_not_fit(evictions: int, ending: str) -> None:
    """The first time, its neighbours may have filled it."""

    def curve(job: Assignment, epoch: int) -> Report | Failure:
        if job.trial == "0000" and epoch == 2 and job.attempt <= evictions:
            return Failure(job.trial, job.attempt, "evicted", "its node ran short of memory")
        return smooth_curve(job, epoch)

    good = (("default", {"lr": 0.01, "dropout": 0.0}),)
    rules = Rules(metric="val_loss", mode="min", max_epochs=3, trials=2, first=good, retries=2)
    sweep = Sweep(rules, scheduler="none")
    trial = sweep.run(curve).trials[0]
    assert (trial.ending, trial.attempt) == (ending, 2)
    assert trial.failure == ("out_of_memory" if ending == FAILED else "")
    assert sweep.controller.trials["0000"].evictions == evictions
    if ending == FAILED:
        assert trial.reason.startswith("out of memory: its worker was ended 2 times; at last: its node ran short")
    sweep.resume()
    assert sweep.run(curve).trials[0].attempt == 2, "not again on a resume"


def test_a_resume_knows_that_a_trial_was_evicted_once() -> None:
    rules = Rules(metric="val_loss", mode="min", max_epochs=3, trials=1, retries=2)
    sweep = Sweep(rules)
    first = sweep.controller.next_assignment()
    assert first is not None
    sweep.controller.started(first.trial, first.attempt)
    sweep.controller.on_failure(Failure(first.trial, first.attempt, "evicted", "short"))
    sweep.resume()
    (trial,) = sweep.run(lambda job, epoch: Failure(job.trial, job.attempt, "evicted", "short")).trials
    assert (trial.failure, trial.attempt) == ("out_of_memory", 2)


def test_without_retries_an_eviction_is_out_of_memory_at_once() -> None:
    rules = Rules(metric="val_loss", mode="min", max_epochs=3, trials=1, retries=0)
    (trial,) = Sweep(rules).run(lambda job, epoch: Failure(job.trial, job.attempt, "evicted", "short")).trials
    assert (trial.ending, trial.failure, trial.attempt) == (FAILED, "out_of_memory", 1)
    assert "ended once" in trial.reason


def test_epochs_trained_again_are_counted_apart_and_change_no_curve() -> None:
    sweep = Sweep(Rules(metric="val_loss", mode="min", max_epochs=3, trials=1), scheduler="none")
    job = sweep.controller.next_assignment()
    assert job is not None
    assert sweep.controller.on_report(report(job, 1, 1.0))
    assert sweep.controller.on_report(report(job, 1, 7.0))
    assert sweep.controller.on_report(report(job, 2, 0.9))
    trial = sweep.record().trials[0]
    assert ([epoch.metrics["val_loss"] for epoch in trial.epochs], trial.repeated) == ([1.0, 0.9], 1)


def test_a_stale_workers_report_is_dropped_and_it_is_told_to_stop() -> None:
    sweep = Sweep(Rules(metric="val_loss", mode="min", max_epochs=9, trials=1), scheduler="none")
    old = sweep.controller.next_assignment()
    assert old is not None
    sweep.controller.on_failure(Failure(old.trial, old.attempt, "lost", "node died"))
    new = sweep.controller.next_assignment()
    assert new is not None
    assert (new.trial, new.attempt) == (old.trial, old.attempt + 1)
    before = list(sweep.lines)
    assert not sweep.controller.on_report(report(old, 1, 0.5))
    sweep.controller.on_failure(Failure(old.trial, old.attempt, "raised", "late"))
    assert sweep.lines == before


def test_a_silent_trial_has_failed_with_that_reason() -> None:
    rules = Rules(metric="val_loss", mode="min", max_epochs=9, trials=1, silent_seconds=60.0)
    sweep = Sweep(rules)
    job = sweep.controller.next_assignment()
    assert job is not None
    sweep.clock.now += 1000  # it waits for a worker: that is no silence
    assert sweep.controller.silent_trials() == ()
    sweep.controller.started(job.trial, job.attempt)
    sweep.clock.now += 59
    assert sweep.controller.silent_trials() == ()
    sweep.clock.now += 2
    assert sweep.controller.silent_trials() == ("0000",)
    assert "silent" in sweep.record().trials[0].reason
    assert sweep.controller.done


def test_a_stop_interrupts_what_runs_and_starts_nothing_more() -> None:
    sweep = Sweep(RULES, scheduler="none")

    def curve(job: Assignment, epoch: int):
        if job.trial == "0002" and epoch == 2:
            sweep.controller.request_stop("user", "stopped by Ctrl-C")
        return smooth_curve(job, epoch)

    record = sweep.run(curve, slots=2)
    assert sorted(ending for ending in endings(record).values() if ending == INTERRUPTED) == [INTERRUPTED] * 2
    assert len(record.trials) == 4
    assert "Ctrl-C" in record.trials[-1].reason


def test_the_clock_ends_a_sweep() -> None:
    rules = Rules(metric="val_loss", mode="min", max_epochs=9, trials=50, seconds=20.0)
    sweep = Sweep(rules, scheduler="none")
    record = sweep.run()
    assert sweep.controller.stopped_by == "clock"
    assert len(record.trials) < 50


def test_a_reached_target_ends_a_sweep() -> None:
    rules = Rules(metric="val_loss", mode="min", max_epochs=9, trials=50, target={"val_loss": 0.9})
    sweep = Sweep(rules, scheduler="none")
    record = sweep.run()
    assert sweep.controller.stopped_by == "target"
    assert record.best is not None
    assert record.best.value is not None
    assert record.best.value <= 0.9


def test_a_trial_that_never_reports_the_metric_has_failed_and_learns_why() -> None:
    rules = Rules(metric="val_f1", mode="max", max_epochs=2, trials=1)
    (trial,) = Sweep(rules).run(lambda job, epoch: report(job, epoch, 1.0)).trials
    assert trial.ending == FAILED
    assert "val_f1" in trial.reason
    assert "val_loss" in trial.reason


def test_its_own_patience_completes_a_trial() -> None:
    rules = Rules(metric="val_loss", mode="min", max_epochs=9, trials=1)
    record = Sweep(rules, scheduler="none").run(
        lambda job, epoch: report(job, epoch, 1.0 / epoch, finished="patience 2" if epoch == 4 else None)
    )
    assert (record.trials[0].ending, record.trials[0].reason) == (COMPLETED, "patience 2")


def test_a_loop_that_returns_early_completes_its_trial() -> None:
    sweep = Sweep(Rules(metric="val_loss", mode="min", max_epochs=9, trials=1), scheduler="none")
    job = sweep.controller.next_assignment()
    assert job is not None
    assert sweep.controller.on_report(report(job, 1, 1.0))
    assert not sweep.controller.on_report(report(job, 1, 1.0, finished="the loop returned after epoch 1"))
    (trial,) = sweep.record().trials
    assert (trial.ending, trial.reason, trial.repeated) == (COMPLETED, "the loop returned after epoch 1", 0)
    assert sweep.controller.done


def test_concurrency_bounds_what_is_handed_out() -> None:
    rules = Rules(metric="val_loss", mode="min", max_epochs=9, trials=9, concurrency=2)
    sweep = Sweep(rules)
    handed = [sweep.controller.next_assignment() for _ in range(4)]
    assert [job is not None for job in handed] == [True, True, False, False]
    assert not sweep.controller.done


def test_the_same_sweep_twice_writes_the_same_journal() -> None:
    one, two = Sweep(RULES, algorithm="tpe"), Sweep(RULES, algorithm="tpe")
    one.run(slots=3)
    two.run(slots=3)
    assert one.lines == two.lines


def test_with_promotion_trials_pause_and_the_best_go_on_from_their_rung() -> None:
    sweep = Sweep(RULES, scheduler="asha_promotion")
    record = sweep.run(slots=2)
    assert set(endings(record).values()) <= {COMPLETED, PRUNED, DOOMED}
    paused = [line for line in sweep.lines if line["kind"] == "rung" and line.get("paused")]
    promoted = [line for line in sweep.lines if line["kind"] == "promotion"]
    assert len(paused) > len(promoted) > 0
    went_on = record.trials[int(promoted[0]["trial"])]
    assert len(went_on.epochs) > promoted[0]["epoch"]
    assert [epoch.epoch for epoch in went_on.epochs] == list(range(1, len(went_on.epochs) + 1))
    assert any("still paused" in trial.reason for trial in record.trials if trial.ending == PRUNED)


def test_trials_that_end_together_have_the_lines_that_each_would_have_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = Rules(metric="val_loss", mode="min", max_epochs=9, trials=40, seed=2)
    together = Sweep(rules, scheduler="asha_promotion")
    together.run(slots=4)
    monkeypatch.setattr("tuner.control.endings.TOGETHER", 1)
    alone = Sweep(rules, scheduler="asha_promotion")
    alone.run(slots=4)
    assert sum(line.get("paused", False) for line in together.lines if line["kind"] == "ending") > 9
    assert together.lines == alone.lines


def test_a_stop_leaves_paused_trials_paused_for_the_resume() -> None:
    sweep = Sweep(RULES, scheduler="asha_promotion")

    def curve(job: Assignment, epoch: int):
        if job.trial == "0005":
            sweep.controller.request_stop("user", "stopped by Ctrl-C")
        return smooth_curve(job, epoch)

    stopped = sweep.run(curve)
    assert INTERRUPTED in endings(stopped).values()
    sweep.resume()
    waiting = [trial.trial for trial in sweep.controller.trials.values() if trial.paused is not None]
    assert waiting
    record = sweep.run()
    whole = Sweep(RULES, scheduler="asha_promotion").run()
    assert [(t.ending, len(t.epochs)) for t in record.trials] == [(t.ending, len(t.epochs)) for t in whole.trials]


@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize("trials", [1, 2, 4])
def test_the_best_of_a_sweep_too_small_for_its_rungs_still_trains_to_the_end(trials: int, slots: int) -> None:
    sweep = Sweep(replace(RULES, trials=trials), scheduler="asha_promotion")
    record = sweep.run(slots=slots)
    done = [trial for trial in record.trials if trial.ending == COMPLETED]
    assert len(done) == 1
    assert len(done[0].epochs) == RULES.max_epochs
    first = [trial.epochs[0].metrics["val_loss"] for trial in record.trials if trial.ending != DOOMED]
    assert done[0].epochs[0].metrics["val_loss"] == min(first)
    assert sweep.controller.done
