"""What other tools wrote: each file is known by its content and gives the curves that the tool logged."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from tuner.diagnosis import diagnose
from tuner.errors import InputError
from tuner.importers import read_histories
from tuner.records.history import History

FILES = Path(__file__).parents[1] / "data" / "histories"
EPOCHS = list(range(1, 31))
TRACKED = [
    "tensorboard_steps",
    "tensorboard/by_epoch",
    "tensorboard/parts",
    "tensorboard_lightning",
    "lightning_metrics.csv",
    "lightning_steps_metrics.csv",
    "huggingface_trainer_state.json",
    "huggingface_eval_steps.json",
    "keras_history.json",
    "keras_log.csv",
]


def one(path: Path) -> History:
    (history,) = read_histories(path)
    return history


def cells(name: str, column: str) -> list[float]:
    with (FILES / name).open() as file:
        return [float(row[column]) for row in csv.DictReader(file) if row[column]]


def logged(name: str, key: str) -> list[float]:
    rows = json.loads((FILES / name).read_text())["log_history"]
    return [row[key] for row in rows if key in row]


@pytest.mark.parametrize("name", TRACKED)
def test_every_tool_shows_the_same_overfitting(name: str) -> None:
    history = one(FILES / name)
    (diagnosis,) = diagnose([history])
    assert "overfitting" in [finding.symptom for finding in diagnosis.findings]
    assert not history.gaps_unknown


@pytest.mark.parametrize("name", TRACKED[4:])
def test_the_name_of_a_file_says_nothing(tmp_path: Path, name: str) -> None:
    shutil.copy(FILES / name, tmp_path / "something.txt")
    known, renamed = one(FILES / name), one(tmp_path / "something.txt")
    assert renamed.id == "something"
    assert renamed.curves.keys() == known.curves.keys()
    assert all(np.array_equal(renamed.curves[key], known.curves[key], equal_nan=True) for key in known.curves)


def test_lightning_takes_the_mean_of_the_epoch_where_it_was_logged() -> None:
    history = one(FILES / "lightning_metrics.csv")
    assert history.epoch.tolist() == EPOCHS
    assert history.curves["train_loss"].tolist() == cells("lightning_metrics.csv", "train_loss_epoch")
    assert history.curves["val_loss"].tolist() == cells("lightning_metrics.csv", "val_loss")
    assert history.curves["val_accuracy"].tolist() == cells("lightning_metrics.csv", "val_acc")
    assert (history.steps_per_epoch, history.train_eval, history.missing) == (None, "epoch_mean", {})


def test_lightning_keeps_the_steps_where_only_they_were_logged() -> None:
    history = one(FILES / "lightning_steps_metrics.csv")
    assert history.steps_per_epoch == 2
    assert history.curves["train_loss"].tolist() == cells("lightning_steps_metrics.csv", "train_loss")
    assert history.curves["val_loss"].tolist() == cells("lightning_steps_metrics.csv", "val_loss")


def test_lightning_a_nan_was_measured_and_an_empty_cell_was_not(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,step,train_loss_epoch,val_loss\n0,3,,2.0\n0,3,2.1,\n1,7,nan,\n2,11,,nan\n2,11,nan,\n")
    history = one(path)
    assert history.id == tmp_path.name, "metrics.csv is everybody's name"
    assert {name: gaps.tolist() for name, gaps in history.missing.items()} == {"val_loss": [False, True, False]}
    assert np.isnan(history.curves["train_loss"][1:]).all()
    assert diagnose([history])[0].verdict == "diverged"


def test_lightning_names_every_bad_cell(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,step,train_loss\n0,1,high\n?,2,1.0\n1,3\n")
    with pytest.raises(InputError) as raised:
        read_histories(path)
    assert [(fault.line, fault.where) for fault in raised.value.faults] == [
        (2, "train_loss"),
        (3, "epoch, step"),
        (4, "row"),
    ]


def test_huggingface_has_the_losses_by_the_step_and_leaves_the_summary_out() -> None:
    name = "huggingface_trainer_state.json"
    history = one(FILES / name)
    assert history.curves["train_loss"].tolist() == logged(name, "loss")
    assert history.curves["val_loss"].tolist() == logged(name, "eval_loss")
    assert history.epoch.tolist() == EPOCHS
    assert (history.steps_per_epoch, history.max_epochs, history.config) == (2, 30, {"batch_size": 10})
    assert not any("runtime" in curve or "second" in curve for curve in history.curves)


def test_huggingface_an_evaluation_is_an_epoch_where_there_are_several_in_one() -> None:
    name = "huggingface_eval_steps.json"
    history = one(FILES / name)
    assert history.epoch.tolist() == list(range(1, 21))
    assert history.curves["val_loss"].tolist() == logged(name, "eval_loss")
    assert history.curves["train_loss"].tolist() == logged(name, "loss")
    assert history.max_epochs is None, "ten epochs were planned, but what is counted are evaluations"


def test_huggingface_without_a_loss_says_so(tmp_path: Path) -> None:
    path = tmp_path / "trainer_state.json"
    path.write_text('{"log_history": [{"step": 1, "epoch": 1.0, "learning_rate": 0.1}, {"epoch": 2.0}]}')
    with pytest.raises(InputError, match="2 to mend") as raised:
        read_histories(path)
    assert [fault.where for fault in raised.value.faults] == ["log_history[1]", "log_history"]


def test_keras_counts_from_zero_and_its_two_files_agree() -> None:
    kept, log = one(FILES / "keras_history.json"), one(FILES / "keras_log.csv")
    for history in (kept, log):
        assert history.epoch.tolist() == EPOCHS
        assert history.train_eval == "epoch_mean"
        assert set(history.curves) == {"train_loss", "train_accuracy", "val_loss", "val_accuracy"}
        assert history.curves["train_loss"].tolist() == cells("keras_log.csv", "loss")
    assert np.allclose(kept.curves["val_accuracy"], log.curves["val_accuracy"])


def test_keras_na_was_not_measured(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss,val_loss\n0,2.0,2.1\n1,nan,NA\n")
    history = one(path)
    assert np.isnan(history.curves["train_loss"][1])
    assert {name: gaps.tolist() for name, gaps in history.missing.items()} == {"val_loss": [False, True]}


def test_keras_history_with_its_epochs(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    path.write_text('{"history": {"loss": [2.0, 1.0]}, "epoch": [0, 1], "params": {"epochs": 9}}')
    history = one(path)
    assert (history.epoch.tolist(), history.max_epochs) == ([1, 2], 9)


def test_tensorboard_by_epoch_by_step_and_in_parts() -> None:
    whole, parts = read_histories(FILES / "tensorboard")
    assert (whole.id, parts.id) == ("by_epoch", "parts")
    steps = one(FILES / "tensorboard_steps")
    assert steps.steps_per_epoch == 4
    assert len(steps.curves["train_loss"]) == 120
    means = steps.curves["train_loss"].reshape(30, 4).mean(axis=1)
    for history in (whole, parts):
        assert history.epoch.tolist() == EPOCHS
        assert np.allclose(history.curves["train_loss"], means, rtol=1e-5)
        assert np.array_equal(history.curves["val_loss"], steps.curves["val_loss"])


def test_lightnings_event_file_says_its_epochs_itself() -> None:
    history = one(FILES / "tensorboard_lightning")
    assert history.epoch.tolist() == EPOCHS
    assert np.allclose(history.curves["train_loss"], cells("lightning_metrics.csv", "train_loss_epoch"))
    assert np.allclose(history.curves["val_loss"], cells("lightning_metrics.csv", "val_loss"))
    assert history.steps_per_epoch is None


def test_a_run_that_still_writes_ends_at_the_torn_record(tmp_path: Path) -> None:
    (path,) = (FILES / "tensorboard_steps").iterdir()
    (tmp_path / "renamed").write_bytes(path.read_bytes()[:3000])
    torn, whole = one(tmp_path / "renamed"), one(path)
    count = len(torn.curves["val_loss"])
    assert 5 < count < 30
    assert torn.missing["val_loss"].tolist() == [False] * (count - 1) + [True], "the epoch that is under way"
    assert torn.curves["val_loss"][:-1].tolist() == whole.curves["val_loss"][: count - 1].tolist()


def test_one_event_file_reads_as_its_folder() -> None:
    (path,) = (FILES / "tensorboard_steps").iterdir()
    whole, alone = one(FILES / "tensorboard_steps"), one(path)
    assert alone.id == whole.id == "tensorboard_steps"
    assert np.array_equal(alone.curves["train_loss"], whole.curves["train_loss"])


def tensor_events(folder: Path, tag: str, values: list[float]) -> None:
    """As TensorFlow writes scalars: tensors with the plugin's name, in the tool's own format."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.summary.writer.event_file_writer import EventFileWriter
    from tensorboard.util.tensor_util import make_tensor_proto

    writer = EventFileWriter(str(folder))
    for step, value in enumerate(values):
        metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="scalars"))
        tensor = make_tensor_proto(np.float32(value))
        summary = Summary(value=[Summary.Value(tag=tag, tensor=tensor, metadata=metadata)])
        writer.add_event(Event(wall_time=step, step=step, summary=summary))
    writer.close()


def test_tensorboard_tensors_in_the_folders_of_a_keras_callback(tmp_path: Path) -> None:
    tensor_events(tmp_path / "run" / "train", "epoch_loss", [2.0, 1.0, 0.5])
    tensor_events(tmp_path / "run" / "validation", "epoch_loss", [2.5, 1.5, 1.0])
    history = one(tmp_path)
    assert history.id == "run"
    assert history.epoch.tolist() == [1, 2, 3]
    assert history.curves["train_loss"].tolist() == [2.0, 1.0, 0.5]
    assert history.curves["val_loss"].tolist() == [2.5, 1.5, 1.0]


def test_tensorboard_without_a_loss_names_what_is_there(tmp_path: Path) -> None:
    tensor_events(tmp_path, "fps", [1.0])
    with pytest.raises(InputError, match=r"scalars = 'fps'.*no tag that names a loss"):
        read_histories(tmp_path)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.split(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(InputError, match=r"pip install 'tuner\[tensorboard\]'"):
        read_histories(FILES / "tensorboard_steps")


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"SQLite format 3\x00\xff\xfe", "mlflow:EXPERIMENT"),
        (b"PK\x03\x04\xff\xfe", "zip archive"),
        (b"\x89HDF\r\n", "HDF5"),
        (b"abc\xff", "byte 3"),
        (b"time,speed\n1,2\n", "time, speed"),
        (b"", "is empty"),
    ],
)
def test_what_is_no_history_is_named_beside_what_is_read(tmp_path: Path, raw: bytes, found: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(raw)
    with pytest.raises(InputError) as raised:
        read_histories(path)
    assert found in str(raised.value)
    assert all(tool in str(raised.value) for tool in ("TensorBoard", "Lightning", "Hugging Face", "Keras"))
