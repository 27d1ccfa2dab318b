"""`tuner ui`: MLflow's own server on the store of the sweeps, started and ended as a whole."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from tuner.errors import InputError
from tuner.tracking.ui import HOST, serve

SERVE = "import sys; from tuner.tracking.ui import serve; sys.exit(serve(sys.argv[1], int(sys.argv[2])))"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no sweep has written it yet"):
        serve(f"sqlite:///{tmp_path}/mlflow.db", free_port())
    assert not list(tmp_path.iterdir())


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").touch()
    with socket.socket() as holder:
        holder.bind((HOST, 0))
        holder.listen()
        with pytest.raises(InputError, match="name a free one"):
            serve(f"sqlite:///{tmp_path}/mlflow.db", holder.getsockname()[1])


def test_a_server_has_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert serve("http://me:pa55word@127.0.0.1:5000", 5001) == 0
    assert "http://me:***@127.0.0.1:5000" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_shows_the_store_and_ends_as_a_whole(tmp_path: Path, number: signal.Signals) -> None:
    from tuner.tracking.mlflow_store import MlflowStore

    uri, port = f"sqlite:///{tmp_path}/mlflow.db", free_port()
    MlflowStore(uri, tmp_path).experiment("digits")
    with (tmp_path / "log").open("w") as log:
        # A test run in the background hands SIGINT on as ignored; a terminal does not.
        default = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        command = [sys.executable, "-c", default + SERVE, uri, str(port)]
        ui = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    assert ui.stdout is not None
    with ui.stdout:
        said = next((line for line in ui.stdout if line.startswith("MLflow UI")), "")
        assert f"http://{HOST}:{port}" in said, (tmp_path / "log").read_text()
        family = psutil.Process(ui.pid).children(recursive=True)
        assert family
        with urlopen(f"http://{HOST}:{port}/api/2.0/mlflow/experiments/get-by-name?experiment_name=digits") as answer:
            assert b'"digits"' in answer.read()
        ui.send_signal(number)
        assert ui.wait(timeout=60) == 0
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
