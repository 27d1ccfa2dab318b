"""A sweep as a job: its command and its quotes, variables by name alone, no secret where all could read it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tuner.api.submit import RUN_KEY, SWEEP_KEY, Order, Submission, make_submission, submit
from tuner.errors import InputError, SweepFileError
from tuner.launch.jobs import Request

SWEEP = """name: My Sweep
task: digits
model: mlp
metric: val_loss
space: {lr: {float: [0.001, 1]}}
search: {trials: 2, max_epochs: 1}
"""
NASTY = (
    "a b",
    "it's",
    'say "x"',
    "$(touch pwned)",
    "`touch pwned`",
    "; touch pwned",
    "a\nb",
    "*",
    "~",
    "-x",
    "&& :",
    "é",
)


class Remembered:
    """A job server that takes one job and looks into its folder."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.files: list[str] = []

    def submit(self, request: Request) -> None:
        assert request.working_directory is not None
        self.requests.append(request)
        self.files = sorted(path.name for path in request.working_directory.rglob("*") if path.is_file())


def made(folder: Path, text: str = SWEEP, environ: dict[str, str] | None = None, **order: object) -> Submission:
    (folder / "s.yaml").write_text(text)
    return make_submission(Order(str(folder / "s.yaml"), **order), environ or {}, root=folder)  # type: ignore[arg-type]


def faults(folder: Path, text: str = SWEEP, environ: dict[str, str] | None = None, **order: object) -> str:
    with pytest.raises(InputError) as caught:
        made(folder, text, environ, **order)
    return str(caught.value)


def test_the_command_names_the_run_as_the_job(tmp_path: Path) -> None:
    found = made(tmp_path, runs="/efs/runs/", values={"search.trials": "3"}, options=("--final-test",))
    assert re.fullmatch(r"my-sweep-\d{8}-\d{4}-[0-9a-f]{4}", found.id)
    assert found.run == f"/efs/runs/{found.id}"
    assert shlex.split(found.command) == [
        *("python", "-m", "tuner", "run", "s.yaml", "--run-name", found.id),
        *("--address", "auto", "--runs", "/efs/runs", "--set", "search.trials=3", "--final-test"),
    ]


def test_every_word_reaches_the_command_as_it_was_given(tmp_path: Path) -> None:
    """Ray hands the line to a shell: nothing in it is run, split or replaced."""
    shown = f"import sys; print({'ascii(sys.argv[1:])'})"
    for word in NASTY:
        found = made(tmp_path, runs=f"/efs/{word}", values={"tracking.experiment": word})
        line = found.command.replace("python -m tuner", shlex.join([sys.executable, "-c", shown]), 1)
        done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert ascii(f"tracking.experiment={word}") in done.stdout
        assert ascii(f"/efs/{word}") in done.stdout
    assert not (tmp_path / "pwned").exists()


def test_a_run_that_goes_on_is_named_in_its_folder(tmp_path: Path) -> None:
    found = made(tmp_path, runs="/efs/runs", resume="my-sweep-1")
    assert (found.run, found.id != "my-sweep-1") == ("/efs/runs/my-sweep-1", True)
    assert shlex.split(found.command)[3:6] == ["run", "--resume", "my-sweep-1"]
    assert "write the run's name alone" in faults(tmp_path, resume="/efs/runs/my-sweep-1")
    found = made(tmp_path, runs="/efs/runs", resume="s3://bucket/sweeps/my-sweep-1")
    assert (found.run, shlex.split(found.command)[5]) == ("/efs/runs/my-sweep-1", "s3://bucket/sweeps/my-sweep-1")


def test_runs_lie_where_the_flag_says_else_the_sweep_else_at_home(tmp_path: Path) -> None:
    own = f"{SWEEP}storage: /efs/own\n"
    assert made(tmp_path, own).run.startswith("/efs/own/my-sweep-")
    assert made(tmp_path, own, runs="/efs/flag").run.startswith("/efs/flag/")
    assert made(tmp_path, f"{SWEEP}storage: s3://bucket/sweeps\n").run.startswith("~/tuner-runs/")
    assert "--set storage=URI" in faults(tmp_path, runs="s3://bucket/sweeps")
    assert "storage = 'runs': is looked for on the cluster" in faults(tmp_path, f"{SWEEP}storage: runs\n")


def test_the_job_gets_the_files_and_the_plan_says_so(tmp_path: Path) -> None:
    server = Remembered()
    found = made(tmp_path)
    submit(found, server)
    (request,) = server.requests
    assert (server.files, request.id) == (["s.yaml"], found.id)
    assert (request.metadata[SWEEP_KEY], request.metadata[RUN_KEY]) == ("My Sweep", f"~/tuner-runs/{found.id}")
    assert request.working_directory is not None
    assert not request.working_directory.exists(), "the copies are gone once they are sent"
    assert "s.yaml (0.1 KiB)" in str(found)


def test_variables_come_by_name_and_their_values_are_shown_nowhere(tmp_path: Path) -> None:
    found = made(tmp_path, environ={"MLFLOW_TRACKING_PASSWORD": "planted-secret"}, env=("MLFLOW_TRACKING_PASSWORD",))
    assert found.environment == {"MLFLOW_TRACKING_PASSWORD": "planted-secret"}
    server = Remembered()
    submit(found, server)
    shown = f"{found}\n{found!r}\n{server.requests[0]!r}"
    assert "MLFLOW_TRACKING_PASSWORD" in shown
    assert "planted-secret" not in shown
    assert "planted-secret" not in found.command
    assert "note       Ray logs and shows MLFLOW_TRACKING_PASSWORD on the cluster" in shown
    assert "note" not in str(made(tmp_path, environ={"TUNER_DATA": "here"}, env=("TUNER_DATA",)))


def test_what_is_wrong_with_the_order_is_said_at_once(tmp_path: Path) -> None:
    said = faults(tmp_path, runs="runs", env=("ABSENT", "A=planted-secret", "1X"), requirements=tmp_path / "absent.txt")
    assert "5 to mend" in said
    assert "is not set here: export ABSENT=" in said
    assert "name it alone, --env A" in said
    assert "planted-secret" not in said
    assert "is no name of a variable" in said
    assert "--runs = 'runs': is looked for on the cluster" in said
    assert "absent.txt" in said


def test_the_variables_of_this_machine_do_not_fill_the_sweep(tmp_path: Path) -> None:
    """TUNER_DATA names a folder here; the cluster has its own, or is given this one by --env."""
    here = {"TUNER_DATA": str(tmp_path)}
    assert made(tmp_path, environ=here).sweep.data.dir is None
    assert made(tmp_path, environ=here, env=("TUNER_DATA",)).sweep.data.dir == str(tmp_path)


@pytest.mark.parametrize(
    "address", ["https://me:pass@host", "https://token@host/mlflow", "postgresql://me:pass@host/db", "sqlite://:p@h/x"]
)
def test_a_password_is_refused_where_all_could_read_it(tmp_path: Path, address: str) -> None:
    in_command = faults(tmp_path, values={"tracking.uri": address})
    in_file = faults(tmp_path, f"{SWEEP}tracking: {{uri: '{address}'}}\n")
    for said in (in_command, in_file):
        assert "MLFLOW_TRACKING_" in said
        assert address not in said
    assert "line 7" in in_file


def test_a_password_anywhere_in_the_file_or_the_command_is_named_by_its_place(tmp_path: Path) -> None:
    said = faults(tmp_path, f"{SWEEP}# https://me:planted@host\n", values={"name": "https://planted@host"})
    assert "name: holds a password" in said
    assert "line 7: s.yaml: holds a password" in said
    assert "planted" not in said


def test_requirements_are_lines_that_the_cluster_can_install(tmp_path: Path) -> None:
    file = tmp_path / "r.txt"
    file.write_text("# ours\n\nseaborn==0.13  # plots\ngit+ssh://git@host/x.git@v1#egg=x\n--pre\n")
    assert made(tmp_path, requirements=file).requirements == (
        "seaborn==0.13",
        "git+ssh://git@host/x.git@v1#egg=x",
        "--pre",
    )
    file.write_text("-r other.txt\n-e .\n./wheel.whl\n../x\n/abs\nx @ https://me:planted@host/x.whl\n-c c.txt\nok\n")
    said = faults(tmp_path, requirements=file)
    assert "7 to mend" in said
    assert "planted" not in said


def test_a_faulty_sweep_file_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(SweepFileError, match="metrc"):
        made(tmp_path, SWEEP.replace("metric", "metrc"))


def test_a_shipped_sweep_goes_along_under_its_own_name(tmp_path: Path) -> None:
    found = make_submission(Order("digits_mlp"), {}, root=tmp_path)
    assert [str(there) for _, there in found.working_directory.files] == ["digits_mlp.yaml"]
    assert shlex.split(found.command)[4] == "digits_mlp.yaml"


def test_the_fast_help_needs_no_ray(tmp_path: Path) -> None:
    script = "import sys; from tuner.cli import app; app(); import tuner.api.submit; assert 'ray' not in sys.modules"
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, env=environ)
