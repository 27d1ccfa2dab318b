"""Whole sweeps through the command line, as a user starts them, and what they left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tuner.records.journal import read_journal
from tuner.records.run_directory import RunDirectory
from tuner.records.trial import COMPLETED, DOOMED, FAILED, INTERRUPTED, PRUNED

MLFLOW_STATUS = {
    COMPLETED: "FINISHED",
    PRUNED: "KILLED",
    DOOMED: "KILLED",
    FAILED: "FAILED",
    INTERRUPTED: "KILLED",
}


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "tuner", *map(str, words)]


def start(folder: Path, *words: object) -> subprocess.Popen[bytes]:
    """`tuner …` in `folder`, in a process group of its own. What it prints goes to files: a pipe would stay open as
    long as any child of a killed driver."""
    with (folder / "out.txt").open("wb") as out, (folder / "err.txt").open("wb") as err:
        return subprocess.Popen(
            command(*words),
            cwd=folder,
            stdout=out,
            stderr=err,
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """Nothing of a drill outlives its test, however that went."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def finish(process: subprocess.Popen[bytes], folder: Path, expected: int = 0, seconds: float = 300) -> str:
    """Its standard output; the test fails with its standard error where it ended otherwise."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        end(process)
        raise AssertionError(f"did not end within {seconds} s:\n{_errors(folder)}") from None
    found = process.returncode
    assert found == expected, f"exit code {found}, expected {expected}:\n{_errors(folder)}"
    return (folder / "out.txt").read_text()


def _errors(folder: Path) -> str:
    return (folder / "err.txt").read_text()[-4000:]


def summary_of(folder: Path, *words: object, expected: int = 0) -> dict:
    return json.loads(finish(start(folder, *words, "--json"), folder, expected))


def only_run(folder: Path) -> RunDirectory:
    (path,) = [item for item in (folder / "runs").iterdir() if (item / "journal.jsonl").is_file()]
    return RunDirectory(path)


def kill_after_lines(process: subprocess.Popen[bytes], folder: Path, lines: int, seconds: float = 240) -> bool:
    """SIGKILL the driver once the journal has so many lines; False where it ended before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return False
        runs = list((folder / "runs").glob("*/journal.jsonl"))
        if runs and len(read_journal(runs[0])) >= lines:
            process.kill()
            process.wait()
            return True
        time.sleep(0.02)
    end(process)
    raise AssertionError(f"no {lines} lines in {seconds} s")


def mlflow_children(folder: Path, run: RunDirectory) -> tuple[object, list[object]]:
    """(the parent run, its children) in the default store beside the runs folder."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    everything = client.search_runs(experiments, max_results=1000)
    mine = [item for item in everything if item.data.tags.get("tuner.run") == run.name]
    children = [item for item in mine if "mlflow.parentRunId" in item.data.tags]
    (parent,) = [item for item in mine if item not in children]
    return parent, children


def check_everything(folder: Path, run: RunDirectory) -> None:
    """What must hold of every sweep that ended: files, tables, MLflow."""
    import pandas as pd

    record = run.record()
    for path in (run.sweep, run.environment, run.journal, run.summary, run.trials, run.curves, run.findings):
        assert path.is_file(), path.name
    assert run.study.is_file()
    assert all(trial.trial in (run.logs / "driver.log").read_text() for trial in record.trials)
    assert run.report.is_file()
    assert all(trial.ending is not None for trial in record.trials)
    curves = pd.read_parquet(run.curves)
    assert not curves.duplicated(["trial", "epoch"]).any()
    assert len(curves) == sum(len(trial.epochs) for trial in record.trials) > 0
    summary = json.loads(run.summary.read_text())
    assert summary["epochs"]["trained"] == len(curves)
    parent, children = mlflow_children(folder, run)
    assert summary["mlflow"]["parent_run"] == parent.info.run_id
    names = sorted(child.data.tags["mlflow.runName"] for child in children)
    assert names == sorted(trial.trial for trial in record.trials)
    by_name = {child.data.tags["mlflow.runName"]: child for child in children}
    for trial in record.trials:
        assert by_name[trial.trial].info.status == MLFLOW_STATUS[trial.ending], trial.trial
