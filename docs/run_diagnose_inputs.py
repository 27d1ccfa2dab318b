"""Runs every command of docs/diagnose_inputs.md and writes its output there: `python docs/run_diagnose_inputs.py`.

In a folder of its own, beside a small sweep with its MLflow store and four small files; a minute.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "diagnose_inputs.md"
SWEEP = "run digits_mlp --address none --trials 3 --set search.max_epochs=12 --set search.scheduler=none"
SHOWN = 6
"""Lines of an output, but for the first."""
WIDE = 400
"""Letters of a line of JSON."""
BLOCK = re.compile(r"^\$ tuner (diagnose [^W\n][^\n]*)\n(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)
TRAIN, VAL = [2.3, 1.9, 1.4, 1.0, 0.7, 0.5, 0.35, 0.25], [2.3, 2.0, 1.6, 1.4, 1.5, 1.7, 1.9, 2.2]


def tuner(words: str, folder: Path) -> str:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "tuner", *shlex.split(words)],
        cwd=folder,
        env=env,
        text=True,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if "--plot" in words else None,
    )
    return done.stdout


def lay_out(folder: Path) -> None:
    (folder / "tests").symlink_to(ROOT / "tests")
    rows = [f"{epoch},{t},{v}" for epoch, (t, v) in enumerate(zip(TRAIN, VAL, strict=True), 1)]
    whole = {"id": "classifier", "train_loss": TRAIN, "val_loss": VAL, "num_classes": 10, "lr": 0.01}
    lost = {"id": "lost", "train_loss": [2.3, 2.2, 9.0, float("nan")]}
    (folder / "examples.json").write_text(json.dumps([whole, lost]))
    (folder / "examples.jsonl").write_text("".join(json.dumps(one) + "\n" for one in (whole, lost)))
    (folder / "examples.csv").write_text("\n".join(["epoch,train_loss,val_loss", *rows]) + "\n")
    many = [f"{name},{row}" for name, shown in (("short", rows[:4]), ("whole", rows)) for row in shown]
    (folder / "many.csv").write_text("\n".join(["id,epoch,train_loss,val_loss", *many]) + "\n")
    tuner(SWEEP, folder)


def run_all(text: str, folder: Path) -> str:
    shown = 0

    def again(found: re.Match[str]) -> str:
        nonlocal shown
        lines = [line.rstrip() for line in tuner(found[1], folder).rstrip().splitlines()]
        lines = [line if len(line) < WIDE else f"{line[:WIDE]} …" for line in lines]
        if shown and len(lines) > SHOWN:
            lines = [*lines[:SHOWN], "  …"]
        shown += 1
        return "\n".join([f"$ tuner {found[1]}", *lines, ""])

    return BLOCK.sub(again, text)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        lay_out(Path(name))
        PAGE.write_text(run_all(PAGE.read_text(encoding="utf-8"), Path(name)), encoding="utf-8")
