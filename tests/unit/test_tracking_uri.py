"""Which tracking URIs are refused before a sweep starts, with which cure, and that no secret is ever shown."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.errors import InputError
from tuner.tracking.uri import absolute_uri, check_uri, default_uri, mask, masked, sqlite_path


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:5000",
        "https://user:secret@mlflow.example.org/prefix",
        "sqlite:///mlflow.db",
        "sqlite+pysqlite:///mlflow.db",
        "postgresql+psycopg2://me:pw@db/mlflow",
        "mysql://db/mlflow",
        "databricks",
        "databricks://profile",
    ],
)
def test_what_mlflow_can_write_to_is_taken(uri: str) -> None:
    check_uri(uri)


@pytest.mark.parametrize(
    ("uri", "cure"),
    [
        ("", "write a URI such as"),
        ("mlruns", "sqlite:///mlruns/mlflow.db"),
        ("./mlruns", "sqlite:///./mlruns/mlflow.db"),
        ("file:///home/me/mlruns", "sqlite:////home/me/mlruns/mlflow.db"),
        ("file:mlruns", "sqlite:///mlruns/mlflow.db"),
        ("http://", "a server's address has a host"),
        ("http://[::1", "a server's address has a host"),
        ("sqlite://", "three slashes and a file"),
        ("sqlite:///:memory:", "three slashes and a file"),
        ("sqlite:////no/such/folder/mlflow.db", "make the folder /no/such/folder first"),
        ("postgresql:db", "write postgresql://"),
        ("htp://127.0.0.1:5000", "htp is no tracking store"),
    ],
)
def test_what_it_cannot_is_refused_with_the_cure(uri: str, cure: str) -> None:
    with pytest.raises(InputError) as refusal:
        check_uri(uri)
    assert cure in refusal.value.faults[0].cure
    assert refusal.value.exit_code == 2


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder: name a file in it"):
        check_uri(f"sqlite:///{tmp_path}")


def test_the_default_store_lies_beside_the_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert default_uri("runs") == f"sqlite:///{tmp_path}/mlflow.db"
    assert sqlite_path(default_uri("runs")) == tmp_path / "mlflow.db"


def test_a_relative_database_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute_uri("sqlite:///there/mlflow.db") == f"sqlite:///{tmp_path}/there/mlflow.db"
    assert absolute_uri("sqlite:///mlflow.db?timeout=5") == f"sqlite:///{tmp_path}/mlflow.db?timeout=5"
    for already in ("sqlite:////a/mlflow.db", "http://127.0.0.1:5000"):
        assert absolute_uri(already) == already


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("https://me:pa55word@host/x", "https://me:***@host/x"),
        ("https://t0ken@host:1", "https://***@host:1"),
        ("https://host/x?api_token=abc&y=1", "https://host/x?api_token=***&y=1"),
        ("postgresql://me:p%40ss@db/x?sslmode=require&password=pw", "postgresql://me:***@db/x?sslmode=require&password=***"),
        ("http://[::1", "http://***"),
    ],
)  # fmt: skip
def test_secrets_are_masked(uri: str, shown: str) -> None:
    assert masked(uri) == shown


SECRETS = st.text("XYZ0123456789$!", min_size=4, max_size=20)  # of characters that the rest of the message lacks


@given(password=SECRETS, token=SECRETS)
def test_no_message_shows_a_secret(password: str, token: str) -> None:
    uri = f"postgresql://me:{password}@db.example.org/mlflow?token={token}"
    said = mask(f"no connection to {uri}: {password} is wrong for {token!r} and {quote(password)}", uri)
    for text in (masked(uri), said):
        assert password not in text
        assert token not in text
        assert quote(password) not in text


def test_checking_imports_no_mlflow() -> None:
    code = "import sys, tuner.tracking as t; t.check_uri('http://h:1'); sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
