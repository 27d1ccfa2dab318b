"""The SQLite file of a store without a server."""

from __future__ import annotations

from pathlib import Path

from tuner.tracking.sqlite_file import file_system, make


def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/a / ext4 rw 0 0\n"
        f"server:/x {tmp_path} nfs4 rw 0 0\n"
        f"/dev/b {tmp_path}/my\\040disk xfs rw 0 0\n"
        f"/dev/c {tmp_path}/runs-other xfs rw 0 0\n"
    )
    (tmp_path / "my disk").mkdir()
    assert file_system(tmp_path / "runs", mounts) == "nfs4"
    assert file_system(tmp_path / "my disk", mounts) == "xfs"
    assert file_system(Path("/"), mounts) == "ext4"
    assert file_system(tmp_path, tmp_path / "none") == ""


def test_a_store_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    """Another sweep made it while this one was at it: the first one wins."""
    store = tmp_path / "mlflow.db"
    store.write_bytes(b"theirs")
    make(store)
    assert store.read_bytes() == b"theirs"
