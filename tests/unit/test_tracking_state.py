"""What the follower remembers, and that a run has one follower at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuner.errors import InputError
from tuner.records.run_directory import RunDirectory
from tuner.tracking.state import FollowerLock, TrackingState, read_state, write_state


def test_a_state_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    state = TrackingState("sqlite:////x.db", "digits", "1", "parent", 4711, True, "", {"0000": "child"})
    assert read_state(RunDirectory(tmp_path)) is None
    write_state(RunDirectory(tmp_path), state)
    assert read_state(RunDirectory(tmp_path)) == state
    assert state.summary() == {"tracking_uri": "sqlite:////x.db", "experiment": "digits", "parent_run": "parent"}


def test_a_state_of_another_version_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "tracking.json").write_text('{"version": 99, "offset": 1}')
    assert read_state(RunDirectory(tmp_path)) is None


def test_a_run_has_one_follower(tmp_path: Path) -> None:
    with FollowerLock(RunDirectory(tmp_path)) as first:
        assert first.take()
        with FollowerLock(RunDirectory(tmp_path)) as second, pytest.raises(InputError, match="is being tracked"):
            second.take_or_refuse()
    with FollowerLock(RunDirectory(tmp_path)) as third:
        assert third.take()
