"""History files: every form gives the same histories, and every fault of a file comes at once with its line."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest

from tuner.diagnosis import diagnose
from tuner.errors import InputError
from tuner.importers import history_from_mapping, read_histories

TRAIN, VAL = [2.0, 1.0, 0.5], [2.1, 1.3, 1.2]


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def faults(path: Path) -> list[tuple[int | None, str]]:
    with pytest.raises(InputError) as raised:
        read_histories(path)
    assert raised.value.exit_code == 2
    return [(fault.line, fault.where) for fault in raised.value.faults]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("one.json", json.dumps({"id": "a", "train_loss": TRAIN, "val_loss": VAL})),
        ("list.json", json.dumps([{"id": "a", "train_loss": TRAIN, "val_loss": VAL}], indent=1)),
        ("in.json", json.dumps({"histories": [{"id": "a", "train_loss": TRAIN, "val_loss": VAL}]})),
        ("keras.json", json.dumps({"id": "a", "loss": TRAIN, "val_loss": VAL})),
        ("whole.jsonl", json.dumps({"id": "a", "train_loss": TRAIN, "val_loss": VAL}) + "\n"),
        (
            "rows.jsonl",
            "\n".join(
                json.dumps({"id": "a", "train/loss": t, "eval_loss": v}) for t, v in zip(TRAIN, VAL, strict=True)
            ),
        ),
        ("rows.csv", "id,epoch,train_loss,val_loss\na,1,2.0,2.1\na,2,1.0,1.3\na,3,0.5,1.2\n"),
        ("semicolon.csv", "id;epoch;Training Loss;validation loss\na;1;2;2.1\na;2;1;1.3\n\na;3;0.5;1.2\n"),
        ("split.csv", "id,epoch,train_loss,val_loss\na,1,2,\na,1,,2.1\na,2,1,\na,2,,1.3\na,3,.5,\na,3,,1.2\n"),
    ],
)
def test_every_form_gives_the_same_history(tmp_path: Path, name: str, text: str) -> None:
    (history,) = read_histories(write(tmp_path, name, text))
    assert history.id == "a"
    assert history.epoch.tolist() == [1, 2, 3]
    assert history.curves["train_loss"].tolist() == TRAIN
    assert history.curves["val_loss"].tolist() == VAL
    assert not history.missing


def test_a_gzipped_file_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "runs.json.gz"
    path.write_bytes(gzip.compress(json.dumps({"train_loss": TRAIN}).encode()))
    (history,) = read_histories(path)
    assert history.id == "runs"


def test_an_id_column_makes_many_and_facts_come_from_columns(tmp_path: Path) -> None:
    text = "run,epoch,train_loss,lr,num_classes\nx,1,2,0.1,10\ny,1,3,0.2,10\nx,2,1,0.1,10\n"
    one, two = read_histories(write(tmp_path, "many.csv", text))
    assert (one.id, one.curves["train_loss"].tolist(), one.config, one.num_classes) == ("x", [2, 1], {"lr": 0.1}, 10)
    assert (two.id, two.curves["train_loss"].tolist()) == ("y", [3])


def test_not_measured_and_not_finite_are_kept_apart(tmp_path: Path) -> None:
    text = '{"train_loss": [1, 0.5, null, NaN, "Infinity", "-Infinity"], "val_loss": [1, null, 1, 1, 1, 1]}'
    (history,) = read_histories(write(tmp_path, "gaps.json", text))
    train = history.curves["train_loss"]
    assert history.missing["train_loss"].tolist() == [False, False, True, False, False, False]
    assert math.isnan(train[3])
    assert train[4:].tolist() == [math.inf, -math.inf]
    assert history.missing["val_loss"].tolist() == [False, True, False, False, False, False]
    assert diagnose([history])[0].verdict == "diverged"


def test_a_csv_that_ends_in_empty_cells_says_unknown_and_not_diverged(tmp_path: Path) -> None:
    rows = "".join(f"{epoch},{2 / epoch if epoch < 9 else ''}\n" for epoch in range(1, 13))
    (history,) = read_histories(write(tmp_path, "pandas.csv", "epoch,train_loss\n" + rows))
    assert history.gaps_unknown
    assert diagnose([history])[0].verdict == "unknown"


def test_a_csv_with_the_word_nan_can_tell(tmp_path: Path) -> None:
    rows = "".join(f"{epoch},{2 / epoch if epoch < 9 else 'nan'}\n" for epoch in range(1, 13))
    (history,) = read_histories(write(tmp_path, "words.csv", "epoch,train_loss\n" + rows))
    assert not history.gaps_unknown
    assert diagnose([history])[0].verdict == "diverged"


def test_validation_is_not_taken_from_the_test_column_where_both_are(tmp_path: Path) -> None:
    text = "epoch,test_loss,train_loss,val_loss\n1,9,2,2.1\n2,8,1,1.3\n"
    (history,) = read_histories(write(tmp_path, "both.csv", text))
    assert history.curves["val_loss"].tolist() == [2.1, 1.3]


def test_all_faults_of_a_json_file_come_at_once_with_their_lines(tmp_path: Path) -> None:
    text = (
        '[\n{"id": "a",\n "train_loss": [1, "two", 3],\n "val_loss": [1, 2]},\n'
        '{"id": "b", "num_classes": 0,\n "train_loss": [1]},\n{"foo": 1},\n7]'
    )
    found = faults(write(tmp_path, "bad.json", text))
    assert found == [(3, "train_loss[1]"), (4, "val_loss"), (5, "num_classes"), (7, "train_loss"), (8, "[3]")]


def test_all_faults_of_a_csv_file_come_at_once_with_their_lines(tmp_path: Path) -> None:
    text = "id,epoch,train_loss\na,1,2\na,two,1\na,3,low\na,4\n"
    assert sorted(faults(write(tmp_path, "bad.csv", text))) == [(3, "epoch"), (4, "train_loss"), (5, "row")]


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("empty.json", " \n", None),
        ("broken.json", '{"train_loss": [1,\n 2', 2),
        ("open.json", '[{"train_loss": [1]}\n', 1),
        ("other.csv", "a,b\n1,2\n", 1),
        ("lines.jsonl", '{"train_loss": [1]}\n{"train_loss": [1}\n', 2),
        ("order.json", '{"epoch": [1, 1],\n "train_loss": [1, 2]}', 1),
    ],
)
def test_a_file_that_is_none_says_what_was_expected(tmp_path: Path, name: str, text: str, line: int | None) -> None:
    assert [at for at, _ in faults(write(tmp_path, name, text))] == [line]


def test_a_file_that_is_no_text_or_not_there_is_the_users_fault(tmp_path: Path) -> None:
    path = tmp_path / "picture.csv"
    path.write_bytes(b"\xff\xfe\x00\x01")
    assert faults(path) == [(None, "file")]
    assert faults(tmp_path / "absent.csv") == [(None, "file")]


def test_a_training_loss_a_step_needs_its_steps_per_epoch() -> None:
    steps = {"train_loss": [4.0, 2.0, 1.0, 1.0, 0.5, 0.5], "val_loss": [2.0, 1.0, 0.9]}
    with pytest.raises(InputError, match="steps_per_epoch"):
        history_from_mapping(steps)
    history = history_from_mapping({**steps, "steps_per_epoch": 2})
    assert history.epoch.tolist() == [1, 2, 3]
    assert len(history.curves["train_loss"]) == 6


def test_numpy_arrays_and_a_whole_configuration_are_welcome() -> None:
    history = history_from_mapping(
        {"train_loss": np.arange(3.0), "lr": 0.1, "config": {"optimizer": "sgd", "sgd": {"momentum": 0.9}}}
    )
    assert history.config == {"optimizer": "sgd", "sgd.momentum": 0.9, "lr": 0.1}
