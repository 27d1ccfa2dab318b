"""The job server's address, and a log that goes on where it broke off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tuner.errors import InputError, RunError
from tuner.launch.jobs import DEFAULT_ADDRESS, check_address, continued, reached_by_others


def test_a_flag_beats_the_environment_and_ray_s_own_port_is_no_job_server() -> None:
    environ = {"RAY_API_SERVER_ADDRESS": "http://a:1/", "RAY_ADDRESS": "http://b:2"}
    assert check_address("https://c:3/", environ) == "https://c:3"
    assert check_address(None, environ) == "http://a:1"
    assert check_address(None, {"RAY_ADDRESS": "10.0.0.1:6379"}) == DEFAULT_ADDRESS


@pytest.mark.parametrize(
    "address", ["127.0.0.1:6379", "ray://head:10001", "http://", "http://h:0", "http://h:x", "auto"]
)
def test_what_is_no_address_says_what_one_is(address: str) -> None:
    with pytest.raises(InputError, match="8265") as caught:
        check_address(address, {})
    assert caught.value.faults[0].found == address


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(InputError, match="RAY_AUTH_TOKEN_PATH") as caught:
        check_address("http://me:planted@host:8265", {})
    assert "planted" not in str(caught.value)


def test_an_address_of_this_machine_alone_is_told_from_others() -> None:
    assert [
        reached_by_others(f"http://{host}:1") for host in ("localhost", "127.0.0.1", "[::1]", "10.0.0.1", "head")
    ] == [
        *(False, False, False),
        *(True, True),
    ]


def read(tails: list[list[str | BaseException]], *, seconds_each: float = 0.0) -> tuple[str, list[float]]:
    """What `continued` yields of these tails in turn, and how long it waited before each further one."""
    waited: list[float] = []
    now = 0.0

    async def tail(items: list[str | BaseException]) -> AsyncIterator[str]:
        for item in items:
            if isinstance(item, BaseException):
                raise item
            yield item

    async def pause(seconds: float) -> None:
        nonlocal now
        waited.append(seconds)
        now += seconds + seconds_each

    async def go() -> str:
        left = iter(tails)
        log = continued(lambda: tail(next(left)), lambda: len(waited) + 1 == len(tails), clock=lambda: now, pause=pause)
        return "".join([text async for text in log])

    return asyncio.run(go()), waited


def test_a_log_that_breaks_off_goes_on_without_repeating_itself() -> None:
    tails: list[list[str | BaseException]] = [
        ["one\n", "two\n", OSError()],
        [RuntimeError()],
        ["one\ntw", "o\nthree\n"],
    ]
    assert read(tails) == ("one\ntwo\nthree\n", [1.0, 2.0])


def test_a_log_that_ends_before_its_job_is_sought_again() -> None:
    assert read([[], ["a"], ["a", "b"]]) == ("ab", [1.0, 1.0])


def test_a_log_that_does_not_come_back_is_given_up() -> None:
    with pytest.raises(RunError, match="the job itself goes on"):
        read([["a"], *([OSError()] for _ in range(30))])
