"""Where trials are put: several on a GPU, several GPUs in one, resources by name. The GPUs are made up."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

CASES: dict[str, tuple[dict[str, Any], int]] = {
    "a quarter": ({"gpu": 0.25, "cpu": 1}, 8),
    "halves": ({"gpu": 0.5, "cpu": 1}, 4),
    "two": ({"gpu": 2, "cpu": 1}, 1),
    "named": ({"custom": {"license": 1}, "cpu": 1}, 3),
    "kind": ({"accelerator": "A100", "gpu": 1, "cpu": 1}, 2),
    "parts of a core": ({"cpu": 0.5, "custom": {"license": 0.5}}, 6),
}
"""Resources -> trials at once, with 8 CPUs, 2 GPUs of the kind A100 and 3 of `license`."""

SCRIPT = """
import json, os, sys, time
from pathlib import Path
import ray, tuner

def meeting(trial):
    folder = Path(trial.config["folder"])
    gpus = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    (folder / f"in-{trial.name}").write_text(gpus)
    most = 0
    deadline = time.monotonic() + 60
    while len(list(folder.glob("in-*"))) < trial.config["together"] and time.monotonic() < deadline:
        time.sleep(0.01)
    at_once = [p for p in folder.glob("in-*") if not (folder / p.name.replace("in-", "out-")).exists()]
    (folder / f"seen-{trial.name}").write_text(json.dumps([gpus, len(at_once)]))
    (folder / f"out-{trial.name}").write_text("")
    trial.report(1, val_loss=1.0)

if __name__ == "__main__":
    cases, above = json.loads(sys.argv[1]), Path(sys.argv[2])
    ray.init(address="local", num_cpus=8, num_gpus=2, resources={"license": 3, "accelerator_type:A100": 2},
             include_dashboard=False, log_to_driver=False, object_store_memory=100 * 2**20, _temp_dir=sys.argv[3])
    for name, (resources, together) in cases.items():
        folder = above / name
        folder.mkdir()
        result = tuner.run(meeting, space={"x": {"float": [0, 1]}}, trials=together + 2, max_epochs=1, track=False,
                           runs=above / "runs",
                           settings={"resources": resources, "fixed": {"folder": str(folder), "together": together}})
        assert result.status == "finished", result.status
        assert set(result.trials.ending) == {"completed"}, result.trials
"""


@pytest.mark.slow
def test_trials_are_packed_as_their_resources_say(tmp_path: Path) -> None:
    script = tmp_path / "meet.py"
    script.write_text(SCRIPT)
    root = str(Path(__file__).parents[2])
    sockets = tempfile.mkdtemp(prefix="ray")  # short: a Unix socket's path has room for some 100 characters
    done = subprocess.run(
        [sys.executable, script, json.dumps(CASES), tmp_path, sockets],
        env=os.environ | {"PYTHONPATH": root},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    shutil.rmtree(sockets, ignore_errors=True)
    assert done.returncode == 0, done.stderr[-4000:]
    for name, (resources, together) in CASES.items():
        seen = [json.loads(path.read_text()) for path in (tmp_path / name).glob("seen-*")]
        assert len(seen) == together + 2
        assert max(count for _, count in seen) == together, (name, seen)
        gpus = {visible for visible, _ in seen}
        expected = {"0,1"} if resources.get("gpu") == 2 else {"0", "1"} if "gpu" in resources else {""}
        assert gpus == expected, (name, seen)
