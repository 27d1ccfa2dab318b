"""What a node says of the folder that it is to see, and how the user is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tuner.launch.sight import _message, _Place, look, unseen
from tuner.records.storage import Storage
from tuner.training.plan import TrainingPlan


def test_a_node_reads_what_the_driver_wrote_and_answers(tmp_path: Path) -> None:
    for where in (str(tmp_path / "a b%20"), f"file://{tmp_path}/there"):
        (tmp_path / "a b%20").mkdir(exist_ok=True)
        place = _Place(where)
        place.put("proof/driver", b"token")
        assert look(where, "token", "node") == ""
        assert place.get("proof/node") == b"token"
        place.clear()
        assert look(where, "token", "node") == "has another folder of that name"
    assert list((tmp_path / "a b%20").iterdir()) == []
    assert dict(Storage(f"file://{tmp_path}/there").list()) == {}


def test_a_node_without_the_folder_makes_none(tmp_path: Path) -> None:
    assert look(str(tmp_path / "none"), "token", "node") == "has no such folder"
    assert not (tmp_path / "none").exists()
    assert "neither pyarrow nor fsspec" in look("nonsense://a/b", "token", "node")


def test_a_worker_on_a_node_that_came_later_makes_no_folder_either(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "r"
    plan = TrainingPlan("digits", str(run / "checkpoints"))
    assert f"has no folder {run}: every node has to see it" in (unseen(plan) or "")
    assert not run.exists()
    assert unseen(replace(plan, remote="s3://bucket/r")) is None
    run.mkdir(parents=True)
    assert unseen(plan) is None


def test_the_message_names_node_path_and_cure() -> None:
    said = _message({"node 10.0.0.7 (ab12)": "has no such folder"}, "some/runs/r", remote=False)
    assert "some/runs/r" in said
    assert "node 10.0.0.7 (ab12): has no such folder" in said
    assert "mounted on every node" in said
    assert "credentials" in _message({"node 10.0.0.7 (ab12)": "denied"}, "s3://b/r", remote=True)
