"""Objects below one URI that every machine sees: `s3://`, `gs://`, `file://`, and all that pyarrow or fsspec reads.

An object is whole or not there. Object stores see to that themselves; elsewhere it is written aside and moved. What
fails in between (a server that is away for some seconds) is tried again. Credentials come from the environment, as the
libraries read them, and stand in no URI.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from tuner.errors import Fault, InputError, RunError

URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between tries: what lasts longer is an error."""
_WHOLE = ("s3", "gcs", "abfs")
"""pyarrow's names of stores in which a half written object cannot be seen."""
_PART = ".part"
T = TypeVar("T")


class StorageError(RunError):
    """The storage cannot be reached, or refuses."""


def is_uri(where: object) -> bool:
    return isinstance(where, str) and URI.match(where) is not None


def child(uri: str, name: str) -> str:
    """The URI of what lies below it; a query (`?endpoint_override=…`) stays at the end."""
    base, mark, query = uri.partition("?")
    return f"{base.rstrip('/')}/{name}{mark}{query}"


def split(uri: str) -> tuple[str, str]:
    """(the URI above, the last part of its path)."""
    base, mark, query = uri.partition("?")
    above, _, name = base.rstrip("/").rpartition("/")
    return f"{above}{mark}{query}", name


def uri_fault(uri: str) -> str:
    """What to write instead; empty for a URI that may be used. It is copied into every run directory."""
    try:
        parts = urlsplit(uri)
        account = parts.username or parts.password
    except ValueError:
        return "is no URI: write s3://BUCKET/FOLDER, gs://BUCKET/FOLDER or a folder that every node sees"
    if account or re.search(r"(secret|token|password|access_key|signature)[^=&]*=", parts.query, re.IGNORECASE):
        return (
            "holds a key or a password, and it is copied into the run directory: take it out and set it in the "
            "environment of every node (AWS_ACCESS_KEY_ID, GOOGLE_APPLICATION_CREDENTIALS, ...)"
        )
    if not (parts.netloc + parts.path).strip("/"):
        return "names no place: write s3://BUCKET/FOLDER, gs://BUCKET/FOLDER or a folder that every node sees"
    return ""


def check_uri(where: str, uri: str) -> None:
    """Raises InputError; nothing is reached."""
    cure = uri_fault(uri)
    if cure:
        raise InputError("a storage that cannot be used", (Fault(where, shown(uri), cure),))


class Storage:
    """What lies below a URI, by names with slashes."""

    def __init__(self, uri: str) -> None:
        """Raises InputError for a URI that no library reads."""
        check_uri("storage", uri)
        self.uri = uri
        self._files, self._root = _opened(uri)
        self._aside = self._files.type_name not in _WHOLE

    def put(self, name: str, content: bytes | Path) -> None:
        """Write an object, over an older one; `content`: its bytes, or the file that holds them."""
        self._tried(f"write {name}", lambda: self._write(name, content))

    def get(self, name: str) -> bytes | None:
        """None where there is no such object."""

        def read() -> bytes | None:
            try:
                with self._files.open_input_stream(self._path(name)) as file:
                    return bytes(file.read())
            except FileNotFoundError:
                return None

        return self._tried(f"read {name}", read)

    def fetch(self, name: str, target: Path) -> bool:
        """Copy an object to a file, which is there whole or not at all; False where there is no such object."""

        def copy() -> bool:
            half = target.with_name(f".{target.name}.{os.getpid()}")
            try:
                with self._files.open_input_stream(self._path(name)) as source:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with half.open("wb") as file:
                        shutil.copyfileobj(source, file, 1 << 20)
            except FileNotFoundError:
                return False
            half.replace(target)
            return True

        return self._tried(f"read {name}", copy)

    def list(self, prefix: str = "") -> Mapping[str, int]:
        """Name -> bytes of every object, or of those in the folder `prefix`; sorted."""

        def found() -> dict[str, int]:
            from pyarrow.fs import FileSelector, FileType

            where = self._path(prefix) if prefix else self._root
            entries = self._files.get_file_info(FileSelector(where, recursive=True, allow_not_found=True))
            skip = len(self._root.rstrip("/")) + 1
            files = [entry for entry in entries if entry.type == FileType.File and _PART not in entry.base_name]
            return {entry.path[skip:]: entry.size for entry in sorted(files, key=lambda one: one.path)}

        return self._tried(f"list {prefix or 'it'}", found)

    def delete(self, *names: str) -> None:
        """Objects that are gone already are no error."""
        for name in names:
            self._tried(f"delete {name}", lambda name=name: self._remove(name))  # type: ignore[misc]

    def delete_folder(self, prefix: str) -> None:
        self.delete(*self.list(prefix))

    def _remove(self, name: str) -> None:
        try:
            self._files.delete_file(self._path(name))
        except FileNotFoundError:
            return

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    def _write(self, name: str, content: bytes | Path) -> None:
        path = self._path(name)
        first = f"{path}{_PART}{os.getpid()}" if self._aside else path
        if self._aside:
            self._files.create_dir(path.rpartition("/")[0], recursive=True)
        with self._files.open_output_stream(first) as target:
            if isinstance(content, bytes):
                target.write(content)
            else:
                with content.open("rb") as source:
                    shutil.copyfileobj(source, target, 1 << 20)
        if self._aside:
            self._files.move(first, path)

    def _tried(self, what: str, act: Callable[[], T]) -> T:
        for pause in (*PAUSES, None):
            try:
                return act()
            except OSError as error:
                if pause is None or _hopeless(error):
                    raise StorageError(f"{shown(self.uri)}: cannot {what}: {_first_line(error)}") from error
            time.sleep(pause)
        raise AssertionError("unreachable")


def _opened(uri: str) -> tuple[Any, str]:
    """pyarrow's file system and the path in it."""
    import pyarrow as pa
    from pyarrow.fs import FileSystem, FSSpecHandler, PyFileSystem

    try:
        files, root = FileSystem.from_uri(uri)
        return files, str(root)
    except pa.ArrowInvalid as error:
        if "Unrecognized filesystem type" not in str(error):
            raise InputError("a storage that cannot be used", (Fault("storage", uri, _first_line(error)),)) from error
    except OSError as error:
        raise StorageError(f"{uri}: {_first_line(error)}") from error
    try:
        import fsspec

        spec, root = fsspec.core.url_to_fs(uri)
    except (ImportError, ValueError) as error:
        cure = f"neither pyarrow nor fsspec reads it here ({_first_line(error)}): install what it names, on every node"
        raise InputError("a storage that cannot be used", (Fault("storage", uri, cure),)) from error
    return PyFileSystem(FSSpecHandler(spec)), str(root)


def _hopeless(error: OSError) -> bool:
    """What no further try mends."""
    if isinstance(error, FileNotFoundError | PermissionError | NotADirectoryError | IsADirectoryError):
        return True
    return any(word in str(error) for word in ("NO_SUCH_BUCKET", "ACCESS_DENIED", "INVALID_ACCESS_KEY", "SIGNATURE"))


def shown(uri: str) -> str:
    """Without what may be a secret."""
    base, mark, query = uri.partition("?")
    base = re.sub(r"//[^/@]*@", "//***@", base)
    return base + mark + re.sub(r"((?:secret|token|password|access_key|signature)[^=&]*=)[^&]*", r"\1***", query)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
