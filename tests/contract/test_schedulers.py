"""Every scheduler passes the suite."""

from __future__ import annotations

import pytest

from tests.contract.scheduler import MAX_EPOCHS, SchedulerContract
from tuner.errors import InputError
from tuner.search.interface import Scheduler
from tuner.search.make import make_scheduler
from tuner.search.promotion import PromotionAsha


class TestAsha(SchedulerContract):
    def make(self) -> Scheduler:
        return make_scheduler("asha", {"grace": 1, "eta": 3}, max_epochs=MAX_EPOCHS)


class TestNone(SchedulerContract):
    def make(self) -> Scheduler:
        return make_scheduler("none", {}, max_epochs=MAX_EPOCHS)


class TestMedian(SchedulerContract):
    def make(self) -> Scheduler:
        return make_scheduler("median", {}, max_epochs=MAX_EPOCHS)


class TestHyperband(SchedulerContract):
    def make(self) -> Scheduler:
        return make_scheduler("hyperband", {"grace": 1, "eta": 3}, max_epochs=MAX_EPOCHS)


class TestPromotion(SchedulerContract):
    def make(self) -> Scheduler:
        return PromotionAsha(max_epochs=MAX_EPOCHS)


def test_an_unknown_scheduler_is_named_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="asha, asha_promotion, hyperband, median, none"):
        make_scheduler("ash", {}, max_epochs=9)
