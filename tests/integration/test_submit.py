"""`tuner submit` and `tuner jobs` against a real job server on 127.0.0.1: log, list, stop, fetch, tokens, secrets."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from job_server_kit import Head, hashes, head, holding

SECRET = "planted-7c1e0b5d"
OWN = """name: own loop
loop: project.train:loop
metric: val_loss
space: {lr: {float: [0.001, 1], log: true}}
search: {trials: 4, max_epochs: 3}
resources: {cpu: 1}
"""
LOOP = """
import os
from pathlib import Path
from beside import level


def loop(trial):
    assert len(os.environ["MLFLOW_TRACKING_PASSWORD"]) == 16
    floor = float(Path("extra/floor.txt").read_text())
    for epoch in range(1, trial.max_epochs + 1):
        loss = floor + level(trial.config["lr"]) / epoch
        trial.report(epoch, train_loss=loss, val_loss=loss)
"""
LONG = """name: long
task: digits
model: mlp
metric: val_loss
space: {lr: {float: [0.001, 0.1], log: true}}
fixed: {depth: 1, width: 16, batch_size: 128, optimizer: adamw}
data: {limit: 300}
search: {trials: 5000, max_epochs: 9}
tracking: {uri: none}
"""
FAILING = """name: failing
loop: failing:loop
metric: val_loss
space: {lr: {float: [0.001, 1]}}
search: {trials: 2, max_epochs: 1}
retries: {times: 0}
tracking: {uri: none}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Head]:
    with head() as made:
        yield made


def lines_until(process: subprocess.Popen[str], word: str) -> list[str]:
    """What a process prints, up to the line with `word`."""
    assert process.stdout is not None
    found: list[str] = []
    for line in process.stdout:
        found.append(line)
        if word in line:
            return found
    raise AssertionError(f"no {word!r} in:\n{''.join(found)}\n{process.communicate()[1]}")


def listed(server: Head, folder: Path) -> dict[str, dict[str, object]]:
    return {job["job"]: job for job in json.loads(server.tuner(folder, "jobs", "--json")[0])["jobs"]}


@pytest.mark.slow
def test_a_sweep_with_code_of_its_own_is_submitted_followed_listed_and_fetched(server: Head, tmp_path: Path) -> None:
    here, storage = tmp_path / "here", tmp_path / 'store $(touch pwned); it\'s "there"'
    for name, text in {
        "s.yaml": OWN,
        "project/train.py": LOOP,
        "beside.py": "def level(lr):\n    return 1 + lr\n",
        "extra/floor.txt": "0.5",
        "runs/old/journal.jsonl": "",
    }.items():
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(text)
    words = ["submit", "s.yaml", "--runs", storage, "--include", "extra", "--env", "MLFLOW_TRACKING_PASSWORD"]
    with server.calling(here, *words, MLFLOW_TRACKING_PASSWORD=SECRET) as process:
        shown = lines_until(process, "trials ended")
        (job,) = [one for one in listed(server, here).values() if one["sweep"] == "own loop"]
        assert job["status"] == "RUNNING", "the log is live"
        out, err = process.communicate(timeout=240)
    assert process.returncode == 0, f"{out}\n{err}"
    shown += out.splitlines(keepends=True)
    assert "".join(shown) == server.tuner(here, "jobs", "logs", job["job"])[0]
    assert "4 trials in" in "".join(shown)
    assert f"job {job['job']} succeeded in" in err
    assert "beside.py, extra/floor.txt, project/train.py, s.yaml (" in err
    assert listed(server, here)[str(job["job"])]["status"] == "SUCCEEDED"

    run = storage / str(job["job"])
    assert job["run"] == str(run)
    assert json.loads((run / "summary.json").read_text())["trials"]["completed"] >= 1
    told = json.loads(server.tuner(here, "jobs", "fetch", "own-loop", "--json")[0])
    assert told["path"] == str(here / "runs" / run.name)
    assert hashes(here / "runs" / run.name) == hashes(run)
    assert told["files"] == len(hashes(run)) > 8
    assert not list(server.logs.glob("fetch-*")), "nothing of the archive is left on the head"

    assert not [*tmp_path.rglob("pwned"), *server.logs.rglob("pwned")], "every word of the command was quoted"
    assert holding(tmp_path, SECRET) == set(), "in no file of ours, the run, its report and MLflow's database included"
    assert SECRET not in "".join(shown) + err
    assert holding(server.logs, SECRET) == {"runtime_env_agent.log"}, "Ray's own record (docs/cluster.md says so)"


@pytest.mark.slow
def test_ctrl_c_detaches_stop_is_clean_and_the_run_goes_on_in_another_job(server: Head, tmp_path: Path) -> None:
    (tmp_path / "long.yaml").write_text(LONG)
    with server.calling(tmp_path, "submit", "long.yaml", "--runs", tmp_path / "store") as process:
        lines_until(process, " trials ended")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "detached; the job goes on" in err
    (job,) = [name for name, one in listed(server, tmp_path).items() if one["sweep"] == "long"]
    assert f"tuner jobs stop {job} --address {server.address}" in err
    assert listed(server, tmp_path)[job]["status"] == "RUNNING"
    with server.calling(tmp_path, "jobs", "logs", "long", "--follow") as follower:
        lines_until(follower, " trials ended")
        assert "the job still runs" in server.tuner(tmp_path, "jobs", "fetch", job)[1]
        assert "long" in server.tuner(tmp_path, "jobs")[0]
        assert f"{job} stopped" in server.tuner(tmp_path, "jobs", "stop", job)[1]
        follower.communicate(timeout=60)
    assert follower.returncode == 130, "it ends when the job does, and says that it was stopped"
    run = tmp_path / "store" / job
    summary = json.loads((run / "summary.json").read_text())
    assert (summary["status"], (run / "report.html").is_file()) == ("stopped", True)
    assert "has ended already" in server.tuner(tmp_path, "jobs", "stop", job)[1]
    server.tuner(tmp_path, "jobs", "fetch", job)
    assert hashes(tmp_path / "runs" / job) == hashes(run), "the copy of the run that still went on is replaced"

    words = [
        "submit",
        "long.yaml",
        "--resume",
        job,
        "--runs",
        tmp_path / "store",
        "--set",
        "stop.hours=0.001",
        "--json",
    ]
    told = json.loads(server.tuner(tmp_path, *words)[0])
    assert (told["run"], told["status"], told["exit_code"]) == (str(run), "SUCCEEDED", 0)
    assert json.loads((run / "summary.json").read_text())["trials"]["total"] >= summary["trials"]["total"]


@pytest.mark.slow
def test_the_exit_code_is_the_job_s_and_a_wrong_place_is_said_plainly(server: Head, tmp_path: Path) -> None:
    (tmp_path / "failing.yaml").write_text(FAILING)
    (tmp_path / "failing.py").write_text("def loop(trial):\n    raise RuntimeError('planted failure')\n")
    out, _ = server.tuner(tmp_path, "submit", "failing.yaml", "--runs", tmp_path / "store", expected=3)
    assert "planted failure" in out
    _, err = server.tuner(tmp_path, "jobs", "stop", "absent", expected=2)
    assert "no such job; there are: " in err
    out, _ = server.tuner(tmp_path, "submit", "failing.yaml", "--runs", tmp_path / "store", "--no-follow")
    elsewhere = Head("http://127.0.0.1:1", server.logs, server.environment)
    assert "no Ray job server answers at http://127.0.0.1:1" in elsewhere.tuner(tmp_path, "jobs", expected=3)[1]
    not_ray = Head(server.address.replace("http", "ray"), server.logs, server.environment)
    assert "no address of a job server" in not_ray.tuner(tmp_path, "jobs", expected=2)[1]
    gcs = Head(server.address + "/api/jobs", server.logs, server.environment)
    assert "something answers there that is no Ray job server" in gcs.tuner(tmp_path, "jobs", expected=2)[1]
    followed = server.tuner(tmp_path, "jobs", "logs", out.strip(), "--follow", expected=3)[0]
    assert "planted failure" in followed


@pytest.mark.slow
def test_a_cluster_with_a_token_takes_jobs_from_those_who_have_it(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(LONG.replace("trials: 5000, max_epochs: 9", "trials: 1, max_epochs: 1"))
    token = "0123456789abcdef" * 4
    with head(token) as server:
        (tmp_path / "wrong").write_text(token[::-1])
        none = Head(server.address, server.logs, {"RAY_AUTH_MODE": "disabled"})
        wrong = Head(
            server.address, server.logs, {**server.environment, "RAY_AUTH_TOKEN_PATH": str(tmp_path / "wrong")}
        )
        for without in (none, wrong):
            _, err = without.tuner(tmp_path, "submit", "s.yaml", expected=2)
            assert "wants the cluster's token" in err
            assert "RAY_AUTH_TOKEN_PATH" in err
            assert "Traceback" not in err
        out, err = server.tuner(tmp_path, "submit", "s.yaml", "--runs", tmp_path / "store")
        assert "1 trials in" in out or "1 trial in" in out
        server.tuner(tmp_path, "jobs", "fetch", "long")
        (run,) = (tmp_path / "store").iterdir()
        assert hashes(tmp_path / "runs" / run.name) == hashes(run)
        assert holding(tmp_path / "store", token) == set()
        assert token not in out + err
