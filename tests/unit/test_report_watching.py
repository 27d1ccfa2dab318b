"""A sweep watched from another terminal: until its end, its driver's death, or from before it began."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.unit.report_records import SweepLines, falling, four_endings
from tuner.errors import InputError
from tuner.records.journal import Journal, Line
from tuner.records.run_directory import RunDirectory
from tuner.report.live import PlainLines
from tuner.report.watching import DIED, ENDED, LINGER_SECONDS, POLL_SECONDS, QUIET_SECONDS, run_to_watch, watch


class Seen:
    """What a view is told."""

    def __init__(self) -> None:
        self.batches: list[list[Line]] = []
        self.refreshed = 0

    def lines(self, lines: Sequence[Line]) -> None:
        self.batches.append(list(lines))

    def refresh(self, now: float) -> None:
        self.refreshed += 1

    def close(self) -> None: ...


class Writer:
    """A driver whose journal grows at each pause of the watcher; its lock is free after the last piece."""

    def __init__(self, path: Path, pieces: Sequence[str], *, held_for: int = 0) -> None:
        self.path, self.pieces, self.held_for = path, list(pieces), held_for
        self.now = 1000.0
        self.asked = 0

    def pause(self, seconds: float) -> None:
        self.now += seconds
        if self.pieces:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(self.pieces.pop(0))
        else:
            self.held_for -= 1

    def held(self, path: Path) -> bool:
        assert path == self.path
        self.asked += 1
        return bool(self.pieces) or self.held_for > 0

    def watch(self, view: Any, waiting: Callable[[], None] = lambda: None) -> str:
        directory = RunDirectory(self.path.parent)
        return watch(directory, view, waiting=waiting, clock=lambda: self.now, pause=self.pause, held=self.held)


def rows(sweep: SweepLines) -> list[str]:
    return [json.dumps(line) + "\n" for line in sweep.lines]


def test_a_run_that_has_ended_is_read_as_one_piece_and_left_without_waiting(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text("".join(rows(four_endings())))
    view, writer = Seen(), Writer(path, [])
    assert writer.watch(view) == ENDED
    assert view.batches == [four_endings().lines]
    assert writer.now == 1000.0
    assert view.refreshed == 0


def test_lines_are_shown_as_they_are_written_and_a_torn_one_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    first, second, *rest = rows(four_endings())
    path.write_text(first)
    view = Seen()
    assert Writer(path, [second[:7], second[7:] + rest[0][:3], rest[0][3:] + "".join(rest[1:])]).watch(view) == ENDED
    assert [line for batch in view.batches for line in batch] == four_endings().lines
    assert [len(batch) for batch in view.batches] == [1, 1, len(rest)]


def test_a_free_lock_without_an_end_is_a_driver_that_died(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text("".join(rows(four_endings())[:6]))
    assert Writer(path, []).watch(Seen()) == DIED
    assert Writer(path, [], held_for=30).watch(Seen()) == DIED


def test_a_run_that_is_resumed_is_over_only_at_its_last_end(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    sweep = SweepLines()
    sweep.end("stopped", "the user")
    sweep.driver(2)
    before = rows(sweep)
    path.write_text("".join(before))
    assert Writer(path, []).watch(Seen()) == DIED
    trial = sweep.suggest(0, {"lr": 0.1})
    sweep.losses(trial, falling(2, 3), falling(2, 3))
    sweep.end()
    view = Seen()
    assert Writer(path, rows(sweep)[len(before) :]).watch(view) == ENDED
    assert [line for batch in view.batches for line in batch] == sweep.lines


def test_a_run_that_is_about_to_begin_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "soon" / "journal.jsonl"
    path.parent.mkdir()
    said: list[str] = []
    writer = Writer(path, ["", "", "".join(rows(four_endings()))])
    assert writer.watch(Seen(), lambda: said.append("waiting")) == ENDED
    assert said == ["waiting"]


def test_the_lock_is_looked_at_only_while_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    lines = rows(four_endings())
    path.write_text(lines[0])
    busy = Writer(path, lines[1:])
    assert busy.watch(Seen()) == ENDED
    quiet = Writer(path, [], held_for=100)
    path.write_text("".join(lines[:5]))
    assert quiet.watch(Seen()) == DIED
    assert busy.asked <= 5
    assert quiet.asked <= 100 * POLL_SECONDS / QUIET_SECONDS + 4


def test_a_driver_that_lingers_after_the_end_is_not_waited_for_long(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text("".join(rows(four_endings())))
    writer = Writer(path, [], held_for=10_000)
    assert writer.watch(Seen()) == ENDED
    assert LINGER_SECONDS <= writer.now - 1000.0 < LINGER_SECONDS + 2


def test_controls_and_finalists_are_in_the_view(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    sweep = SweepLines()
    sweep.add("control", trial="control-1", nth=1, config={"lr": 0.1}, seed=1)
    sweep.start("control-1")
    sweep.losses("control-1", falling(2, 3), falling(2, 3))
    sweep.end_trial("control-1", "completed", "all 3 epochs", "healthy")
    first = sweep.suggest(0, {"lr": 0.1})
    sweep.end_trial(first, "completed", "all 9 epochs", "healthy")
    sweep.add("finalists", trials=[first], seeds=1)
    sweep.add("further_seed", trial="0000-2", of=first, nth=2, number=0, config={"lr": 0.1}, origin="finalist", seed=5)
    sweep.start("0000-2")
    sweep.end_trial("0000-2", "completed", "all 9 epochs", "healthy")
    sweep.end()
    lines = rows(sweep)
    path.write_text("".join(lines[:2]))
    stream = io.StringIO()
    Writer(path, lines[2:]).watch(PlainLines(stream))
    for name in ("control-1", "0000-2"):
        assert f"{name} completed" in stream.getvalue()


def test_what_can_be_watched(tmp_path: Path) -> None:
    there = tmp_path / "runs" / "there"
    there.mkdir(parents=True)
    (there / "journal.jsonl").write_text("")
    (tmp_path / "runs" / "empty").mkdir()
    runs = tmp_path / "runs"
    assert run_to_watch("there", runs).path == there
    assert run_to_watch(str(there), runs).path == there
    assert run_to_watch("empty", runs).path == runs / "empty"
    assert run_to_watch(str(runs / "soon"), runs).path == runs / "soon"
    with pytest.raises(InputError, match="no such run"):
        run_to_watch("soon", runs)
    with pytest.raises(InputError, match="holds no run"):
        run_to_watch(str(runs), runs)


def command(folder: Path, *words: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(
        [sys.executable, "-m", "tuner", "watch", *words],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_the_command_tells_the_end_and_a_dead_driver(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "one" / "journal.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("".join(rows(four_endings())))
    process = command(tmp_path, "one", "--json")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, json.loads(out)["status"]) == (0, "finished"), err
    path.write_text("".join(rows(four_endings())[:-1]))
    process = command(tmp_path, "one")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "stopped: its driver died" in out
    assert "tuner run --resume one" in err


@pytest.mark.slow
def test_ctrl_c_leaves_the_sweep_alone(tmp_path: Path) -> None:
    with Journal(tmp_path / "runs" / "one" / "journal.jsonl") as journal:
        journal.append_many(four_endings().lines[:6])
        with command(tmp_path, "one") as process:
            assert process.stderr is not None
            assert "running" in process.stderr.readline()  # it watches
            process.send_signal(signal.SIGINT)
            try:
                _, err = process.communicate(timeout=60)
            finally:
                process.kill()
        assert process.returncode == 130, err
        assert "the sweep goes on" in err
        journal.append({"kind": "end", "at": time.time(), "status": "finished", "reason": "", "seconds": {}})


def test_watching_loads_none_of_the_large_libraries(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "one" / "journal.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("".join(rows(four_endings())))
    script = (
        "import sys, tuner.cli.watch as w; from pathlib import Path; w.command('one', Path('runs'), True); "
        "print([n for n in ('torch', 'ray', 'mlflow', 'optuna', 'pandas', 'pydantic') if n in sys.modules])"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
