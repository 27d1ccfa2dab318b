"""What "is a scheduler" means: a test of a new one is a subclass that defines `make`."""

from __future__ import annotations

import math
import random
from abc import ABC, abstractmethod

from tuner.search.interface import RungDecision, Scheduler
from tuner.search.promotion import PromotionAsha

MAX_EPOCHS = 27


def play(
    scheduler: Scheduler, curves: dict[str, list[float]], order: list[str]
) -> list[tuple[str, int, RungDecision | None]]:
    """Each trial in `order` reports its next epoch; one that was pruned or waits for others reports no more.

    A scheduler that pauses finds a free worker for whom it promotes at once.
    """
    at, decisions, pruned = dict.fromkeys(curves, 0), [], set[str]()
    for trial in order:
        while isinstance(scheduler, PromotionAsha) and (promoted := scheduler.next_promoted()) is not None:
            scheduler.on_trial_promoted(promoted)
            pruned.remove(promoted)
        if trial in pruned or at[trial] >= len(curves[trial]):
            continue
        at[trial] += 1
        decision = scheduler.on_trial_result(trial, at[trial], curves[trial][at[trial] - 1])
        decisions.append((trial, at[trial], decision))
        if decision is not None and not decision.promoted:
            pruned.add(trial)
    return decisions


def some_curves(seed: int, trials: int = 20) -> tuple[dict[str, list[float]], list[str]]:
    """Falling curves, one in five of which turns NaN, and an order of 1 to 4 workers' reports."""
    draw = random.Random(seed)
    curves = {}
    for number in range(trials):
        floor, speed = draw.random(), draw.uniform(0.2, 2)
        curve = [floor + math.exp(-speed * epoch) for epoch in range(1, MAX_EPOCHS + 1)]
        if draw.random() < 0.2:
            broken = draw.randrange(MAX_EPOCHS)
            curve[broken:] = [math.nan] * (MAX_EPOCHS - broken)
        curves[f"{number:04d}"] = curve
    order = []
    waiting, running = list(curves), []
    while waiting or running:
        while waiting and len(running) < 4:
            running.append(waiting.pop(0))
        trial = draw.choice(running)
        order.append(trial)
        if order.count(trial) == MAX_EPOCHS:
            running.remove(trial)
    return curves, order


class SchedulerContract(ABC):
    @abstractmethod
    def make(self) -> Scheduler:
        """Your scheduler, over MAX_EPOCHS epochs."""

    def test_the_same_reports_in_the_same_order_get_the_same_decisions(self) -> None:
        for seed in range(5):
            curves, order = some_curves(seed)
            assert play(self.make(), curves, order) == play(self.make(), curves, order)

    def test_a_report_told_twice_changes_nothing(self) -> None:
        """After a kill the last reports may come again, from the journal and from the worker."""
        curves, order = some_curves(seed=3)
        once, twice = self.make(), self.make()
        told = play(once, curves, order)
        assert told
        for trial, epoch, decision in told:
            value = curves[trial][epoch - 1]
            if isinstance(twice, PromotionAsha):
                twice.on_trial_promoted(trial)
            assert twice.on_trial_result(trial, epoch, value) == decision
            assert twice.on_trial_result(trial, epoch, value) == decision

    def test_the_last_epoch_is_nobodys_rung(self) -> None:
        """A trial that has trained all its epochs is completed, not pruned."""
        scheduler = self.make()
        for number in range(9):
            trial = f"{number:04d}"
            assert scheduler.on_trial_result(trial, MAX_EPOCHS, float(number)) is None

    def test_the_best_trial_is_never_pruned(self) -> None:
        for seed in range(5):
            curves, order = some_curves(seed)
            curves["0007"] = [-1.0] * MAX_EPOCHS
            decisions = [decision for trial, _, decision in play(self.make(), curves, order) if trial == "0007"]
            assert all(decision is None or decision.promoted or decision.paused for decision in decisions)
            assert len(decisions) == MAX_EPOCHS or any(decision and decision.paused for decision in decisions)

    def test_a_decision_names_its_rung_and_a_reason(self) -> None:
        curves, order = some_curves(seed=1)
        for _, epoch, decision in play(self.make(), curves, order):
            if decision is not None:
                assert decision.epoch == epoch
                assert decision.reason

    def test_losing_a_trial_that_never_reported_is_no_fault(self) -> None:
        scheduler = self.make()
        scheduler.on_trial_lost_for_good("0000", worst=True)
        scheduler.on_trial_lost_for_good("0000", worst=True)
        scheduler.on_trial_lost_for_good("0001", worst=False)
        first = scheduler.on_trial_result("0002", 1, 0.5)
        assert first is None or first.promoted or first.paused
