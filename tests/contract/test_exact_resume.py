"""Every searcher with every scheduler, killed at twenty random lines of the journal each."""

from __future__ import annotations

import pytest

from tests.contract.exact_resume import Remembering, expected, kill_points, killed, remembered, whole
from tests.contract.uninterrupted import decisions
from tuner.records.trial import COMPLETED, DOOMED, PRUNED
from tuner.search import gp
from tuner.sweep.methods import ALGORITHMS, SCHEDULERS

PAIRS = [
    pytest.param(searcher, scheduler, id=f"{searcher}-{scheduler}")
    for scheduler in SCHEDULERS
    for searcher in ALGORITHMS
]


@pytest.fixture(autouse=True)
def _remembering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gp, "Helper", Remembering)
    monkeypatch.setattr(gp, "answer", remembered)


@pytest.mark.slow
@pytest.mark.parametrize(("searcher", "scheduler"), PAIRS)
def test_a_killed_sweep_decides_as_an_uninterrupted_one(searcher: str, scheduler: str) -> None:
    """One worker: the reports come in the same order, so the whole sequence is the same."""
    undisturbed = whole(searcher, scheduler)
    seen = {line["ending"] for line in undisturbed.lines if line["kind"] == "ending"}
    met = {PRUNED} if scheduler != "none" else {DOOMED} if searcher != "rung_tpe" else set()  # which avoids the cliff
    assert seen >= {COMPLETED} | met
    assert decisions(undisturbed.lines) == expected(undisturbed)
    for at in kill_points(len(undisturbed.lines)):
        assert decisions(killed(searcher, scheduler, at).lines) == decisions(undisturbed.lines), f"after line {at}"


@pytest.mark.slow
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_with_four_workers_it_decides_what_the_journals_order_asks_for(scheduler: str) -> None:
    """After a resume the unfinished trials go first, so reports come in another order."""
    undisturbed, others = whole("tpe", scheduler, slots=4), 0
    for at in kill_points(len(undisturbed.lines), seed=1):
        sweep = killed("tpe", scheduler, at, slots=4)
        assert decisions(sweep.lines) == expected(sweep), f"after line {at}"
        others += decisions(sweep.lines) != decisions(undisturbed.lines)
    assert others or scheduler == "none", "no kill led to another order: four workers show nothing here"


def test_tpe_under_asha_killed_thrice() -> None:
    """The quick one among the above."""
    undisturbed = whole("tpe", "asha")
    for at in kill_points(len(undisturbed.lines))[:3]:
        assert decisions(killed("tpe", "asha", at).lines) == decisions(undisturbed.lines)
