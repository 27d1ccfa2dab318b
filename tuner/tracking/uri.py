"""Where MLflow's records go: which tracking URIs are usable, made absolute, and shown without their secrets.

Nothing here imports mlflow, so that a sweep file is refused for a wrong URI before anything starts.
"""

from __future__ import annotations

import os
import re
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from tuner.errors import Fault, InputError

SERVERS = ("http", "https")
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
DATABRICKS = ("databricks", "databricks-uc", "uc")
_SQLITE = "sqlite:///"
_WHERE = "tracking.uri"
_SECRET = re.compile(r"pass|pwd|secret|token|key|signature|credential", re.IGNORECASE)
_SCHEME = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.\-]*):")


def default_uri(runs: str | Path) -> str:
    """`mlflow.db` beside the folder of runs, as an absolute SQLite URI."""
    return f"{_SQLITE}{Path(os.path.abspath(runs)).parent / 'mlflow.db'}"  # noqa: PTH100  (resolve() would follow links)


def is_there(uri: str) -> bool:
    """Whether it names a SQLite file that exists."""
    path = sqlite_path(uri)
    return path is not None and path.is_file()


def check_uri(uri: str) -> None:
    """Raises InputError with the cure for a URI that MLflow cannot write to, whatever the state of a server."""
    cure = _fault(uri)
    if cure:
        raise InputError("the MLflow tracking URI cannot be used", (Fault(_WHERE, masked(uri), cure),))


def absolute_uri(uri: str) -> str:
    """A relative SQLite path made absolute, since the follower and a later `track` start elsewhere."""
    path = sqlite_path(uri)
    if path is None or path.is_absolute():
        return uri
    _, mark, query = uri.partition("?")
    return f"{uri.split(':', 1)[0]}:///{Path(os.path.abspath(path))}{mark}{query}"  # noqa: PTH100


def sqlite_path(uri: str) -> Path | None:
    """The database file of a SQLite URI; None for every other kind."""
    if scheme_of(uri) != "sqlite":
        return None
    rest = uri.split(":", 1)[1].partition("?")[0]
    return Path(rest.removeprefix("///")) if rest.startswith("///") and len(rest) > 3 else None


def scheme_of(uri: str) -> str:
    """`postgresql` of `postgresql+psycopg2://...`; `` of a plain path; `databricks` may stand alone."""
    if uri in DATABRICKS:
        return uri
    match = _SCHEME.match(uri)
    return match.group(1).lower().partition("+")[0] if match else ""


def masked(uri: str) -> str:
    """The URI as it may be shown and written to files: passwords, tokens and the like are `***`."""
    try:
        parts = urlsplit(uri)
    except ValueError:  # an IPv6 address without its bracket, say: then all behind the scheme is hidden
        return f"{uri.partition('://')[0]}://***"
    where, query = parts.netloc, parts.query
    if "@" in where:
        account, _, host = where.rpartition("@")
        user, colon, _ = account.partition(":")
        where = f"{user}:***@{host}" if colon else f"***@{host}"  # without a colon it is a token
    for name, value in parse_qsl(query):
        if _SECRET.search(name):
            query = re.sub(rf"(^|[&;]){re.escape(name)}=[^&;]*", rf"\1{name}=***", query) if value else query
    return uri.replace(parts.netloc, where, 1).replace(parts.query, query) if (where, query) != parts[1:4:2] else uri


def mask(text: str, uri: str) -> str:
    """`text` without the URI's secrets, in whichever form a library may have put them into a message."""
    text = text.replace(uri, masked(uri))
    for secret in _secrets(uri):
        text = text.replace(secret, "***")
    return text


def _secrets(uri: str) -> list[str]:
    """The longest first. Those of a character or three would hide half of any text and protect nothing."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return []
    found = {value for name, value in parse_qsl(parts.query) if _SECRET.search(name)}
    if "@" in parts.netloc:
        user, colon, password = parts.netloc.rpartition("@")[0].partition(":")
        found.add(password if colon else user)
    plain = {unquote(secret) for secret in found}
    every = {*found, *plain, *(quote(secret, safe="") for secret in plain)}
    return sorted((secret for secret in every if len(secret) > 3), key=len, reverse=True)


def _fault(uri: str) -> str:
    """What to write instead; empty for a usable URI."""
    scheme = scheme_of(uri)
    if not uri.strip():
        return "write a URI such as sqlite:////home/me/mlflow.db or http://127.0.0.1:5000, or leave it out"
    if scheme in ("", "file"):
        folder = uri.removeprefix("file:").removeprefix("//") or "."
        return (
            "MLflow keeps no new records in plain folders (its file store is in maintenance): "
            f"write {_SQLITE}{folder.rstrip('/')}/mlflow.db, or a server's http://HOST:PORT"
        )
    if scheme in SERVERS:
        return "" if _has_host(uri) else "a server's address has a host: http://127.0.0.1:5000"
    if scheme == "sqlite":
        return _sqlite_fault(uri)
    if scheme in (*DATABASES, *DATABRICKS):
        return "" if "://" in uri or uri in DATABRICKS else f"write {scheme}://..."
    known = {entry.name for entry in entry_points(group="mlflow.tracking_store")}
    if scheme in known:
        return ""
    usable = ", ".join((*SERVERS, *DATABASES, *DATABRICKS, *sorted(known)))
    return f"{scheme} is no tracking store that MLflow has here: {usable}"


def _has_host(uri: str) -> bool:
    try:
        return bool(urlsplit(uri).hostname)
    except ValueError:
        return False


def _sqlite_fault(uri: str) -> str:
    path = sqlite_path(uri)
    if path is None or path.name == ":memory:":
        return f"three slashes and a file: {_SQLITE}mlflow.db, or four for an absolute path (a store in memory is lost)"
    folder = Path(os.path.abspath(path)).parent  # noqa: PTH100
    if path.is_dir():
        return f"{path} is a folder: name a file in it, {_SQLITE}{path}/mlflow.db"
    if not folder.is_dir():
        return f"make the folder {folder} first, or name a file in one that exists"
    if not os.access(path if path.exists() else folder, os.W_OK):
        return f"{path if path.exists() else folder} cannot be written: name another file"
    return ""
