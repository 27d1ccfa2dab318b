"""What a user is told whom Ray does not let in."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
import ray

from tuner.errors import InputError, RunError
from tuner.launch import cluster
from tuner.launch.cluster import connected


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
    """Makes `ray.init` raise; a Ray that other tests of the session use is as if it were not there."""
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(cluster, "_DRIVER_ENVIRONMENT", {})
    monkeypatch.setattr(logging.getLogger("ray"), "level", logging.getLogger("ray").level)
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)

    def refuse(error: Exception) -> None:
        def init(**_: object) -> None:
            raise error

        monkeypatch.setattr(ray, "init", init)

    return refuse


def message(address: str | None) -> str:
    with pytest.raises(RunError) as caught, connected(address):
        pass
    return str(caught.value)


def test_a_cluster_that_does_not_answer_may_want_a_token(refusing: Callable[[Exception], None]) -> None:
    refusing(ConnectionError("Failed to connect to Ray cluster at 10.0.0.1:6379"))
    said = message("10.0.0.1:6379")
    assert said.startswith("no Ray cluster at 10.0.0.1:6379: Failed to connect")
    assert "if it wants a token, set RAY_AUTH_MODE=token" in said


def test_a_ray_of_our_own_that_does_not_start_wants_none(refusing: Callable[[Exception], None]) -> None:
    refusing(RuntimeError("no room for the object store"))
    assert message(None) == "no Ray cluster at this machine: no room for the object store"


@pytest.mark.parametrize("address", [None, "10.0.0.1:6379"])
def test_a_token_that_cannot_be_read_is_the_users_fault(
    refusing: Callable[[Exception], None], monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    refusing(ray.exceptions.AuthenticationError("RAY_AUTH_TOKEN_PATH is set but file cannot be opened: none"))
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    with pytest.raises(InputError, match="RAY_AUTH_TOKEN_PATH is set but file cannot") as caught, connected(address):
        pass
    (fault,) = caught.value.faults
    assert (fault.where, fault.found) == ("RAY_AUTH_MODE", "token")
    assert "ray get-auth-token" in str(fault)
