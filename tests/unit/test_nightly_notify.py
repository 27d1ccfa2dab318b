"""Who is told of a night, and when: against a real server on this machine, and commands that run."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.unit.night_kit import night
from tuner.nightly.message import in_words, message
from tuner.nightly.notify import Notification, is_news, notify, notify_faults
from tuner.nightly.webhook import address_fault, post
from tuner.records.night import IMPROVED, INCOMPLETE, NOISY, OK, REGRESSED, Change, Judgement, NightBest, NightRecord
from tuner.sweep.nightly import Nightly

SECRET = "T0PS3CRET"
PAGE = Path("/runs/digits/night.html")


@dataclass(frozen=True)
class Section:
    webhook: str | None = None
    command: str | None = None


@dataclass
class Receiver:
    """Answers with `answers`, then 200 for ever."""

    answers: list[int | Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    got: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/services/{SECRET}?token={SECRET}"


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("no_proxy", "*")
    told = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            told.keys.append(self.headers["Idempotency-Key"])
            answer = told.answers.pop(0) if told.answers else 200
            if callable(answer):
                answer(self)
                return
            self.send_response(answer)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Nothing to the tests' own output."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    told.port = server.server_port
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    yield told
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Sleeps:
    slept: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


def tell(record: NightRecord, receiver: Receiver, sleeps: Sleeps | None = None, **more: Any) -> Notification:
    return notify(record, PAGE, Section("HOOK"), {"HOOK": receiver.url}, sleep=sleeps or Sleeps(), **more)


BAD = night(state=REGRESSED, state_before=OK)


def test_over_ten_nights_people_hear_twice(receiver: Receiver) -> None:
    """REGRESSED from the 6th to the 8th, NOISY and SKIPPED nights in between leave the state as it was."""
    states = [OK] * 5 + [REGRESSED] * 3 + [OK] * 2
    notified, heard = None, []
    for number, state in enumerate(states, 1):
        verdict = NOISY if number in (3, 7) else state
        record = night(f"2026-11-{number:02d}", state, verdict, notified=notified)
        told = tell(record, receiver)
        assert told.notes == ()
        heard += [number] if told.delivered else []
        notified = told.notified
    assert heard == [6, 9]
    assert [payload["night"]["state"] for payload in receiver.got] == [REGRESSED, OK]
    assert notified == OK


@pytest.mark.parametrize(
    ("notified", "state", "news"),
    [
        (None, OK, False),
        (None, REGRESSED, True),
        (None, IMPROVED, True),
        (None, INCOMPLETE, True),
        (REGRESSED, REGRESSED, False),
        (REGRESSED, OK, True),
        (OK, OK, False),
        (IMPROVED, REGRESSED, True),
    ],
)
def test_what_is_news(notified: str | None, state: str, news: bool) -> None:
    assert is_news(night(state=state, notified=notified)) is news


def test_what_could_not_be_delivered_is_made_good_the_next_night_and_not_told_twice(receiver: Receiver) -> None:
    receiver.answers = [404]
    first = tell(BAD, receiver)
    assert (first.notified, first.delivered) == (None, ())
    assert first.notes == (
        "REGRESSED was not told by webhook: the server answered 404 Not Found",
        "the next night tells it",
    )
    second = tell(replace(BAD, state_before=REGRESSED, notified=first.notified), receiver)
    assert (second.notified, second.delivered, second.notes) == (REGRESSED, ("webhook",), ())
    tell(replace(BAD, state_before=REGRESSED, notified=second.notified), receiver)
    assert len(receiver.got) == 2


def test_one_that_mended_itself_before_it_was_told_is_no_news(receiver: Receiver) -> None:
    receiver.answers = [404]
    first = tell(BAD, receiver)
    tell(night("2026-11-22", OK, state_before=REGRESSED, notified=first.notified), receiver)
    assert len(receiver.got) == 1


@pytest.mark.parametrize("code", [500, 503, 429, 408])
def test_what_may_pass_is_tried_again_with_the_same_key(receiver: Receiver, code: int) -> None:
    receiver.answers, sleeps = [code, code], Sleeps()
    assert tell(BAD, receiver, sleeps).delivered == ("webhook",)
    assert sleeps.slept == [1, 4]
    assert receiver.keys == [f"{BAD.id}-REGRESSED"] * 3


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 422])
def test_what_will_not_pass_is_not_tried_again(receiver: Receiver, code: int) -> None:
    receiver.answers, sleeps = [code], Sleeps()
    told = tell(BAD, receiver, sleeps)
    assert sleeps.slept == []
    assert str(code) in told.notes[0]


def test_after_four_tries_it_is_given_up(receiver: Receiver) -> None:
    receiver.answers, sleeps = [503] * 9, Sleeps()
    told = tell(BAD, receiver, sleeps)
    assert sleeps.slept == [1, 4, 16]
    assert len(receiver.got) == 4
    assert "503 Service Unavailable, 4 times" in told.notes[0]


@pytest.mark.parametrize(
    ("asked", "slept"),
    [
        ("7", 7),
        ("0", 1),
        ("900", 60),
        ("soon", 1),
        ("-3", 1),
        (formatdate(0, usegmt=True), 1),
        (formatdate(4_000_000_000, usegmt=True), 60),
    ],
)
def test_a_server_may_ask_to_wait_longer_up_to_a_minute(receiver: Receiver, asked: str, slept: float) -> None:
    receiver.answers, receiver.headers, sleeps = [429], {"Retry-After": asked}, Sleeps()
    assert tell(BAD, receiver, sleeps).delivered
    assert sleeps.slept == [slept]


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirection_is_not_followed_and_is_no_delivery(receiver: Receiver, code: int) -> None:
    """A POST that is redirected arrives as an empty GET."""
    receiver.answers, receiver.headers = [code], {"Location": f"http://127.0.0.1:{receiver.port}/elsewhere"}
    told = tell(BAD, receiver)
    assert (told.delivered, len(receiver.got)) == ((), 1)
    assert str(code) in told.notes[0]


def test_a_server_that_is_gone(receiver: Receiver) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/{SECRET}"
        sleeps = Sleeps()
        told = notify(BAD, PAGE, Section("HOOK"), {"HOOK": url}, sleep=sleeps)
    assert told.notes[0] == "REGRESSED was not told by webhook: nobody listens there, 4 times"
    assert sleeps.slept == [1, 4, 16]


def test_a_server_that_never_answers(receiver: Receiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/{SECRET}"
        told = notify(BAD, PAGE, Section("HOOK"), {"HOOK": url}, sleep=Sleeps(), timeout=0.05)
    assert "no answer within 0.05 s, 4 times" in told.notes[0]


def test_a_server_that_hangs_up_or_speaks_something_else(receiver: Receiver) -> None:
    def hang_up(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True

    def nonsense(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")

    receiver.answers, sleeps = [hang_up, nonsense], Sleeps()
    assert tell(BAD, receiver, sleeps).delivered == ("webhook",)
    receiver.answers = [hang_up] * 4
    assert "the connection broke off, 4 times" in tell(BAD, receiver).notes[0]
    receiver.answers = [nonsense] * 4
    assert "does not speak HTTP, 4 times" in tell(BAD, receiver).notes[0]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.org",
        "ftp://h/x",
        "file:///etc/passwd",
        "data:,x",
        "http://",
        "http://h:99999/",
        "http://[::1",
        "http://h/ x",
        "http://h/\nx",
        "https://ada:pw@h/",
        "http://ü.example.org/",
    ],
)
def test_an_address_that_is_no_webhook(url: str) -> None:
    assert address_fault(url)
    assert not url or post(url, {}, "k") == address_fault(url)
    assert "pw" not in address_fault(url)


def test_the_url_and_its_secret_stand_nowhere(
    receiver: Receiver, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def known(host: str, *more: Any, **named: Any) -> Any:
        if host != "127.0.0.1":
            raise socket.gaierror(-2, f"{host}: name or service not known")
        return real(host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", known)

    def echo(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(400, f"bad {SECRET}")
        handler.end_headers()

    everything: list[str] = []
    hosts = [receiver.url, f"http://nowhere.invalid/{SECRET}", f"ftp://x/{SECRET}", f"http://a b/{SECRET}"]
    hosts += [f"https://127.0.0.1:{receiver.port}/{SECRET}", f"https://ada:{SECRET}@host/"]
    for url in hosts:
        receiver.answers = [echo]
        section, environ = Section("HOOK", f"{sys.executable} -c pass"), {"HOOK": url}
        told = notify(BAD, PAGE, section, environ, sleep=Sleeps(), timeout=0.5)
        assert "webhook" not in told.delivered
        everything.append(repr(told) + repr(replace(BAD, notes=told.notes).to_json()))
        everything.append("".join(map(str, notify_faults(section, environ))))
    everything.append("".join(map(str, notify_faults(Section(receiver.url), {}))))
    everything.append(repr(notify(BAD, PAGE, Section(receiver.url), {}, sleep=Sleeps())))
    everything += capfd.readouterr()
    for text in everything:
        assert SECRET not in text
        assert "127.0.0.1" not in text
        assert "nowhere" not in text
    assert all(SECRET not in json.dumps(payload) for payload in receiver.got)


def test_what_is_to_be_mended_is_said_before_the_night() -> None:
    good = Section("HOOK", "tell --to 'the team'")
    assert notify_faults(good, {"HOOK": "https://hooks.example.org/x"}) == ()
    assert notify_faults(Section(), {}) == ()
    both = notify_faults(Section("HOOK", "tell 'the team"), {})
    assert [fault.where for fault in both] == ["nightly.notify.webhook", "nightly.notify.command"]
    assert "is not set" in both[0].cure
    (fault,) = notify_faults(Section("https://hooks.example.org/x"), {})
    assert "the NAME of an environment variable" in fault.cure


def test_without_a_way_to_tell_it_nothing_happens() -> None:
    assert notify(BAD, PAGE, None, {}) == Notification(None)
    assert notify(BAD, PAGE, Section(), {}) == Notification(None)
    assert notify(BAD, PAGE, Nightly().notify, {}) == Notification(None)


def test_a_variable_that_is_not_set_is_a_note() -> None:
    told = notify(BAD, PAGE, Section("HOOK"), {}, sleep=Sleeps())
    assert told.notes[0].endswith("the environment variable HOOK is not set")


# --- a command ---------------------------------------------------------------------------------------------------


def test_a_command_gets_json_and_the_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "it's $HOME.py"
    script.write_text(
        "import json, os, sys\n"
        "night, line = json.load(sys.stdin)['night'], os.environ['TUNER_NIGHT_LINE']\n"
        "told = [sys.argv[1:], night['verdict'], line, os.environ['X']]\n"
        "open(sys.argv[0] + '.got', 'w').write(json.dumps(told))\n"
        "print('printed')\n"
    )
    command = f"{sys.executable} \"{script}\" $HOME \"two words\" ';' '*'"
    told = notify(BAD, PAGE, Section(command=command), {"X": "y"})
    assert (told.notified, told.delivered) == (REGRESSED, ("command",))
    got = json.loads(Path(f"{script}.got").read_text())
    assert got == [["$HOME", "two words", ";", "*"], REGRESSED, BAD.line(), "y"]
    out, err = capfd.readouterr()
    assert (out, err) == ("", "printed\n"), "standard output is the night's own"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (f"{sys.executable} -c 'raise SystemExit(3)'", "it ended with exit code 3"),
        (f"{sys.executable} -c 'import os; os.kill(os.getpid(), 9)'", "it was ended by signal 9"),
        ("/no/such/program", "it could not be started: No such file or directory"),
        ("/", "it could not be started: Permission denied"),
        ("tell 'open", "a quote is open"),
        ("", "no program"),
    ],
)
def test_a_command_that_fails_is_a_note(command: str, why: str) -> None:
    told = notify(BAD, PAGE, Section(command=command), {})
    assert (told.notified, told.delivered) == (None, ())
    assert why in told.notes[0]


def test_a_command_that_does_not_end_is_killed_with_what_it_started(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    command = f"sh -c 'tail -f /dev/null & echo $! > {pid}; wait'"
    told = notify(BAD, PAGE, Section(command=command), {"PATH": os.environ["PATH"]}, command_seconds=0.3)
    assert "it had not ended after 0.3 s" in told.notes[0]
    if pid.exists() and pid.read_text():  # on a busy machine it was killed before it came so far
        status = Path(f"/proc/{pid.read_text().strip()}/status")
        assert not status.exists() or re.search(r"State:\s+[ZX]", status.read_text())


def test_a_command_may_leave_its_input_unread(receiver: Receiver) -> None:
    huge = replace(BAD, notes=tuple("x" * 500 for _ in range(20)), control={})
    told = notify(huge, PAGE, Section(command=f"{sys.executable} -c pass"), {})
    assert told.delivered == ("command",)


def test_of_two_ways_one_is_enough_and_the_other_is_a_note(receiver: Receiver) -> None:
    told = notify(BAD, PAGE, Section("HOOK", "/no/such/program"), {"HOOK": receiver.url}, sleep=Sleeps())
    assert (told.notified, told.delivered) == (REGRESSED, ("webhook",))
    assert len(told.notes) == 1
    assert "not told by command" in told.notes[0]
    receiver.answers = [404]
    section = Section("HOOK", f"{sys.executable} -c pass")
    told = notify(BAD, PAGE, section, {"HOOK": receiver.url}, sleep=Sleeps())
    assert (told.notified, told.delivered) == (REGRESSED, ("command",))


# --- the message -------------------------------------------------------------------------------------------------

CHANGES = (
    Change("code", "commits", "1a2b3c4", "5d6e7f8", ("5d6e7f8 Use <b> & more (Ada)", "4c5d6e7 Begin (Ada)")),
    Change("configuration", "search.trials", "20", "40"),
    Change("packages", "torch", "2.15.0", "2.16.0"),
    Change("machine", "host", "one", "two"),
)


def test_the_text_has_the_line_three_changes_and_the_page() -> None:
    record = replace(BAD, changes=CHANGES, since="2026-11-20-7f3a9c21")
    assert message(record, PAGE)["text"].split("\n") == [
        "2026-11-21 digits REGRESSED: 0.213 against 0.204 (OK before)",
        "Changed since 2026-11-20-7f3a9c21:",
        "• code commits: 1a2b3c4 -&gt; 5d6e7f8: 5d6e7f8 Use &lt;b&gt; &amp; more (Ada) and 1 more",
        "• configuration search.trials: 20 -&gt; 40",
        "• packages torch: 2.15.0 -&gt; 2.16.0",
        "• and 1 more",
        f"Page: {PAGE}",
    ]


def test_a_change_of_many_things_has_no_arrow() -> None:
    assert in_words(Change("packages", "7 more", "", "", ("a 1 -> 2",))) == "packages 7 more"


def test_the_figures_are_strict_json() -> None:
    judged = Judgement(REGRESSED, "diverged", float("inf"), (0.0, float("inf")), 0.004, tonight=float("nan"))
    told = message(replace(BAD, judgement=judged, best=NightBest("0004", {"lr": 0.02}, 0.19)), PAGE)["night"]
    again = json.loads(json.dumps(told, allow_nan=False))
    assert (again["effect"], again["interval"], again["tonight"]) == ("Infinity", [0.0, "Infinity"], "NaN")
    assert (again["verdict"], again["noise"], again["best"]["config"]) == (REGRESSED, 0.004, {"lr": 0.02})
    assert again["page"] == str(PAGE)


def test_a_huge_record_is_sent_as_a_small_message(receiver: Receiver) -> None:
    long = "w" * 100_000
    change = Change("code", "commits", long, long, tuple(long for _ in range(500)))
    huge = replace(
        BAD,
        judgement=Judgement(REGRESSED, long, remarks=(long,) * 300),
        changes=(change,) * 300,
        notes=(long,) * 300,
        best=NightBest("0004", {f"p{n}": long for n in range(2000)}, 0.1),
        verdicts={f"v{n}": n for n in range(5000)},
    )
    assert tell(huge, receiver).delivered == ("webhook",)
    (got,) = receiver.got
    assert len(got["text"]) < 3000
    assert len(json.dumps(got)) < 400_000


def test_text_that_no_json_holds_is_sent_all_the_same(receiver: Receiver) -> None:
    odd = replace(BAD, judgement=Judgement(REGRESSED, "half a \ud800 pair, and \x00"))
    assert tell(odd, receiver).delivered == ("webhook",)
    told = notify(odd, PAGE, Section(command=f"{sys.executable} -c pass"), {})
    assert told.delivered == ("command",)
