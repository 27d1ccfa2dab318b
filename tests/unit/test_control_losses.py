"""Lost workers on the simulated clock: who waits how long, who is not held responsible, which nodes are avoided."""

from __future__ import annotations

from typing import Any

import pytest
from control_kit import DriverKilled, Outcome, Sweep, smooth_curve

from tuner.control.losses import AVOIDED_SECONDS, LONGEST_WAIT_SECONDS, WINDOW_SECONDS, Nodes, wait_seconds
from tuner.control.rules import Rules
from tuner.records.epochs import Assignment, Failure


def rules(**more: Any) -> Rules:
    return Rules(
        **{"metric": "val_loss", "mode": "min", "max_epochs": 4, "trials": 4, "seed": 1, "doomed": False} | more
    )


def lost(job: Assignment, kind: str = "lost", **more: Any) -> Failure:
    return Failure(job.trial, job.attempt, kind, "its worker is gone", **more)


def losing(times: int, kind: str = "lost", epoch: int = 3, **more: Any):
    """Trial 0000 loses its worker so many times at that epoch."""
    left = [times]

    def curve(job: Assignment, at: int) -> Outcome:
        if job.trial == "0000" and at == epoch and left[0]:
            left[0] -= 1
            return lost(job, kind, **more)
        return smooth_curve(job, at)

    return curve


def test_the_first_loss_costs_no_wait_and_further_ones_ever_more() -> None:
    assert [wait_seconds(times) for times in range(7)] == [0, 0, 10, 20, 40, 80, 160]
    assert wait_seconds(10) == wait_seconds(10_000) == LONGEST_WAIT_SECONDS


def test_a_trial_that_waits_lets_others_go_first() -> None:
    sweep = Sweep(rules(retries=5), scheduler="none")
    record = sweep.run(losing(3))
    assert [trial.ending for trial in record.trials] == ["completed"] * 4
    waits = [line.get("wait", 0.0) for line in sweep.lines if line["kind"] == "lost"]
    assert waits == [0.0, 10.0, 20.0]
    starts = [line["at"] for line in sweep.lines if line["kind"] == "start" and line["trial"] == "0000"]
    losses = [line["at"] for line in sweep.lines if line["kind"] == "lost"]
    assert all(start - loss >= wait for start, loss, wait in zip(starts[1:], losses, waits, strict=True))
    order = [line["trial"] for line in sweep.lines if line["kind"] == "start"]
    assert order[:3] == ["0000", "0000", "0001"], "at once, then others first"


def test_a_new_epoch_ends_the_row_of_losses() -> None:
    sweep = Sweep(rules(retries=5, trials=1), scheduler="none")
    lost_at = iter([2, 3])
    due = [next(lost_at)]

    def curve(job: Assignment, at: int) -> Outcome:
        if due and at == due[0]:
            due[:] = list(lost_at)[:1]
            return lost(job)
        return smooth_curve(job, at)

    sweep.run(curve)
    assert [line.get("wait") for line in sweep.lines if line["kind"] == "lost"] == [None, None]


def test_a_preemption_is_not_held_against_a_trial_and_does_not_loop_at_full_speed() -> None:
    sweep = Sweep(rules(retries=0, trials=1), scheduler="none")
    (trial,) = sweep.run(losing(12, "preempted", node="spot", node_gone=True)).trials
    assert (trial.ending, trial.attempt) == ("completed", 13)
    took = sweep.clock.now - 1_000_000.0
    assert took > sum(wait_seconds(times) for times in range(1, 13)) > 1500
    assert not [line for line in sweep.lines if line["kind"] == "avoid"]


def test_retries_count_what_is_no_preemption() -> None:
    kinds = ["preempted", "lost", "preempted", "lost"]

    def curve(job: Assignment, at: int) -> Outcome:
        return lost(job, kinds.pop(0)) if kinds else smooth_curve(job, at)

    sweep = Sweep(rules(retries=1, trials=1), scheduler="none")
    (trial,) = sweep.run(curve).trials
    assert trial.ending == "failed"
    assert "lost 2 times" in trial.reason


def unlucky_node(job: Assignment, at: int) -> Outcome:
    """Whoever begins there loses its worker once."""
    if job.attempt == 1 and at == 2:
        return lost(job, node="bad")
    return smooth_curve(job, at)


def test_a_node_that_loses_several_trials_workers_is_avoided_for_a_while() -> None:
    sweep = Sweep(rules(trials=6), scheduler="none")
    sweep.run(unlucky_node)
    (avoid,) = [line for line in sweep.lines if line["kind"] == "avoid"]
    before = sweep.lines[sweep.lines.index(avoid) - 1]
    assert (before["kind"], before["node"], before["at"]) == ("lost", "bad", avoid["at"])
    assert avoid["trials"] == ["0000", "0001", "0002"]
    assert "node bad lost 3 workers" in avoid["reason"]
    assert sweep.controller.avoided_nodes() == ("bad",)
    sweep.clock.now = avoid["until"]
    assert sweep.controller.avoided_nodes() == ()


def test_one_trial_that_kills_its_workers_is_not_its_nodes_fault() -> None:
    nodes = Nodes()
    assert [nodes.on_lost(line_of(at, "0007")) for at in range(9)] == [None] * 9


def test_losses_long_ago_and_nodes_that_are_gone_do_not_count() -> None:
    nodes = Nodes()
    told = [line_of(0, "0001"), line_of(WINDOW_SECONDS, "0002"), line_of(2 * WINDOW_SECONDS, "0003")]
    told += [line_of(0, "0004", node="b", node_gone=True), line_of(1, "0005", node="b", node_gone=True)]
    told += [line_of(2, name, node="c", failure="evicted") for name in ("0001", "0002", "0003", "0004")]
    assert [nodes.on_lost(line) for line in told] == [None] * len(told)


def test_a_node_is_avoided_again_if_it_goes_on_like_that() -> None:
    nodes = Nodes()
    decided = [nodes.on_lost(line_of(at, f"{at % 5:04d}")) for at in range(5)]
    assert [line is not None for line in decided] == [False, False, True, False, False]
    later = AVOIDED_SECONDS + 3
    assert any(nodes.on_lost(line_of(later + at, f"{at:04d}")) for at in range(3))


def line_of(at: float, trial: str, **more: Any) -> dict[str, Any]:
    return {"kind": "lost", "at": float(at), "trial": trial, "failure": "lost", "node": "a"} | more


@pytest.mark.parametrize("crash_after", range(4, 46))
def test_a_resumed_driver_knows_what_the_journal_knows(crash_after: int) -> None:
    """Killed after any line, between a loss and its consequence too: the node is avoided until the same moment."""
    whole = Sweep(rules(trials=6), scheduler="none")
    whole.run(unlucky_node)
    broken = Sweep(rules(trials=6), scheduler="none")
    broken.crash_after = crash_after
    try:
        broken.run(unlucky_node)
    except DriverKilled:
        broken.resume()
    kinds = [line["kind"] for line in broken.lines]
    counted = [line for line in broken.lines if line["kind"] == "lost"]
    said = [line for line in broken.lines if line["kind"] == "avoid"]
    assert len(said) == (len(counted) >= 3)
    if said:
        (at_first,) = [line for line in whole.lines if line["kind"] == "avoid"]
        assert (said[0]["until"], said[0]["reason"]) == (at_first["until"], at_first["reason"])
        assert broken.controller.avoided_nodes() == ("bad",)
    assert kinds.count("sweep") == 1


def test_storage_that_cannot_be_written_stops_the_sweep_and_fails_no_trial() -> None:
    sweep = Sweep(rules(retries=1, trials=3), scheduler="none")
    down = [True]

    def curve(job: Assignment, at: int) -> Outcome:
        return lost(job, "storage") if down[0] and at == 3 else smooth_curve(job, at)

    record = sweep.run(curve)
    assert {trial.ending for trial in record.trials} == {"interrupted"}, "who waited to be tried again too"
    assert sweep.controller.stopped_by == "storage"
    assert "checkpoints cannot be written" in str(sweep.controller.stopping)
    down[0] = False
    sweep.resume()
    record = sweep.run(curve)
    assert [trial.ending for trial in record.trials] == ["completed"] * 3
    assert all([row.epoch for row in trial.epochs] == [1, 2, 3, 4] for trial in record.trials)
