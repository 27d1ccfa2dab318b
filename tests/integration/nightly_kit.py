"""Short nights of a user's own loop on the digits, in a git repository of the user's own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from tuner.api.sweeps import load_sweep
from tuner.nightly.folder import NightsFolder
from tuner.nightly.night import NightLaunch, run_night
from tuner.nightly.outcome import Outcome
from tuner.records.night import NightRecord

DAY = 86400.0
FIRST = datetime(2026, 11, 1, 3, tzinfo=UTC).timestamp()
SWEEP = """
name: own
loop: train:loop
space: {lr: {float: [0.02, 0.5], log: true, default: 0.1}}
search: {algorithm: random, scheduler: none, trials: 4, max_epochs: 3, finalists: {top: 2, seeds: 2}}
tracking: {uri: none}
"""
TOLD = "nightly: {notify: {webhook: NIGHT_HOOK}}\n"
TRAIN = '''
"""A multi-layer perceptron on the digits by hand, in NumPy."""

import numpy as np
from sklearn.datasets import load_digits

LR_SCALE = 1.0
x, y = load_digits(return_X_y=True)
order = np.random.default_rng(0).permutation(len(x))[:900]
x, y = x[order] / 16, y[order]


def loop(trial):
    rng = np.random.default_rng(trial.seed)
    layers = [rng.normal(0, 64**-0.5, (64, 32)), rng.normal(0, 32**-0.5, (32, 10))]
    first = 1
    kept = trial.restore()
    if kept is not None:
        with np.load(kept) as found:
            layers, first = [found["a"], found["b"]], int(found["epoch"]) + 1
    trial.tell(n_train=600, n_val=300, train_eval="epoch_mean")
    for epoch in range(first, trial.max_epochs + 1):
        total = 0.0
        for batch in np.random.default_rng([trial.seed, epoch]).permutation(600).reshape(-1, 30):
            hidden = np.maximum(x[batch] @ layers[0], 0)
            shares = softmax(hidden @ layers[1])
            total -= np.log(shares[np.arange(30), y[batch]] + 1e-12).sum()
            wrong = shares.copy()
            wrong[np.arange(30), y[batch]] -= 1
            back = (wrong @ layers[1].T) * (hidden > 0)
            layers[1] -= trial.config["lr"] * LR_SCALE * hidden.T @ wrong / 30
            layers[0] -= trial.config["lr"] * LR_SCALE * x[batch].T @ back / 30
        shares = softmax(np.maximum(x[600:] @ layers[0], 0) @ layers[1])
        loss = -np.log(shares[np.arange(300), y[600:]] + 1e-12).mean()
        np.savez(trial.scratch / "net.npz", a=layers[0], b=layers[1], epoch=epoch)
        trial.checkpoint(trial.scratch / "net.npz")
        trial.report(epoch, train_loss=total / 600, val_loss=loss)


def softmax(logits):
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)
'''


class Project:
    """A user's folder: sweep file, loop, repository, runs."""

    def __init__(self, folder: Path, sweep: str = SWEEP, train: str = TRAIN) -> None:
        self.folder, self.runs = folder, folder / "runs"
        folder.mkdir(parents=True, exist_ok=True)
        self.file, self.code = folder / "own.yaml", folder / "train.py"
        self.file.write_text(sweep)
        self.code.write_text(train)
        (folder / ".gitignore").write_text("runs/\nmlflow.db*\nmlartifacts/\n__pycache__/\nout.txt\nerr.txt\n")
        self.git("init", "-q")
        self.commit("Train digits")

    def git(self, *words: str) -> None:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false")
        when = {"GIT_AUTHOR_DATE": "2026-11-01T00:00:00Z", "GIT_COMMITTER_DATE": "2026-11-01T00:00:00Z"}
        subprocess.run(["git", *who, *words], cwd=self.folder, check=True, capture_output=True, env=os.environ | when)

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)

    def change(self, old: str, new: str, message: str) -> None:
        """In the user's code, committed."""
        text = self.code.read_text()
        assert old in text
        self.code.write_text(text.replace(old, new))
        self.commit(message)

    def night(
        self, day: int, settings: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None, **more: Any
    ) -> Outcome:
        """In this process, which must be in `folder`: `day` nights after the first."""
        sys.modules.pop("train", None)  # each night is a process of its own
        sweep = load_sweep(str(self.file), dict(settings or {}))
        given = {"runs": self.runs, "address": "none", "clock": lambda: FIRST + DAY * day} | more
        return run_night(sweep, NightLaunch(environ=environ or {}, **given))

    def nights(self) -> list[NightRecord]:
        return NightsFolder(self.runs, "own").nights()


def control_values(record: NightRecord) -> dict[int, float | None]:
    """Seed -> value."""
    return {one.seed: one.value for one in record.controls}


@contextmanager
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(its address, what it was sent) of a server on this machine."""
    sent: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing on standard error."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", sent
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def wait_for(what: Any, seconds: float = 120) -> None:
    """Until `what()` is true; the test fails when it never is."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


ONE_NIGHT = """
import os, signal, sys
sys.path.insert(0, "")
from pathlib import Path
from tuner.api.sweeps import load_sweep
from tuner.nightly.night import NightLaunch, run_night
from tuner.records.journal import Journal

now, at, number = float(sys.argv[1]), sys.argv[2], int(sys.argv[3])
write = Journal.append_many

def append_many(self, lines):
    write(self, lines)
    for line in lines:
        if line["kind"] == "night":
            place = "verdict" if "verdict" in line else ""
        else:
            place = f"{line['trial']} {line['epoch']}" if line["kind"] == "report" else line["kind"]
        if place and place == at:
            os.kill(os.getpid(), number)

Journal.append_many = append_many
outcome = run_night(load_sweep("own.yaml"), NightLaunch(address="none", clock=lambda: now))
print(outcome.line)
sys.exit(outcome.exit_code)
"""
"""A night in a process of its own at a time that is given; `at`: the journal's line after which it gets the signal."""


def one_night(project: Project, day: int, at: str = "", number: int = 0) -> subprocess.CompletedProcess[str]:
    """To its end, however it ends."""
    script = project.folder.parent / "one_night"
    script.write_text(ONE_NIGHT)
    words = [sys.executable, str(script), str(FIRST + DAY * day), at, str(int(number))]
    path = {"PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        words, cwd=project.folder, capture_output=True, text=True, timeout=240, env=os.environ | path, check=False
    )


def tuner(*words: object) -> tuple[int, str, str]:
    """(exit code, standard output, standard error) of the command, in this process and folder."""
    from tuner.cli import main

    sys.modules.pop("train", None)
    out, errors, argv, path = io.StringIO(), io.StringIO(), sys.argv, list(sys.path)
    sys.argv = ["tuner", *map(str, words)]
    try:
        with redirect_stdout(out), redirect_stderr(errors):
            main()
    except SystemExit as ended:
        assert ended.code is None or isinstance(ended.code, int)
        return ended.code or 0, out.getvalue(), errors.getvalue()
    finally:
        sys.argv, sys.path = argv, path
    return 0, out.getvalue(), errors.getvalue()
