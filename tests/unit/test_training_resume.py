"""A trial that goes on from its checkpoint is the uninterrupted one bit for bit, and no damaged file is believed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from training_kit import FIXED, assignment, digits, make_plan, metrics, report, run

from tuner.training import building, session
from tuner.training.catalogue import CATALOGUE
from tuner.training.checkpoints import Checkpoints
from tuner.training.loop import Trainer
from tuner.training.model_record import read_record
from tuner.training.weights import OTHERS, read_weights, write_weights
from tuner.training.worker import TrialWorker

EPOCHS = 6
OPTIMIZERS = sorted(CATALOGUE.family("optimizer"))
SCHEDULES: list[dict[str, Any]] = [
    {"schedule": "constant"},
    {"schedule": "cosine"},
    {"schedule": "one_cycle"},
    {"schedule": "fractional"},
    {"schedule": "polynomial", "schedule.polynomial.power": 2.0},
    {"schedule": "plateau", "schedule.plateau.patience": 0},
    {"schedule": "exponential", "schedule.exponential.gamma": 0.7},
    {"schedule": "step", "schedule.step.step_size": 2},
]
OF_THE_OPTIMIZER: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer.sgd.momentum": 0.9, "optimizer.sgd.nesterov": True},
    "rmsprop": {"optimizer.rmsprop.momentum": 0.5, "optimizer.rmsprop.centered": True},
    "adam": {"optimizer.adam.amsgrad": True},
    "lbfgs": {"batch_size": 90, "lr": 0.1, "optimizer.lbfgs.max_iter": 3},
}
CNN = {"model": "cnn", "model.cnn.width": 4, "model.cnn.normalisation": "batch", "model.cnn.spatial_dropout": 0.2}


def alike(one: Any, two: Any) -> bool:
    """Bit for bit, whatever is in it; how long the epochs took aside."""
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(alike(one[key], two[key]) for key in one if key != "reports")
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(alike(a, b) for a, b in zip(one, two, strict=True))
    return bool(torch.equal(one, two)) if isinstance(one, torch.Tensor) else bool(one == two)


def goes_on_as_if_never_interrupted(
    folder: Path, config: dict[str, Any], *, stops: tuple[int, ...], lost: int = 0, **plan: Any
) -> None:
    """`stops`: the worker dies after these epochs; `lost`: so many of its last reports did not reach the journal."""
    whole = run(make_plan(folder / "a", EPOCHS, **plan), config)
    broken = make_plan(folder / "b", EPOCHS, **plan)
    told: dict[int, Any] = {}
    for attempt, stop in enumerate((*stops, EPOCHS), 1):
        known = max((epoch for epoch in told if attempt > 1), default=0)
        after = max(0, known - lost)
        last = torch.load(folder / "b/0003/last.pt", weights_only=True)["epoch"] if attempt > 1 else 0
        assert known - last < broken.every, "more epochs are repeated than the plan says"
        again = run(broken, config, epochs=stop - min(after, last), attempt=attempt, after_epoch=after)
        assert again[0].epoch.epoch == min(after, last) + 1
        told |= {each.epoch.epoch: each for each in again}
    assert metrics([told[epoch] for epoch in sorted(told)]) == metrics(whole)
    assert alike(*(torch.load(folder / name / "0003/last.pt", weights_only=True) for name in "ab"))
    assert alike(*(read_weights(folder / name / "0003/best.safetensors") for name in "ab"))
    one, two = (read_record(folder / name / "0003/best.safetensors") for name in "ab")
    assert (one.epoch, one.value) == (two.epoch, two.value)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_goes_on_bit_for_bit(tmp_path: Path, optimizer: str) -> None:
    schedule = SCHEDULES[OPTIMIZERS.index(optimizer) % len(SCHEDULES)]
    config = {"optimizer": optimizer, "lr": 0.01, **schedule, **OF_THE_OPTIMIZER.get(optimizer, {})}
    goes_on_as_if_never_interrupted(tmp_path, config, stops=(2, 4))


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: str(schedule["schedule"]))
def test_every_schedule_goes_on_bit_for_bit_in_the_middle_of_its_warmup(tmp_path: Path, schedule: Any) -> None:
    goes_on_as_if_never_interrupted(tmp_path, {"lr": 0.05, "warmup": 2.5, **schedule}, stops=(1, 2, 5))


@st.composite
def trials(draw: st.DrawFn) -> dict[str, Any]:
    name = draw(st.sampled_from(OPTIMIZERS))
    config: dict[str, Any] = {
        "optimizer": name,
        "lr": draw(st.sampled_from([1e-3, 0.05])),
        "batch_size": draw(st.sampled_from([32, 179])),
        "weight_decay": draw(st.sampled_from([None, 1e-3])),
        "gradient_clip": draw(st.sampled_from([0.0, 0.5])),
        "label_smoothing": draw(st.sampled_from([0.0, 0.1])),
        "l1": draw(st.sampled_from([0.0, 1e-4])),
        "augmentation": draw(st.sampled_from(["none", "noise", "flip", "translate", "rotate"])),
        "amp": draw(st.sampled_from(["off", "bf16"])),
        "standardise": draw(st.booleans()),
        "warmup": draw(st.sampled_from([0.0, 1.5])),
        "patience": draw(st.sampled_from([None, 5])),
        "frozen": draw(st.sampled_from(["none", "partly", "all"])),
        "body_lr": draw(st.sampled_from([1.0, 0.1])) if name != "lbfgs" else 1.0,  # which knows one group alone
        **draw(st.sampled_from(SCHEDULES)),
        **OF_THE_OPTIMIZER.get(name, {}),
    }
    return {key: value for key, value in config.items() if value is not None}


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    config=trials(),
    fixed=st.sampled_from([FIXED, {**FIXED, "model.mlp.normalisation": "batch"}, CNN, {**CNN, "channels_last": True}]),
    stops=st.lists(st.integers(1, EPOCHS - 1), min_size=1, max_size=3, unique=True).map(lambda stops: sorted(stops)),
    lost=st.integers(0, 1),
    mode=st.sampled_from([("val_loss", "min"), ("val_accuracy", "max")]),
)
def test_any_trial_goes_on_bit_for_bit(
    config: dict[str, Any], fixed: dict[str, Any], stops: list[int], lost: int, mode: tuple[str, str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        goes_on_as_if_never_interrupted(
            Path(folder), config, stops=tuple(stops), lost=lost, fixed=fixed, metric=mode[0], mode=mode[1]
        )


@pytest.mark.parametrize("stops", [(1,), (2,), (3,), (4,), (5,), (2, 5), (4, 5)])
def test_with_a_checkpoint_every_third_epoch_at_most_two_are_repeated(tmp_path: Path, stops: tuple[int, ...]) -> None:
    plan = {"every": 3, "metric": "train_loss", "mode": "max"}  # so that epoch 1 is the best, and no other one
    goes_on_as_if_never_interrupted(tmp_path, {}, stops=stops, **plan)


def test_patience_counts_on_over_an_interruption(tmp_path: Path) -> None:
    given = {"metric": "lr"}  # constant, so epoch 1 stays the best
    run(make_plan(tmp_path, 9, **given), {"patience": 4}, epochs=3)
    rest = run(make_plan(tmp_path, 9, **given), {"patience": 4}, attempt=2, after_epoch=3)
    assert [each.epoch.epoch for each in rest] == [4, 5]
    assert rest[-1].finished == "patience 4: no better lr since epoch 1"


@pytest.fixture
def scaled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every trainer with a loss scaler: torch has one for the CPU too, though only a GPU gains by it."""

    def with_scaler(*args: Any, **kwargs: Any) -> Trainer:
        trainer = building.build_trainer(*args, **kwargs)
        trainer.scaler = torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=4)
        trainer.__post_init__()
        return trainer

    monkeypatch.setattr(session, "build_trainer", with_scaler)
    yield


def test_the_state_of_a_loss_scaler_goes_on_too(tmp_path: Path, scaled: None) -> None:
    goes_on_as_if_never_interrupted(tmp_path, {"optimizer": "sgd", "lr": 0.1}, stops=(1, 3))
    state = torch.load(tmp_path / "b/0003/last.pt", weights_only=True)["scaler"]
    assert state["scale"] == 4.0 * 2 ** (3 * EPOCHS // 4)  # three steps an epoch; it doubles after four
    assert state["_growth_tracker"] == 3 * EPOCHS % 4


# --- files that are not whole


def test_a_file_cut_off_anywhere_is_not_believed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(make_plan(tmp_path), epochs=1)
    checkpoints = Checkpoints(tmp_path / "0003")
    whole = checkpoints.last.read_bytes()
    assert checkpoints.read() is not None
    for length in [*range(64), *range(64, len(whole), 977), *range(len(whole) - 64, len(whole))]:
        checkpoints.last.write_bytes(whole[:length])
        assert checkpoints.read() is None, length
        assert "cannot be read" in capsys.readouterr().out


def test_no_code_in_a_checkpoint_is_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Malicious:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "run"),)

    checkpoints = Checkpoints(tmp_path)
    torch.save({"version": 2, "model": Malicious()}, checkpoints.last)
    assert checkpoints.read() is None
    assert not (tmp_path / "run").exists()
    torch.save([1, 2], checkpoints.last)  # readable, and no checkpoint
    assert checkpoints.read() is None
    torch.save({"version": 1}, checkpoints.last)
    assert checkpoints.read() is None
    assert capsys.readouterr().out.count("the trial starts again") == 3


class Killed(BaseException):
    """The worker's process is gone at once."""


@pytest.mark.parametrize("what", ["last.pt", "best.safetensors"])
def test_a_worker_killed_while_it_writes_goes_on_from_what_was_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    whole = run(make_plan(tmp_path / "a"))
    plan = make_plan(tmp_path / "b")
    worker = TrialWorker(plan, digits())
    worker.open(assignment(plan))
    report(worker)
    report(worker)

    def half(tensors: Any, path: Any, *rest: Any) -> None:
        Path(path).with_name(".half").write_bytes(b"half of a file")
        raise Killed

    with monkeypatch.context() as patch:
        if what == "last.pt":
            patch.setattr(torch, "save", lambda state, path: half(state, path))
        else:
            patch.setattr("tuner.training.weights.save_file", half)
        inner = worker._session
        assert inner is not None
        with pytest.raises(Killed):
            inner.next_report()
    rest = run(plan, epochs=2, attempt=2, after_epoch=2)
    assert metrics(rest) == metrics(whole[2:])
    assert alike(*(read_weights(tmp_path / name / "0003/best.safetensors") for name in "ab"))


def test_a_reader_of_the_best_weights_never_sees_half_of_them(tmp_path: Path) -> None:
    path = tmp_path / "best.safetensors"
    write_weights(path, {"w": torch.zeros(1000)}, {})
    with path.open("rb") as reader:
        before = reader.read(16)
        write_weights(path, {"w": torch.ones(2000)}, {})
        rest = reader.read()
    assert len(before + rest) > 4000
    assert bytes(rest[-4000:]) == bytes(4000)  # the old file is whole; the new one has its place
    assert read_weights(path)["w"].sum() == 2000
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


# --- weights as a file


def test_any_state_comes_back_as_it_was(tmp_path: Path) -> None:
    shared = torch.randn(3, 4)
    state = {
        "embedding.weight": shared,
        "head.weight": shared,
        "part": shared[1:],
        "column": torch.randn(4, 4)[:, 1],
        "half": torch.randn(3).bfloat16(),
        "count": torch.tensor(7),
        "empty": torch.zeros(0, 5),
        "kernel": torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last),
        "value": shared,  # names that the header has keys like
        "format": shared,
        "_extra_state": {"seen": 12, "names": ["a", "b"]},
        "complex": torch.randn(2, dtype=torch.complex128),
    }
    write_weights(tmp_path / "w.safetensors", state, {"tuner.epoch": "count"})
    found = read_weights(tmp_path / "w.safetensors")
    assert found.pop("_extra_state") == state.pop("_extra_state")
    assert alike(found, state)
    assert OTHERS not in found
    assert (tmp_path / "w.safetensors").stat().st_mode & 0o777 == (tmp_path.stat().st_mode & 0o666)


def test_tied_weights_are_stored_once_and_safetensors_own_reader_takes_them(tmp_path: Path) -> None:
    from safetensors.torch import load_model

    def tied() -> torch.nn.Module:
        model = torch.nn.Sequential(torch.nn.Embedding(200, 50), torch.nn.Linear(50, 200, bias=False))
        model[1].weight = model[0].weight
        return model

    one, two = tied(), tied()
    path = tmp_path / "tied.safetensors"
    write_weights(path, one.state_dict(), {})
    assert path.stat().st_size < 1.1 * 200 * 50 * 4
    load_model(two, path)
    assert alike(one.state_dict(), two.state_dict())
    two = tied()
    two.load_state_dict(read_weights(path))
    assert alike(one.state_dict(), two.state_dict())
