"""Torchvision's networks, the vision transformer, images in folders, and Fashion-MNIST cut in two."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from torch import nn
from training_kit import digits, make_plan, metrics, run

from tuner.errors import InputError
from tuner.training.building import build_trainer
from tuner.training.data import Splits, load_splits
from tuner.training.device_data import DeviceCache
from tuner.training.models import backbone, vit
from tuner.training.pictures.attention import of_channels, of_patches
from tuner.training.plan import TrainingPlan
from tuner.training.settings import read_settings
from tuner.training.stages import part, stages_of
from tuner.training.starting_weights import start_from
from tuner.training.task_info import TaskInfo
from tuner.training.tasks import Digits, FashionFew, FashionMNIST, FashionSource, ImageFolder
from tuner.training.torchvision_names import BACKBONES

DIGITS = TaskInfo("digits", (1, 8, 8), 10, 1000)
DATA = Path(__file__).parents[1] / "data"
SMALL = "shufflenet_v2_x0_5"


# --- torchvision's networks


def test_the_names_are_those_of_the_installed_torchvision() -> None:
    known = torchvision.models.list_models(module=torchvision.models)
    assert set(BACKBONES) == set(known) - {"googlenet", "inception_v3"}


@pytest.mark.parametrize("grey", ["repeat", "replace"])
def test_grey_images_are_repeated_or_given_a_convolution_of_their_own(grey: str) -> None:
    built = backbone.build(DIGITS, SMALL, grey=grey)
    first = next(layer for layer in built.modules() if isinstance(layer, nn.Conv2d))
    assert first.in_channels == (3 if grey == "repeat" else 1)
    assert built.eval()(torch.randn(2, 1, 8, 8)).shape == (2, 10)


@pytest.mark.parametrize("name", ["resnet18", SMALL, "squeezenet1_1", "densenet121", "vit_b_16", "swin_t", "vgg11"])
def test_the_head_of_a_backbone_is_its_last_stage(name: str) -> None:
    with torch.device("meta"):
        built = backbone.build(DIGITS, name)
    stages = stages_of(built)
    assert len(stages) >= 3
    assert any(weight.shape[0] == 10 for module in stages[-1] for weight in module.parameters())
    assert sum(weight.numel() for stage in stages[:-1] for module in stage for weight in module.parameters()) > 0
    body = part(built, "all", own_rate=True)
    learning = [weight for weight in built.parameters() if weight.requires_grad]
    assert {id(w) for w in learning} == {id(w) for module in stages[-1] for w in module.parameters()}
    assert body.weights == ()


def test_weights_of_torchvision_fit_all_but_the_head() -> None:
    there = torchvision.models.get_model(SMALL, weights=None)
    done = start_from(backbone.build(DIGITS, SMALL), there.state_dict(), "there")
    assert done.new == ("network.fc.weight", "network.fc.bias")
    assert done.unused == ("fc.weight", "fc.bias")


def test_a_backbone_trains(tmp_path: Path) -> None:
    fixed = {"model": "backbone", "model.backbone.name": SMALL, "frozen": "partly", "body_lr": 0.1}
    assert np.isfinite(metrics(run(make_plan(tmp_path, fixed=fixed), epochs=1))[0]["val_loss"])


def test_an_unknown_backbone_is_refused_with_what_was_meant() -> None:
    with pytest.raises(InputError, match="resnet18"):
        backbone.build(DIGITS, "resnet81")


# --- the vision transformer


def test_attention_can_be_read_and_is_what_the_network_computes_with() -> None:
    torch.manual_seed(0)
    built = vit.build(DIGITS, patch=4, depth=2, heads=3, width=10, dropout=0.5)  # the width becomes 12
    assert isinstance(built, vit.VisionTransformer)
    x = torch.randn(5, 1, 8, 8)
    found = built.attention_of(x)
    assert found.shape == (2, 5, 3, 5, 5)
    assert torch.allclose(found.sum(-1), torch.ones(2, 5, 3, 5), atol=1e-5)
    assert built.training
    tokens = built.eval()._tokens(x)
    for block in built.blocks:
        assert torch.allclose(block.attended(tokens)[0], block(tokens), atol=1e-5)
        tokens = block(tokens)


def test_attention_by_hand() -> None:
    """Width 1, one head: queries, keys and values are the normalised token, which is 0, so all look alike at all."""
    block = vit.Block(1, 1, 0.0).eval()
    with torch.no_grad():
        block.queries_keys_values.bias.copy_(torch.tensor([1.0, 0.0, 3.0]))
        block.joined.weight.fill_(2.0)
        block.joined.bias.fill_(0.5)
        for weight in block.perceptron.parameters():
            weight.zero_()
    after, weights = block.attended(torch.tensor([[[1.0], [2.0], [6.0]]]))
    assert torch.allclose(weights, torch.full((1, 1, 3, 3), 1 / 3))
    assert after.flatten().tolist() == pytest.approx([1 + 6.5, 2 + 6.5, 6 + 6.5])


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 13), (2, 5, 5)])
def test_a_vit_fits_any_image(shape: tuple[int, int, int]) -> None:
    task = TaskInfo("any", shape, 3, 10)
    for patch in (2, 4):
        assert vit.build(task, patch, 1, 2, 8)(torch.randn(2, *shape)).shape == (2, 3)
    with pytest.raises(InputError, match="patch"):
        vit.build(task, 20)


def test_positions_are_frozen_with_the_body() -> None:
    built = vit.build(DIGITS, 4, 2, 2, 8)
    part(built, "all", own_rate=False)
    assert [name for name, weight in built.named_parameters() if weight.requires_grad] == ["head.weight", "head.bias"]


@pytest.mark.parametrize("model", ["vit", "cnn"])
def test_what_a_network_looks_at_is_drawn(model: str, tmp_path: Path) -> None:
    data = DeviceCache(digits(), torch.device("cpu")).get()
    own = {"vit": {"model.vit.depth": 2}, "cnn": {"model.cnn.attention": "channel"}}[model]
    trainer = build_trainer(read_settings({"model": model, **own}), data, torch.device("cpu"), 1)
    (path,) = (of_patches if model == "vit" else of_channels)(trainer, data, Digits(), tmp_path)
    with Image.open(path) as drawn:
        assert min(drawn.size) > 150
        assert len(np.unique(np.asarray(drawn.convert("L")))) > 10


def test_without_channel_attention_nothing_is_drawn(tmp_path: Path) -> None:
    data = DeviceCache(digits(), torch.device("cpu")).get()
    trainer = build_trainer(read_settings({"model": "cnn"}), data, torch.device("cpu"), 1)
    assert of_channels(trainer, data, Digits(), tmp_path) == []


# --- Fashion-MNIST cut in two


def test_the_two_halves_share_no_class() -> None:
    assert sorted(FashionSource.numbers + FashionFew.numbers) == list(range(10))
    assert set(FashionSource.classes) | set(FashionFew.classes) == set(FashionMNIST.classes)
    whole, half = FashionMNIST().load(DATA), FashionSource().load(DATA)
    assert whole.y is not None and half.y is not None
    for place, number in enumerate(FashionSource.numbers):
        assert (whole.x[whole.y == number] == half.x[half.y == place]).all()


def test_few_means_twenty_of_each_class_and_depends_on_the_seed(tmp_path: Path) -> None:
    found = []
    for seed in (0, 1):
        splits = load_splits(TrainingPlan("fashion_few", str(tmp_path), data_dir=str(DATA), seed=seed))
        assert isinstance(splits, Splits) and splits.train_y is not None and splits.val_y is not None
        assert np.bincount(splits.train_y).tolist() == [20] * 5
        assert np.bincount(splits.val_y).tolist() == [200] * 5
        found.append(splits.data_hash)
    assert found[0] != found[1]


# --- images in folders


def write(path: Path, mode: str = "RGB", size: tuple[int, int] = (20, 10), value: int = 200) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value if mode != "RGB" else (value, 0, 0)).save(path)


def test_a_folder_for_each_class(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / "cat" / f"{number}.png", "L", value=90)
        write(tmp_path / "dog" / "more" / f"{number}.jpg", size=(9, 30))
    write(tmp_path / ".cache" / "0.png")
    task = ImageFolder(size=8)
    found = task.load(tmp_path)
    assert task.classes == ("cat", "dog")
    assert found.x.shape == (6, 3, 8, 8)
    assert found.y is not None and found.y.tolist() == [0, 0, 0, 1, 1, 1]
    assert (found.x[0] == 90).all()
    assert found.x[5, 0].mean() > 190 > 60 > found.x[5, 1].mean()


def test_grey_images_have_one_channel_and_keep_their_middle(tmp_path: Path) -> None:
    striped = np.zeros((4, 12), np.uint16)
    striped[:, 4:8] = 51200
    for name in ("a", "b"):
        for number in range(3):
            (tmp_path / name).mkdir(exist_ok=True)
            Image.fromarray(striped).save(tmp_path / name / f"{number}.png")
    found = ImageFolder(size=4).load(tmp_path)
    assert found.x.shape == (6, 1, 4, 4)
    assert (found.x == 200).all()  # 51200 / 256; black at both sides is cut off


def test_all_that_is_wrong_with_a_folder_is_told_at_once(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / "cat" / f"{number}.png")
    (tmp_path / "cat" / "broken.png").write_bytes(b"no image")
    write(tmp_path / "dog" / "1.png")
    with pytest.raises(InputError) as caught:
        ImageFolder().load(tmp_path)
    told = [str(fault) for fault in caught.value.faults]
    assert len(told) == 2
    assert "dog" in told[0] and "at least 3" in told[0]
    assert "broken.png" in told[1]
    with pytest.raises(InputError, match="TUNER_DATA"):
        ImageFolder().load(None)
