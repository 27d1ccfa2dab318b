"""Autoencoders: pixels from 0 to 1, the Kullback-Leibler term, binary cross-entropy, shapes, against values by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from catalogue_rows import autoencoder as row
from torch import nn

from tuner.errors import InputError
from tuner.records.epochs import Assignment, Report
from tuner.training.baselines import baseline_loss
from tuner.training.data import load_splits
from tuner.training.losses import Objective
from tuner.training.models import autoencoder, encoder_classifier, variational
from tuner.training.own_losses import BinaryCrossEntropy
from tuner.training.plan import TrainingPlan
from tuner.training.run_one import train_one
from tuner.training.task_info import TaskInfo
from tuner.training.tasks import DigitsAutoencoder, FashionAutoencoder
from tuner.training.weights import read_weights

DATA = Path(__file__).parents[1] / "data"


def task(*shape: int, kind: str = "itself") -> TaskInfo:
    return TaskInfo("pictures", shape, 0, 10, kind=kind, outputs=shape[0])


def test_pixels_lie_between_0_and_1_and_stay_as_they_are(tmp_path: Path) -> None:
    for examples in (DigitsAutoencoder().load(None), FashionAutoencoder().load(DATA)):
        assert examples.y is None
        assert (examples.x.min(), examples.x.max()) == (0.0, 1.0)
    splits = load_splits(TrainingPlan("digits_autoencoder", str(tmp_path)))
    assert splits.train_y is None
    assert (splits.train_x.min(), splits.train_x.max()) == (0.0, 1.0)


def test_the_divergence_by_hand() -> None:
    """Of N(1, 1): ½. Of N(0, e²): ½ (e² − 1 − 2). Of N(0, 1): nothing. Summed over the code, a mean over examples."""
    mean, log_variance = torch.tensor([[1.0, 0.0], [0.0, 0.0]]), torch.tensor([[0.0, 2.0], [0.0, 0.0]])
    assert variational.kl(mean, log_variance).item() == pytest.approx((0.5 + 0.5 * (math.exp(2) - 3)) / 2)


def test_beta_counts_in_training_and_once_in_evaluation() -> None:
    torch.manual_seed(0)
    model = variational.build(task(1, 8, 8), code=2, beta=4.0, depth=1, width=4)
    assert isinstance(model, variational.VariationalAutoencoder)
    x = torch.rand(3, 1, 8, 8)
    term = variational.kl(*model.encode(x)).item() / 64
    assert model(x)[1].item() == pytest.approx(4 * term)
    model.eval()
    (first, extra), (second, _) = model(x), model(x)
    assert extra.item() == pytest.approx(term)
    assert torch.equal(first, second)
    loss = Objective("mse", {}, []).judge(model, x, x)[0]
    assert loss.item() == pytest.approx((first - x).square().mean().item() + term)


def test_a_sample_is_what_the_decoder_makes_of_a_code() -> None:
    model = variational.build(task(1, 9, 8), code=3, depth=2, width=4)
    assert isinstance(model, variational.VariationalAutoencoder)
    made = model.sample(torch.randn(5, 3))
    assert made.shape == (5, 1, 9, 8)
    assert made.min() >= 0 and made.max() <= 1


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 13, 10)])
@pytest.mark.parametrize("activation", ["relu", "maxout"])
def test_what_comes_out_has_the_shape_of_what_went_in(shape: tuple[int, ...], activation: str) -> None:
    networks: list[nn.Module] = [
        autoencoder.mlp(task(*shape), code=3, width=8, dropout=0.1, activation=activation),
        autoencoder.mlp(task(*shape), code=3, depth=0),
        autoencoder.cnn(task(*shape), code=3, width=4, spatial_dropout=0.1, activation=activation),
        autoencoder.cnn(task(*shape), code=3, width=4, up="bilinear", normalisation="group", activation=activation),
        variational.build(task(*shape), code=3, body="mlp", width=8, activation=activation),
    ]
    for network in networks:
        found = network(torch.rand(2, *shape))
        outputs = found[0] if isinstance(found, tuple) else found
        assert outputs.shape == (2, *shape)
        assert outputs.min() > 0 and outputs.max() < 1
        assert network.encoder(torch.rand(2, *shape)).shape == (2, 6 if isinstance(found, tuple) else 3)  # type: ignore[operator]


def test_a_linear_output_reaches_beyond_1() -> None:
    for build in (autoencoder.mlp, autoencoder.cnn, variational.build):
        torch.manual_seed(0)
        found = build(task(1, 8, 8), output="linear")(torch.randn(50, 1, 8, 8) * 50)
        outputs = found[0] if isinstance(found, tuple) else found
        assert outputs.min() < 0


def test_what_is_not_its_own_target_is_refused() -> None:
    with pytest.raises(InputError, match="targets of its own"):
        autoencoder.cnn(task(1, 8, 8, kind="classes"))
    with pytest.raises(InputError, match="no images"):
        variational.build(task(8))
    with pytest.raises(InputError, match="at most 2"):
        autoencoder.cnn(task(1, 8, 8), depth=3)


def test_binary_cross_entropy_by_hand() -> None:
    p, t = torch.tensor([0.5, 0.25, 1.0, 0.0]), torch.tensor([0.3, 1.0, 1.0, 0.0])
    loss = BinaryCrossEntropy()
    assert loss(p, t).item() == pytest.approx((math.log(2) + math.log(4)) / 4, abs=1e-6)
    assert loss(torch.tensor([math.nan]), torch.tensor([1.0])).isnan()
    assert loss(torch.tensor([0.0]), torch.tensor([1.0])).item() == pytest.approx(-math.log(1e-7))
    edge = torch.tensor([0.0, 1.0], requires_grad=True)
    loss(edge, torch.tensor([1.0, 0.0])).backward()
    assert edge.grad is not None and edge.grad.isfinite().all()


def test_binary_cross_entropy_wants_numbers_from_0_to_1() -> None:
    with pytest.raises(InputError) as caught:
        BinaryCrossEntropy()(torch.tensor([-1.0, 0.5]), torch.tensor([0.0, 3.0]))
    told = str(caught.value)
    assert "output: sigmoid" in told and "standardise: false" in told


def test_the_baseline_of_binary_cross_entropy_by_hand() -> None:
    y = torch.tensor([[[[0.0, 1.0]]], [[[1.0, 1.0]]]])  # the first pixel's mean is ½, the second's 1
    assert baseline_loss("bce", "itself", y) == pytest.approx(math.log(2) / 2)


@pytest.mark.parametrize("model", ["mlp_autoencoder", "cnn_autoencoder", "variational_autoencoder"])
def test_an_autoencoder_learns_digits(model: str, tmp_path: Path) -> None:
    fixed = {"code": 4, "depth": 1, "width": 16, "lr": 0.01, "loss": "bce", "augmentation": ["noise"]}
    plan = TrainingPlan("digits_autoencoder", str(tmp_path), model=model, fixed=fixed, max_epochs=4)
    reports: list[Report] = []
    last = train_one(plan, load_splits(plan), Assignment("0000", 1, {}, 0, 4), reports.append)
    assert isinstance(last, Report), last
    assert last.epoch.metrics["val_loss"] < reports[0].epoch.metrics["val_loss"]
    facts = reports[0].facts
    assert facts is not None and facts.baseline_loss is not None
    assert np.isfinite(last.epoch.metrics["val_rmse"])


def trained(plan: TrainingPlan, epochs: int) -> tuple[Report, Path]:
    """The last report of one trial, and its best weights."""
    last = train_one(plan, load_splits(plan), Assignment("0000", 1, {}, 0, epochs), lambda _: None)
    assert isinstance(last, Report), last
    return last, Path(plan.checkpoints_dir) / "0000" / "best.safetensors"


@pytest.mark.parametrize("body", ["cnn", "mlp"])
def test_a_classifier_starts_from_the_encoder_of_an_autoencoder(body: str, tmp_path: Path) -> None:
    fixed = {"depth": 1, "width": 8, "lr": 0.01, "standardise": True, "output": "linear"}
    plan = TrainingPlan("digits_autoencoder", str(tmp_path / "a"), model=f"{body}_autoencoder", fixed=fixed)
    _, weights = trained(plan, 1)
    fixed = {"body": body, "depth": 1, "width": 8, "weights": str(weights), "frozen": "all"}
    plan = TrainingPlan("digits", str(tmp_path / "b"), model="encoder_classifier", fixed=fixed, folder=str(tmp_path))
    _, classifier = trained(plan, 1)
    first, second = read_weights(weights), read_weights(classifier)
    kept = [name for name in second if name.startswith("encoder.")]
    assert kept
    assert all(torch.equal(first[name], second[name]) for name in kept)


def test_the_classifier_has_the_features_below_the_code() -> None:
    info = TaskInfo("digits", (1, 8, 8), 10, 10)
    network = encoder_classifier.build(info, depth=2, width=4)
    assert network(torch.rand(3, 1, 8, 8)).shape == (3, 10)
    assert network.encoder(torch.rand(3, 1, 8, 8)).shape == (3, 8 * 2 * 2)  # type: ignore[operator]
    network = encoder_classifier.build(info, body="mlp", depth=0)
    assert network.encoder(torch.rand(3, 1, 8, 8)).shape == (3, 64)  # type: ignore[operator]


def test_principal_components_by_hand() -> None:
    """Points on the line (t, 2t) + (1, 0) need one number; a point beside it comes back as the nearest on it."""
    train = np.array([[1.0, 0.0], [2.0, 2.0], [0.0, -2.0]])
    assert np.allclose(row.principal(train, train, 1), train)
    beside = np.array([[1.0 + 2.0, 0.0 - 1.0]])  # (1, 0) and a step across the line
    found = row.principal(train, beside, 1)
    assert np.allclose(found, [[1.0, 0.0]])
    assert row.rmse(found, beside) == pytest.approx(math.sqrt(5 / 2))
