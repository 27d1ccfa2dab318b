"""What a sweep will do, as it is printed before it does it."""

from __future__ import annotations

from tests.unit.sweep_kit import SMALL, read
from tuner.api.plan import describe


def row(text: str, name: str, **how: bool) -> str:
    (found,) = [line for line in describe(read(SMALL + text), **how).splitlines() if line.startswith(name)]
    return found


def test_the_workers_of_a_trial_are_counted_together() -> None:
    assert row("resources: {cpu: 2, gpu: 1}", "a trial") == "a trial    2 CPU, 1 GPU"
    told = row("resources: {workers: 4, cpu: 2, gpu: 1, memory: 2GiB}", "a trial")
    assert told.startswith("a trial    8 CPU, 4 GPU, 8 GiB, for 4 workers")
    assert "(2 CPU, 1 GPU, 2 GiB each)" in told


def test_one_process_has_one_worker_and_says_so() -> None:
    assert "there is one" in row("resources: {workers: 4}", "note", in_process=True)
    assert "note" not in describe(read(SMALL + "resources: {workers: 4}"))
    assert "note" not in describe(read(SMALL), in_process=True)
