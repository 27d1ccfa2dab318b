"""How many trials Ray is handed, on clusters that stay as they are or grow; an idle place is given back."""

from __future__ import annotations

from types import SimpleNamespace

from tuner.launch.room import IDLE_SECONDS, LOOK_SECONDS, MOST, IdleActor, Room


class Cluster:
    def __init__(self, fits: int) -> None:
        self.fits, self.now, self.looks = fits, 0.0, 0

    def count(self) -> int:
        self.looks += 1
        return self.fits

    def clock(self) -> float:
        return self.now

    def later(self, room: Room, fits: int) -> int:
        self.fits = fits
        self.now += LOOK_SECONDS
        return room()


def test_one_trial_waits_on_a_cluster_that_stays_as_it_is() -> None:
    cluster = Cluster(2)
    for asked in (None, 1, 2, 64):
        room = Room(cluster.count, asked, cluster.clock)
        assert [room() for _ in range(5)] == [3] * 5
        assert cluster.later(room, 2) == 3
    assert cluster.looks == 8


def test_more_is_asked_for_ahead_each_time_the_cluster_grows() -> None:
    cluster = Cluster(2)
    room = Room(cluster.count, 64, cluster.clock)
    assert [cluster.later(room, fits) for fits in (2, 3, 5, 9, 17, 33, 64)] == [3, 5, 9, 17, 33, 64, 65]
    room = Room(Cluster(2).count, None, cluster.clock)
    cluster = Cluster(1)
    room = Room(cluster.count, None, cluster.clock)
    asked = [cluster.later(room, 2**power) - 2**power for power in range(12)]
    assert asked[:4] == [1, 2, 4, 8]
    assert max(asked) == MOST


def test_a_node_that_comes_back_is_no_growth() -> None:
    cluster = Cluster(4)
    room = Room(cluster.count, None, cluster.clock)
    assert [cluster.later(room, fits) for fits in (2, 4, 0, 4)] == [3, 5, 1, 5]


def test_an_idle_actor_is_given_back_after_a_while() -> None:
    clock, cleaned = Cluster(0), []
    tune = SimpleNamespace(
        _actor_cache=SimpleNamespace(num_cached_objects=1),
        _staged_trials=set(),
        _cleanup_cached_actors=lambda force_all: cleaned.append(force_all),
    )
    idle = IdleActor(clock.clock)
    idle.look(tune)
    clock.now += IDLE_SECONDS - 1
    idle.look(tune)
    tune._staged_trials.add("one that is about to start")
    idle.look(tune)
    tune._staged_trials.clear()
    idle.look(tune)
    clock.now += IDLE_SECONDS - 1
    idle.look(tune)
    assert cleaned == []
    clock.now += 1
    idle.look(tune)
    assert cleaned == [True]
    tune._actor_cache.num_cached_objects = 0
    clock.now += 10 * IDLE_SECONDS
    idle.look(tune)
    assert cleaned == [True]
