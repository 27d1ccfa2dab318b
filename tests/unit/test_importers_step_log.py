"""Values at steps become epochs: by the log's own epochs, by its evaluations, or step by step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.importers import StepLog, history_of
from tuner.importers.names import curve_name, logged_names
from tuner.records.history import History


def history(train: dict[int, float], val: dict[int, float] | None = None, **more: dict[int, float]) -> History:
    epochs = more.pop("epochs", {})
    made, faults = history_of(StepLog("a", {"train_loss": train, "val_loss": val or {}, **more}, epochs))
    assert made is not None, faults
    return made


@pytest.mark.parametrize(
    ("steps", "epochs"),
    [
        ([0, 1, 2], [1, 2, 3]),
        ([1, 2, 3], [1, 2, 3]),
        ([5, 6, 7], [5, 6, 7]),
        ([100, 200, 400], [1, 2, 4]),
        ([4, 9, 14], [1, 2, 3]),
        ([3, 170, 1001], [1, 2, 3]),
        ([7], [7]),
    ],
)
def test_together_a_step_is_an_epoch(steps: list[int], epochs: list[int]) -> None:
    made = history(dict.fromkeys(steps, 1.0), dict.fromkeys(steps, 2.0))
    assert made.epoch.tolist() == epochs
    assert made.steps_per_epoch is None


def test_an_evaluation_before_training_is_epoch_zero() -> None:
    assert history({1: 1.0, 2: 0.5}, {0: 2.0, 1: 1.5, 2: 1.0}).epoch.tolist() == [0, 1, 2]
    by_step = history(dict.fromkeys(range(1, 13), 1.0), {0: 2.0, 4: 1.5, 8: 1.0, 12: 0.5})
    assert by_step.epoch.tolist() == [0, 1, 2, 3]
    assert by_step.missing["train_loss"].tolist() == [True] * 4 + [False] * 12


def test_an_epoch_that_logged_fewer_steps_is_filled_up_with_gaps() -> None:
    train = {0: 3.0, 1: 2.0, 2: 1.0, 3: 0.5, 4: 0.25}
    made = history(train, {2: 1.5, 4: 1.0}, epochs={0: 0.0, 3: 1.0})
    assert made.steps_per_epoch == 3
    assert made.curves["train_loss"][:5].tolist() == list(train.values())
    assert made.missing["train_loss"].tolist() == [False] * 5 + [True]
    assert made.epoch.tolist() == [1, 2]


def test_other_curves_of_training_keep_their_mean_and_validation_its_last() -> None:
    epochs = {step: float(step // 4) for step in range(8)}
    made = history(
        dict.fromkeys(range(8), 1.0), {3: 9.0, 7: 8.0}, train_accuracy={0: 0.2, 3: 0.4, 7: 0.6}, epochs=epochs
    )
    assert made.curves["train_accuracy"].tolist() == pytest.approx([0.3, 0.6])
    assert made.curves["val_loss"].tolist() == [9.0, 8.0]


def test_fractions_of_an_epoch_end_with_it() -> None:
    made = history({5: 3.0, 10: 2.0, 15: 1.0}, {10: 2.5}, epochs={5: 0.5, 10: 1.0, 15: 1.5})
    assert made.epoch.tolist() == [1, 2]
    assert made.missing["val_loss"].tolist() == [False, True]


def test_no_curve_at_all_is_a_fault() -> None:
    made, faults = history_of(StepLog("a", {"train_loss": {}}))
    assert made is None
    assert len(faults) == 1


@given(
    train=st.dictionaries(st.integers(0, 10_000), st.floats(-9, 9), min_size=1, max_size=60),
    val=st.dictionaries(st.integers(0, 10_000), st.floats(-9, 9), max_size=20),
    epochs=st.none() | st.integers(1, 900),
)
def test_every_training_value_is_kept_in_order(
    train: dict[int, float], val: dict[int, float], epochs: int | None
) -> None:
    logged = {step: float(step // epochs) for step in {*train, *val}} if epochs else {}
    made = history(train, val, epochs=logged)
    gaps = made.missing.get("train_loss", np.zeros(len(made.curves["train_loss"]), bool))
    assert made.curves["train_loss"][~gaps].tolist() == [train[step] for step in sorted(train)]
    assert (np.diff(made.epoch) > 0).all()
    assert len(made.curves["train_loss"]) == len(made.epoch) * (made.steps_per_epoch or 1)


def test_names_as_trackers_log_them() -> None:
    keys = ["train_loss_step", "train_loss_epoch", "val_loss/dataloader_idx_0", "val_acc", "lr-Adam", "epoch", "step"]
    assert logged_names(keys) == {
        "train_loss_epoch": "train_loss",
        "val_loss/dataloader_idx_0": "val_loss",
        "val_acc": "val_accuracy",
    }


@pytest.mark.parametrize("fact", ["train_eval", "n_train", "n_val"])
def test_a_fact_is_no_curve(fact: str) -> None:
    """A column `train_eval` was read as a metric of training, and `n_val` as one of validation."""
    assert curve_name(fact) is None
