"""Two starts of one night at the same time, as real processes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.integration.drill_kit import end, finish, start
from tests.integration.nightly_kit import TRAIN, Project, wait_for
from tuner.records.night import OK, SKIPPED

WAITS = """def loop(trial):
    from pathlib import Path
    from time import sleep
    Path("begun").touch()
    while not Path("go").exists():
        sleep(0.01)
"""


@pytest.mark.slow
def test_one_runs_the_second_says_why_not_and_the_third_waits(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", train=TRAIN.replace("def loop(trial):\n", WAITS))
    project.commit("Wait")
    words = ("nightly", "own.yaml", "--address", "none", "--quiet")
    folders = [project.folder, tmp_path / "second", tmp_path / "third"]
    for folder in folders[1:]:
        folder.mkdir()
    first = start(project.folder, *words)
    third = None
    try:
        wait_for(lambda: (project.folder / "begun").exists() or first.poll() is not None)
        lock = project.runs / "own-nights" / "lock"
        second = start(folders[1], *words[:1], project.file, *words[2:], "--runs", project.runs, "--json")
        told = json.loads(finish(second, folders[1]))
        assert told.keys() == {"verdict", "why"}
        assert told["verdict"] == SKIPPED
        assert f"a night of this sweep runs already (pid {first.pid} on " in told["why"]
        assert first.poll() is None, "it runs on meanwhile"
        waits = ("--runs", project.runs, "--set", "nightly.when_running=wait")
        out = (folders[2] / "out.txt").open("wb")
        third = start(project.folder, *words[:1], "own.yaml", *words[2:], *waits)
        out.close()
        wait_for(lambda: any(_leads_to(path, lock) for path in Path(f"/proc/{third.pid}/fd").iterdir()))
        assert third.poll() is None
        (project.folder / "go").touch()
        first.wait(240)
        line = finish(third, project.folder)
    finally:
        for process in (first, third):
            if process is not None:
                end(process)
    assert first.returncode == 0
    (record,) = project.nights()
    assert record.verdict == OK
    assert line.splitlines()[0] == record.line()


def _leads_to(descriptor: Path, file: Path) -> bool:
    try:
        return os.readlink(descriptor) == str(file)  # noqa: PTH115  (it may lead to a pipe)
    except OSError:
        return False
