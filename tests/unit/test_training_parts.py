"""Optimizers, schedules, losses, initialisations, models and augmentation against values worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from tuner.errors import InputError
from tuner.training.augmentation import WAYS, Augmentation
from tuner.training.catalogue import CATALOGUE
from tuner.training.initialisation import initialise
from tuner.training.losses import Objective
from tuner.training.models import cnn, layers, mlp, softmax
from tuner.training.optimizers import build_optimizer
from tuner.training.schedules import Schedule
from tuner.training.settings import read_settings
from tuner.training.task_info import TaskInfo
from tuner.training.uncompiled import plain_step

DIGITS = TaskInfo("digits", (1, 8, 8), 10, 1000)


def weight(*values: float) -> nn.Parameter:
    return nn.Parameter(torch.tensor(values, dtype=torch.float32))


# --- optimizers


@pytest.mark.parametrize("name", list(CATALOGUE.family("optimizer")))
def test_every_optimizer_descends(name: str) -> None:
    w = weight(1.0, -2.0)
    optimizer = build_optimizer(name, [w], lr=0.01, weight_decay=0.001)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = (w**2).sum()
        value.backward()
        return value

    for _ in range(20):
        optimizer.step(loss)
    assert (w**2).sum().item() < 5.0


@pytest.mark.parametrize("name", [name for name in CATALOGUE.family("optimizer") if name != "lbfgs"])
def test_a_step_without_the_compilers_wrapping_is_the_same_step(name: str) -> None:
    found = []
    for plain in (True, False):
        w = weight(1.0, -2.0)
        optimizer = build_optimizer(name, [w], lr=0.1)
        step = plain_step(optimizer) if plain else optimizer.step
        for gradient in (1.0, -3.0, 0.5):
            w.grad = torch.full((2,), gradient)
            step()
        found.append(w.detach())
    assert torch.equal(*found)
    assert not torch.equal(found[0], torch.tensor([1.0, -2.0]))


def test_momentum_is_as_computed_by_hand() -> None:
    w = weight(1.0)
    optimizer = build_optimizer("sgd", [w], lr=0.1, arguments={"momentum": 0.5})
    for _ in range(2):
        w.grad = torch.tensor([1.0])
        optimizer.step()
    assert w.item() == pytest.approx(1 - 0.1 * 1 - 0.1 * 1.5)


def test_pairs_are_named_apart() -> None:
    optimizer = build_optimizer("adam", [weight(1.0)], lr=0.1, arguments={"beta2": 0.9})
    assert optimizer.defaults["betas"] == (0.9, 0.9)


def test_weight_decay_is_torchs_own_where_none_is_given() -> None:
    assert build_optimizer("adamw", [weight(1.0)], lr=0.1).defaults["weight_decay"] == 0.01
    assert build_optimizer("adamw", [weight(1.0)], lr=0.1, weight_decay=0.0).defaults["weight_decay"] == 0


def test_nesterov_without_momentum_is_plain_descent() -> None:
    optimizer = build_optimizer("sgd", [weight(1.0)], lr=0.1, arguments={"momentum": 0.0, "nesterov": True})
    assert optimizer.defaults["nesterov"] is False


# --- schedules


def lrs(name: str, arguments: dict[str, Any], epochs: int = 4, steps: int = 2, warmup: float = 0.0) -> list[float]:
    """The learning rate of each step of a trial."""
    w = weight(1.0)
    optimizer = build_optimizer("sgd", [w], lr=1.0)
    schedule = Schedule(optimizer, name, arguments, max_epochs=epochs, steps_per_epoch=steps, warmup=warmup)
    found = []
    for _ in range(epochs):
        for _ in range(steps):
            before = w.item()
            w.grad = torch.ones(1)
            assert schedule.lr == pytest.approx(schedule.lr)
            schedule.before_step()
            optimizer.step()
            schedule.after_step()
            found.append(before - w.item())
        schedule.after_epoch(1.0)
    return [round(lr, 4) for lr in found]


@pytest.mark.parametrize(
    ("name", "arguments", "by_epoch"),
    [
        ("constant", {}, [1, 1, 1, 1]),
        ("step", {"step_size": 2, "gamma": 0.1}, [1, 1, 0.1, 0.1]),
        ("exponential", {"gamma": 0.5}, [1, 0.5, 0.25, 0.125]),
        ("fractional", {"k": 1.0}, [1, 1 / 2, 1 / 3, 1 / 4]),
        ("cosine", {}, [(1 + math.cos(math.pi * e / 4)) / 2 for e in range(4)]),
        ("polynomial", {"power": 2.0}, [(1 - e / 4) ** 2 for e in range(4)]),
        ("plateau", {"patience": 1, "factor": 0.5}, [1, 1, 1, 0.5]),
    ],
)
def test_a_schedule_by_hand(name: str, arguments: dict[str, Any], by_epoch: list[float]) -> None:
    expected = [lr for lr in by_epoch for _ in range(2)]
    assert lrs(name, arguments) == pytest.approx(expected, abs=2e-4)


def test_one_cycle_rises_to_lr_and_falls_over_all_steps() -> None:
    found = lrs("one_cycle", {"pct_start": 0.5, "anneal_strategy": "linear"}, epochs=5, steps=4)
    assert found[0] == pytest.approx(1 / 25, abs=1e-3)
    assert max(found) == pytest.approx(1, abs=0.06)
    assert found[-1] < 0.15
    assert found == sorted(found[:10]) + sorted(found[10:], reverse=True)


def test_warmup_rises_linearly_and_leaves_the_schedule_as_it_is() -> None:
    assert lrs("exponential", {"gamma": 0.5}, epochs=3, steps=4, warmup=1.0) == pytest.approx(
        [0.2, 0.4, 0.6, 0.8, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25], abs=1e-4
    )


def test_every_schedule_of_the_catalogue_was_tried() -> None:
    tried = {"constant", "step", "exponential", "fractional", "cosine", "polynomial", "plateau", "one_cycle"}
    assert set(CATALOGUE.family("schedule")) == tried


# --- losses

LOGITS, TARGETS = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 0])
PLAIN = (math.log(1 + math.exp(-2)) + math.log(1 + math.exp(1))) / 2


def test_cross_entropy_by_hand() -> None:
    descended, plain = Objective("cross_entropy", {}, [])(LOGITS, TARGETS)
    assert descended.item() == plain.item() == pytest.approx(PLAIN)


def test_label_smoothing_changes_what_is_descended_not_what_is_reported() -> None:
    descended, plain = Objective("cross_entropy", {}, [], label_smoothing=0.2)(LOGITS, TARGETS)
    uniform = math.log(1 + math.exp(-2)) + math.log(1 + math.exp(2)) + math.log(1 + math.e) + math.log(1 + 1 / math.e)
    assert plain.item() == pytest.approx(PLAIN)
    assert descended.item() == pytest.approx(0.8 * PLAIN + 0.2 * uniform / 4)


def test_l1_counts_weights_and_no_biases() -> None:
    matrix, bias = nn.Parameter(torch.tensor([[1.0, -2.0]])), weight(5.0)
    descended, plain = Objective("cross_entropy", {}, [matrix, bias], l1=0.1)(LOGITS, TARGETS)
    assert plain.item() == pytest.approx(PLAIN)
    assert descended.item() == pytest.approx(PLAIN + 0.3)


def test_the_hinge_of_several_classes_by_hand() -> None:
    _, plain = Objective("multi_margin", {"margin": 1.0}, [])(LOGITS, TARGETS)
    assert plain.item() == pytest.approx((0 + 2 / 2) / 2)


def test_label_smoothing_needs_cross_entropy() -> None:
    with pytest.raises(InputError, match="label_smoothing"):
        Objective("multi_margin", {}, [], label_smoothing=0.1)


# --- initialisations


@pytest.mark.parametrize(
    ("name", "deviation"),
    [("small_normal", 0.01), ("lecun", 400**-0.5), ("he", 200**-0.5), ("xavier", (2 / 600) ** 0.5), ("zero", 0.0)],
)
def test_an_initialisation_has_the_deviation_that_it_says(name: str, deviation: float) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(400, 200)
    initialise(nn.Sequential(nn.ReLU(), layer), name)
    assert layer.weight.std().item() == pytest.approx(deviation, rel=0.02)
    assert layer.bias.abs().sum().item() == 0


def test_default_initialisation_changes_nothing() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(4, 4)
    before = layer.weight.clone()
    initialise(layer, "default")
    assert torch.equal(layer.weight, before)


# --- models


@pytest.mark.parametrize("activation", list(CATALOGUE.family("activation")))
def test_every_activation_builds_and_trains_in_mlp_and_cnn(activation: str) -> None:
    x = torch.randn(4, 1, 8, 8)
    for model in (mlp.build(DIGITS, 2, 16, activation=activation), cnn.build(DIGITS, 2, 8, activation=activation)):
        outputs = model(x)
        outputs.sum().backward()
        assert outputs.shape == (4, 10)
        assert all(w.grad is not None for w in model.parameters())


@pytest.mark.parametrize("normalisation", list(CATALOGUE.family("normalisation")))
@pytest.mark.parametrize("pooling", ["max", "average", "stride"])
def test_every_normalisation_and_pooling_builds(normalisation: str, pooling: str) -> None:
    x = torch.randn(4, 1, 8, 8)
    built = cnn.build(DIGITS, 5, 6, normalisation=normalisation, pooling=pooling, convolutions=2, spatial_dropout=0.1)
    assert built(x).shape == (4, 10)
    if normalisation != "instance":
        assert mlp.build(DIGITS, 1, 12, normalisation=normalisation)(x).shape == (4, 10)


@pytest.mark.parametrize("pooling", ["max", "average", "stride"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 13), (1, 28, 28), (2, 5, 5)])
def test_a_cnn_fits_any_image(shape: tuple[int, int, int], pooling: str) -> None:
    task = TaskInfo("any", shape, 3, 10)
    for blocks in (1, 2, 4):
        for head in (0, 7):
            assert cnn.build(task, blocks, 4, pooling=pooling, head=head)(torch.zeros(2, *shape)).shape == (2, 3)


def test_models_have_as_many_weights_as_their_parameters_say() -> None:
    def count(model: nn.Module) -> int:
        return sum(w.numel() for w in model.parameters())

    assert count(softmax.build(DIGITS)) == 64 * 10 + 10
    assert count(mlp.build(DIGITS, 0)) == 64 * 10 + 10
    assert count(mlp.build(DIGITS, 2, 32)) == 64 * 32 + 32 + 32 * 32 + 32 + 32 * 10 + 10
    assert count(cnn.build(DIGITS, 1, 4, head=0)) == 9 * 4 + 4 + 4 * 16 * 10 + 10


def test_a_cnn_without_images_is_refused() -> None:
    with pytest.raises(InputError, match="images"):
        cnn.build(TaskInfo("churn", (12,), 2, 10))


def test_maxout_is_the_larger_half() -> None:
    assert layers.Maxout()(torch.tensor([[1.0, 5.0, 3.0, 2.0]])).tolist() == [[3.0, 5.0]]


# --- augmentation

IMAGES = torch.arange(2 * 64, dtype=torch.float32).reshape(2, 1, 8, 8)


def augmented(name: str, images: torch.Tensor, strength: float = 1.0, seed: int = 0) -> torch.Tensor:
    return WAYS[name](images, torch.Generator().manual_seed(seed), strength)


@pytest.mark.parametrize("name", list(CATALOGUE.family("augmentation")))
def test_an_augmentation_is_the_generators_and_keeps_shape_and_input(name: str) -> None:
    before = IMAGES.clone()
    assert torch.equal(augmented(name, IMAGES), augmented(name, IMAGES))
    assert any(not torch.equal(augmented(name, IMAGES, seed=s), IMAGES) for s in range(5))
    assert augmented(name, IMAGES).shape == IMAGES.shape
    assert torch.equal(IMAGES, before)


@pytest.mark.parametrize("name", list(CATALOGUE.family("augmentation")))
def test_no_strength_changes_nothing(name: str) -> None:
    assert torch.allclose(augmented(name, IMAGES, strength=0.0), IMAGES, atol=1e-3)


def test_flip_mirrors_half_of_the_images() -> None:
    images = torch.randn(1000, 1, 4, 4)
    out = augmented("flip", images)
    same = (out == images).all(dim=(1, 2, 3))
    assert 400 < same.sum() < 600
    assert torch.equal(out[~same], images[~same].flip(-1))


def test_translation_moves_whole_pixels() -> None:
    image = torch.zeros(50, 1, 8, 8)
    image[:, :, 4, 4] = 1.0
    out = augmented("translate", image)
    assert torch.allclose(out.sum((1, 2, 3)), torch.ones(50), atol=1e-4)
    assert torch.allclose(out.amax((1, 2, 3)), torch.ones(50), atol=1e-4)
    places = {tuple(place) for place in out.flatten(1).argmax(1)[:, None].tolist()}
    assert len(places) > 4


def test_rotation_turns_without_shearing() -> None:
    """A dot at the side moves along a circle of the same radius, by 15 degrees at most."""
    rows, columns = torch.meshgrid(torch.arange(41.0) - 20, torch.arange(61.0) - 30, indexing="ij")
    image = torch.exp(-((columns - 15) ** 2 + rows**2) / 8).expand(20, 1, 41, 61)
    out = augmented("rotate", image)
    mass = out.sum((1, 2, 3))
    x, y = (out * columns).sum((1, 2, 3)) / mass, (out * rows).sum((1, 2, 3)) / mass
    assert torch.allclose((x**2 + y**2).sqrt(), torch.full((20,), 15.0), atol=0.1)
    assert torch.atan2(y, x).abs().max() < math.pi / 12 + 0.01
    assert torch.atan2(y, x).abs().max() > math.pi / 40


def test_brightness_and_contrast_move_all_pixels_alike() -> None:
    difference = (augmented("brightness", IMAGES) - IMAGES).flatten(1)
    assert torch.allclose(difference, difference[:, :1].expand_as(difference), atol=1e-4)
    ratio = (augmented("contrast", IMAGES + 1) / (IMAGES + 1)).flatten(1)
    assert torch.allclose(ratio, ratio[:, :1].expand_as(ratio), atol=1e-4)
    assert (ratio - 1).abs().max() <= 0.2


def test_augmentation_needs_images() -> None:
    with pytest.raises(InputError, match="images"):
        Augmentation(("flip",), 1.0, (12,))


# --- settings


def test_values_go_to_those_who_take_them() -> None:
    settings = read_settings(
        {
            "model": "mlp",
            "model.mlp.depth": 3,
            "dropout": 0.2,
            "lr": 0.1,
            "optimizer": "sgd",
            "optimizer.sgd.momentum": 0.9,
            "optimizer.sgd.lr": 0.5,
            "optimizer.adam.lr": 0.7,
            "schedule": "plateau",
            "schedule.plateau.patience": 3,
        }
    )
    assert settings.model == "mlp"
    assert settings.builder_arguments == {"depth": 3, "dropout": 0.2}
    assert settings.own_arguments == {"depth"}
    assert (settings.optimizer.name, settings.optimizer.arguments) == ("sgd", {"momentum": 0.9})
    assert settings.schedule.arguments == {"patience": 3}
    assert settings.patience is None
    assert settings.lr == 0.5


def test_a_choice_of_the_builders_brings_what_is_nested_in_it() -> None:
    settings = read_settings({"head": "deep", "head.deep.layers": 4}, "my_nets:build")
    assert settings.builder_arguments == {"head": "deep", "layers": 4}


def test_one_augmentation_may_stand_for_a_list() -> None:
    assert read_settings({"augmentation": "flip"}, "mlp").augmentation == ("flip",)
    assert read_settings({"augmentation": "none"}, "mlp").augmentation == ()
    with pytest.raises(InputError, match="flip"):
        read_settings({"augmentation": ["flop"]}, "mlp")


def test_a_sweep_without_a_model_is_refused() -> None:
    with pytest.raises(InputError, match="model"):
        read_settings({"lr": 0.1})
