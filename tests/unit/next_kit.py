"""A finished run on disk, made by formula: a sweep file, and a journal written by the real controller."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from control_kit import Curve, Sweep

from tuner.control.rules import Rules
from tuner.records.run_directory import RunDirectory
from tuner.sweep import Sweep as SweepFile
from tuner.sweep import dump_sweep, parse_sweep
from tuner.training.catalogue import CATALOGUE

FILE = """
name: planted
task: digits
model: mlp
space:
  lr: {float: [1.0e-5, 1.0], log: true, default: 1.0e-3}
  dropout: {float: [0, 0.6], default: 0.1}
search: {algorithm: random, scheduler: none, trials: 40, max_epochs: 9, doomed: false, enqueue: [{lr: 0.1}]}
tracking: {uri: none}
"""


def read(text: str) -> SweepFile:
    return parse_sweep(text, path="sweep.yaml", catalogue=CATALOGUE)


def write_run(folder: Path, curve: Curve, text: str = FILE, name: str = "planted-run") -> RunDirectory:
    """The run directory of that sweep after these curves."""
    sweep = read(text)
    search = sweep.search
    drive = Sweep(Rules.from_sweep(sweep), algorithm=search.algorithm, scheduler=search.scheduler, space=sweep.space)
    head = {"run": name, "name": sweep.name, "max_epochs": sweep.search.max_epochs, "trials": 40, "task": sweep.task}
    parameters = [asdict(item) for item in sweep.space.records()]
    drive.lines[0] = {**drive.lines[0], **head, "parameters": json.loads(json.dumps(parameters))}
    drive.run(curve)
    directory = RunDirectory(folder / name)
    directory.path.mkdir(parents=True)
    directory.sweep.write_text(dump_sweep(sweep), encoding="utf-8")
    end = {"kind": "end", "at": 1.0, "status": "finished", "reason": "", "seconds": {}}
    rows = [json.dumps(line) + "\n" for line in [*drive.lines, end]]
    directory.journal.write_text("".join(rows), encoding="utf-8")
    return directory
