"""When the follower waits, goes on and gives up: with a clock that only moves when somebody waits."""

from __future__ import annotations

from pathlib import Path

import pytest
from tracking_kit import JournalBuilder, MemoryStore, follower_of, unreachable

from tuner.tracking.pace import HOLD_SECONDS, follow
from tuner.tracking.state import read_state


class Clock:
    """Also the driver: it leaves when the clock reaches `leaves_at`."""

    def __init__(self, leaves_at: float = 1e9) -> None:
        self.now, self.leaves_at = 0.0, leaves_at
        self.waits: list[float] = []
        self.at: dict[float, list[object]] = {}

    def __call__(self) -> float:
        return self.now

    def left(self) -> bool:
        return self.now >= self.leaves_at

    def wait(self, seconds: float) -> None:
        assert len(self.waits) < 10_000, "it would wait for ever"
        self.waits.append(seconds)
        self.now += seconds
        for moment in [moment for moment in self.at if moment <= self.now]:
            for do in self.at.pop(moment):
                do()  # type: ignore[operator]


@pytest.fixture
def journal(tmp_path: Path) -> JournalBuilder:
    return JournalBuilder(tmp_path / "runs").sweep().driver()


def test_it_ends_by_itself_when_the_sweep_has_ended(journal: JournalBuilder) -> None:
    clock, store = Clock(), MemoryStore()
    clock.at[5.0] = [lambda: journal.trial(0, 2)]
    clock.at[9.0] = [journal.end]
    follower = follower_of(journal.directory, store)
    assert follow(follower, clock, clock)
    assert follower.state.complete
    assert clock.now < 15


def test_an_earlier_drivers_end_does_not_end_it(journal: JournalBuilder) -> None:
    journal.trial(0, 2, "interrupted").end("stopped")
    since = journal.directory.journal.stat().st_size
    clock, store = Clock(), MemoryStore()
    clock.at[20.0] = [lambda: journal.driver(2).start(0, 2, 2).report(0, 3).ending(0, "completed").end()]
    assert follow(follower_of(journal.directory, store), clock, clock, since=since)
    assert clock.now >= 20
    assert {run.status for run in store.by_trial().values()} == {"FINISHED"}


def test_a_server_that_is_down_for_an_hour_delays_and_loses_nothing(journal: JournalBuilder) -> None:
    journal.trial(0, 2)
    clock, store = Clock(), MemoryStore()

    def down(moment: str, call: str) -> None:
        if clock.now < 3600 and call != "remember":
            raise unreachable()

    store.fail = down
    clock.at[100.0] = [lambda: journal.trial(1, 2)]
    clock.at[4000.0] = [journal.end]
    follower = follower_of(journal.directory, store)
    problems = []
    clock.at[500.0] = [lambda: problems.append(read_state(journal.directory).problem)]  # type: ignore[union-attr]
    assert follow(follower, clock, clock)
    assert problems == ["no answer"]
    assert follower.state.complete and follower.state.problem == ""
    assert max(clock.waits) <= 30 and len([wait for wait in clock.waits if wait > 2]) < 150
    assert {run.status for run in store.by_trial().values()} == {"FINISHED"}


def test_once_the_driver_left_it_gives_up_on_a_dead_server(journal: JournalBuilder) -> None:
    journal.trial(0, 2).end()
    clock, store = Clock(leaves_at=50), MemoryStore()

    def down(moment: str, call: str) -> None:
        if call != "remember":
            raise unreachable()

    store.fail = down
    follower = follower_of(journal.directory, store)
    assert not follow(follower, clock, clock, patience=60)
    assert 100 < clock.now < 130
    assert not follower.state.complete


def test_what_a_killed_driver_left_is_ended_as_killed(journal: JournalBuilder) -> None:
    journal.suggest(0).start(0).report(0, 1)
    clock, store = Clock(leaves_at=10), MemoryStore()
    clock.at[9.0] = [lambda: journal.report(0, 2)]
    follower = follower_of(journal.directory, store)
    assert follow(follower, clock, clock)
    assert not follower.state.complete
    assert {run.status for run in store.by_trial().values()} == {"KILLED"}
    assert [p.step for p in store.by_trial()["0000"].points if p.name == "val_loss"] == [1, 2]


def test_a_long_first_epoch_shows_after_a_while(journal: JournalBuilder) -> None:
    journal.suggest(0).start(0)
    clock, store = Clock(leaves_at=100), MemoryStore()
    seen = {}
    for moment in (HOLD_SECONDS - 5, HOLD_SECONDS + 5):
        clock.at[moment] = [lambda moment=moment: seen.update({moment: len(store.runs)})]
    follow(follower_of(journal.directory, store), clock, clock)
    assert list(seen.values()) == [0, 2]
