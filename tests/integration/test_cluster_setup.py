"""What cluster.yaml does to a node, done here: the wheel, its set-up commands in a clean venv, a job's command in it.

Not covered: everything before and around it. No instance is started, nothing is mounted; apt, Prometheus and
`ray start` are not called (`ray stop` would end other people's Ray). pip installs the wheel without what it needs and
without an index, since that is 6 GB; those packages are lent from this environment. That pip finds them, at the
versions of constraints.txt, is what `make install` shows. The command runs with `--address none` instead of `auto`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml

from tuner.api.submit import Order, make_submission

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_node_s_setup_commands_install_this_version_and_a_job_s_command_runs_there(tmp_path: Path) -> None:
    cluster = yaml.safe_load((ROOT / "cluster.yaml").read_text(encoding="utf-8"))
    home, job = tmp_path / "home", tmp_path / "job"
    for there in ("~/tuner/dist", "~/tuner/constraints.txt"):
        assert there in cluster["file_mounts"]
    (home / "tuner").mkdir(parents=True)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(home / "tuner" / "dist"), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    shutil.copy(ROOT / "constraints.txt", home / "tuner")
    environment = {
        "HOME": str(home),
        "PATH": f"{Path(sys.base_prefix) / 'bin'}:{os.environ['PATH']}",
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
        "OMP_NUM_THREADS": "1",
    }

    def shell(line: str, folder: Path = home) -> str:
        done = subprocess.run(["bash", "-c", line], cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    for _ in range(2):  # a node that is started again has them run again
        for command in cluster["setup_commands"]:
            shell(command)
    assert (home / ".bashrc").read_text().count("PATH") == 2, "one line, which names PATH twice"
    (packages,) = (home / "tuner" / "venv" / "lib").glob("python*/site-packages")
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib"))

    assert shell("source ~/.bashrc; python -P -c 'import tuner; print(tuner.__file__)'").startswith(str(packages))
    values = {"search.trials": "2", "search.max_epochs": "1", "data.limit": "200", "tracking.uri": "none"}
    submission = make_submission(Order("digits_mlp", runs="~/runs", values=values), {}, root=tmp_path)
    job.mkdir()
    submission.working_directory.copy_to(job)
    assert "--address auto" in submission.command
    shell(f"source ~/.bashrc; {submission.command.replace('--address auto', '--address none')}", job)
    summary = json.loads((home / "runs" / submission.id / "summary.json").read_text())
    assert (summary["status"], summary["trials"]["total"]) == ("finished", 2)
    told = json.loads((home / "runs" / submission.id / "environment.json").read_text())
    assert (
        told["versions"]["tuner"]
        == shell("source ~/.bashrc; python -c 'import tuner; print(tuner.__version__)'").strip()
    )
