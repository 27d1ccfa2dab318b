"""A cluster that grows: what is said of a node that is not there yet, how long one waits, what is refused at once."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tuner.errors import InputError, RunError
from tuner.launch import autoscaler
from tuner.launch.autoscaler import NodeType, monitor_configuration, types_in
from tuner.launch.cluster import TrialResources
from tuner.launch.waiting import REFUSED_SECONDS, WAIT_SECONDS, asked_text, await_place, check_types

ONE_GPU = TrialResources(cpu=4, gpu=1)


class Controller:
    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.stopping: str | None = None

    def tell(self, line: dict[str, Any]) -> None:
        self.told.append(line)

    def silent_trials(self) -> tuple[str, ...]:
        return ()


class Place:
    """One that comes after so many seconds; the clock moves by the seconds that are waited for it."""

    def __init__(self, comes: float, refused_from: float = 1e9, refused_until: float = 1e9) -> None:
        self.comes, self.refused_from, self.refused_until, self.now = comes, refused_from, refused_until, 0.0

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return self.now >= self.comes

    def refused(self) -> bool:
        return self.refused_from <= self.now < self.refused_until

    def give_back(self) -> None: ...

    def clock(self) -> float:
        return self.now


def wait_for(place: Place, controller: Any, on_step: Any = lambda: None) -> None:
    await_place(place, controller, ONE_GPU, on_step, place.clock)


def test_it_says_what_it_waits_for_and_goes_on_when_that_is_there() -> None:
    controller, place, steps = Controller(), Place(comes=120), []
    wait_for(place, controller, lambda: steps.append(1))
    assert place.now == 120
    assert len(steps) == 119, "the view is redrawn while it waits"
    (line,) = controller.told
    assert line["kind"] == "waiting"
    assert line["says"] == "waiting for a node that can hold a trial: 1 GPU, 4 CPU; at most 15 minutes"


def test_it_does_not_wait_for_ever() -> None:
    place = Place(comes=1e9)
    with pytest.raises(RunError, match=r"no node .* within 15 minutes: 1 GPU, 4 CPU: see `ray status`") as failed:
        wait_for(place, Controller())
    assert place.now == WAIT_SECONDS
    assert failed.value.exit_code == 3


def test_a_stop_ends_the_wait() -> None:
    controller, place = Controller(), Place(comes=1e9)

    def step() -> None:
        if place.now >= 7:
            controller.stopping = "stopped by Ctrl-C"

    wait_for(place, controller, step)
    assert place.now == 7


def test_an_autoscaler_that_goes_on_refusing_ends_the_wait_early() -> None:
    place = Place(comes=1e9, refused_from=10)
    with pytest.raises(RunError, match="autoscaler has no node for a trial: 1 GPU, 4 CPU: give one of its node types"):
        wait_for(place, Controller())
    assert place.now == 10 + REFUSED_SECONDS
    place = Place(comes=100, refused_from=10, refused_until=10 + REFUSED_SECONDS)  # others had all its nodes
    wait_for(place, Controller())
    assert place.now == 100


def test_what_is_asked_for_in_words() -> None:
    assert asked_text(TrialResources()) == "1 CPU"
    many = TrialResources(cpu=2, gpu=0.5, memory=3 * 2**29, accelerator="L4", workers=2, custom=(("license", 1.0),))
    assert asked_text(many) == "2 × (0.5 GPU, 2 CPU, 1.5 GiB memory, L4, 1 license)"


TYPES = (NodeType("small", {"CPU": 4}, 3), NodeType("gpu", {"CPU": 4, "GPU": 1}, 2))


def test_what_no_node_type_could_hold_is_refused_at_once() -> None:
    check_types(ONE_GPU, TYPES)
    check_types(TrialResources(cpu=4, gpu=1, workers=2), TYPES)
    with pytest.raises(InputError, match="may start can run a trial") as refused:
        check_types(TrialResources(cpu=8, gpu=2), TYPES)
    assert [(fault.where, fault.found) for fault in refused.value.faults] == [
        ("resources.cpu", 8),
        ("resources.gpu", 2),
    ]
    assert "the largest of 2 node types that this cluster may start has 4 CPU" in refused.value.faults[0].cure
    with pytest.raises(InputError) as refused:
        check_types(TrialResources(cpu=4, gpu=1, workers=3), TYPES)
    assert [fault.where for fault in refused.value.faults] == ["resources.workers"]


def test_the_types_of_the_shipped_cluster() -> None:
    found = types_in((Path(__file__).parents[2] / "cluster.yaml").read_text(encoding="utf-8"))
    assert found is not None
    assert {kind.name: kind.most for kind in found} == {"gpu-spot": 8, "gpu-on-demand": 2}
    assert all(kind.resources == {"CPU": 4, "GPU": 1} for kind in found)
    written = (
        "max_workers: 3\nhead_node_type: h\navailable_node_types: {h: {}, w: {resources: {CPU: 1}, max_workers: 9}}"
    )
    assert types_in(written) == (NodeType("w", {"CPU": 1}, 3),)
    assert types_in("available_node_types: {w: {node_config: {}}}") is None, "Ray asks the cloud what such a node has"


def test_the_monitor_of_this_cluster_alone_is_asked() -> None:
    words = ["python", "-u", "/ray/autoscaler/v2/monitor.py", "--gcs-address=10.0.0.7:6379"]
    file = "--autoscaling-config=bootstrap.yaml"
    assert monitor_configuration([*words, file], "10.0.0.7:6379") == Path("bootstrap.yaml")
    assert monitor_configuration(words, "10.0.0.7:6379") is None
    assert monitor_configuration([*words, file], "10.0.0.8:6379") is None
    assert monitor_configuration(["ray", "start", "--gcs-address=10.0.0.7:6379", file], "10.0.0.7:6379") is None


def test_a_monitor_that_only_looks_on_is_no_autoscaler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ray.nodes", lambda: [{"NodeID": "ab12"}, {"NodeID": "cd34"}])
    looks_on = {"autoscaler_report": {"active_nodes": {"node_ab12": 1}, "idle_nodes": {"node_cd34": 1}}}
    assert not autoscaler._first_starts_nodes({})
    assert not autoscaler._first_starts_nodes(looks_on)
    assert autoscaler._first_starts_nodes({"autoscaler_report": {"active_nodes": {"head": 1}, "pending_launches": {}}})
    assert not autoscaler._second_starts_nodes(second(reported=0, named=("i-01",)))
    assert not autoscaler._second_starts_nodes(second(reported=9, named=("", "")))
    assert autoscaler._second_starts_nodes(second(reported=9, named=("i-01",)))


def second(reported: int, named: tuple[str, ...]) -> Any:
    return SimpleNamespace(
        autoscaling_state=SimpleNamespace(autoscaler_state_version=reported),
        cluster_resource_state=SimpleNamespace(node_states=[SimpleNamespace(instance_id=name) for name in named]),
    )
