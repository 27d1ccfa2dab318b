"""Segmentation: the folder of images and masks, the Dice losses, and both networks, against values by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from catalogue_rows import segmentation
from PIL import Image

from tuner.errors import InputError
from tuner.records.epochs import Assignment, Report
from tuner.training.building import build_model
from tuner.training.data import load_splits
from tuner.training.models import dense, encoder_decoder, unet
from tuner.training.own_losses import Dice, DiceBCE
from tuner.training.plan import TrainingPlan
from tuner.training.run_one import train_one
from tuner.training.settings import read_settings
from tuner.training.task_info import TaskInfo
from tuner.training.tasks import ImageMasks, Nuclei

DATA = Path(__file__).parents[1] / "data"


def task(height: int = 16, width: int = 16, channels: int = 1) -> TaskInfo:
    return TaskInfo("cells", (channels, height, width), 0, 10, kind="mask", outputs=1)


def write(folder: Path, name: str, image: np.ndarray, mask: np.ndarray) -> None:
    for kind, array in (("image", image), ("mask", mask)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        Image.fromarray(array.astype(np.uint8)).save(folder / kind / f"{name}.png")


def test_nuclei_are_read_at_half_their_size_each_standardised_by_itself() -> None:
    examples = Nuclei().load(DATA)
    assert examples.y is not None
    assert examples.x.shape == examples.y.shape == (12, 1, 128, 128)
    assert np.allclose(examples.x.mean((1, 2, 3)), 0, atol=1e-5)
    assert np.allclose(examples.x.std((1, 2, 3)), 1, atol=1e-4)
    assert set(np.unique(examples.y)) == {0.0, 1.0}
    found = examples.x[examples.y > 0.5].mean()
    assert found > 1 > examples.x[examples.y < 0.5].mean()


def test_squares_become_means_and_majorities(tmp_path: Path) -> None:
    image = np.array([[0, 4, 8, 8, 1], [4, 8, 8, 8, 1], [9, 9, 9, 9, 9], [9, 9, 9, 9, 9]])
    mask = np.array([[0, 1, 0, 0, 1], [1, 0, 1, 0, 1], [1, 1, 1, 1, 1], [1, 1, 1, 0, 1]])  # 0 and 1, not 0 and 255
    write(tmp_path, "a", image, mask)
    examples = ImageMasks(shrink=2).load(tmp_path)
    assert examples.y is not None
    assert examples.y[0, 0].tolist() == [[1.0, 0.0], [1.0, 1.0]]
    means = np.array([[4.0, 8.0], [9.0, 9.0]])
    assert np.allclose(examples.x[0, 0], (means - means.mean()) / means.std(), atol=1e-6)


def test_colour_images_have_three_channels(tmp_path: Path) -> None:
    write(tmp_path, "a", np.arange(48).reshape(4, 4, 3), np.eye(4) * 255)
    assert ImageMasks().load(tmp_path).x.shape == (1, 3, 4, 4)


def test_all_faults_of_a_folder_are_told_at_once(tmp_path: Path) -> None:
    grey, mask = np.arange(16).reshape(4, 4), np.eye(4) * 255
    write(tmp_path, "a", grey, mask)
    write(tmp_path, "b", grey, np.eye(6) * 255)
    write(tmp_path, "c", np.arange(25).reshape(5, 5), np.eye(5) * 255)
    write(tmp_path, "d", grey, grey)
    write(tmp_path, "e", grey, mask)
    (tmp_path / "mask" / "e.png").unlink()
    write(tmp_path, "f", grey, mask)
    (tmp_path / "image" / "f.png").write_bytes(b"no image")
    write(tmp_path, "g", grey, mask)
    (tmp_path / "image" / "g.png").unlink()
    with pytest.raises(InputError) as caught:
        ImageMasks().load(tmp_path)
    told = str(caught.value)
    assert len(caught.value.faults) == 6
    for word in ("6×6", "5×5", "16, from 0 to 15", "has no mask/e.png", "no image that can be read", "no image/g.png"):
        assert word in told


def test_a_folder_without_images_says_where_they_belong(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="seg_nuclei/image"):
        Nuclei().load(tmp_path)
    with pytest.raises(InputError, match="TUNER_DATA"):
        ImageMasks().load(None)


def test_dice_by_hand() -> None:
    """p = (½, ½, 1, 0), t = (1, 0, 1, 0): overlap 1.5, sizes 2 and 2."""
    logits, mask = torch.tensor([[[[0.0, 0.0, 99.0, -99.0]]]]), torch.tensor([[[[1.0, 0.0, 1.0, 0.0]]]])
    assert Dice(smooth=0)(logits, mask).item() == pytest.approx(1 - 2 * 1.5 / 4)
    assert Dice()(logits, mask).item() == pytest.approx(1 - (2 * 1.5 + 1) / (4 + 1))
    assert Dice()(torch.full((1, 1, 2, 2), -99.0), torch.zeros(1, 1, 2, 2)).item() == pytest.approx(0)
    two = torch.cat([logits, logits]), torch.cat([mask, 1 - mask])  # the second: overlap 0.5, sizes 2 and 2
    assert Dice(smooth=0)(*two).item() == pytest.approx(1 - (0.75 + 0.25) / 2)
    even = torch.zeros(1, 1, 2, 2), torch.tensor([[[[1.0, 0.0], [1.0, 0.0]]]])
    assert DiceBCE(dice=2, smooth=0)(*even).item() == pytest.approx(math.log(2) + 2 * (1 - 2 * 1 / 4))


def test_a_value_goes_back_to_where_the_maximum_lay() -> None:
    """One level without weights: what is left of the image are its maxima, each in its place, in odd sides too."""
    image = torch.tensor([[[[1.0, 2.0, 9.0], [4.0, 3.0, 9.0], [9.0, 9.0, 9.0]]]])
    net = encoder_decoder.EncoderDecoder([torch.nn.Identity()], [torch.nn.Identity()], torch.nn.Identity())
    assert net(image).tolist() == [[[[0.0, 0.0, 0.0], [4.0, 0.0, 0.0], [0.0, 0.0, 0.0]]]]


@pytest.mark.parametrize("up", ["transposed", "nearest", "bilinear"])
@pytest.mark.parametrize("size", [(16, 16), (17, 22)])
def test_a_mask_is_as_large_as_its_image(up: str, size: tuple[int, int]) -> None:
    given = {"depth": 2, "width": 4, "spatial_dropout": 0.2, "activation": "maxout"}
    for model in (unet.build(task(*size), up=up, **given), encoder_decoder.build(task(*size), **given)):
        outputs = model(torch.randn(2, 1, *size))
        assert outputs.shape == (2, 1, *size)
        outputs.sum().backward()
        assert all(weight.grad is not None for weight in model.parameters())


def test_the_skip_connections_are_used() -> None:
    """With the way through the middle cut, a U-Net still sees the image; an encoder–decoder sees nothing of it."""
    net = unet.build(task(), depth=1, width=2, normalisation="none").eval()
    for weight in net.middle.parameters():  # type: ignore[union-attr]
        torch.nn.init.zeros_(weight)
    one, two = net(torch.zeros(1, 1, 16, 16)), net(torch.randn(1, 1, 16, 16))
    assert not torch.allclose(one, two)


def test_nearest_doubles_each_pixel() -> None:
    up = dense.Up("nearest", 1, 1)
    torch.nn.init.dirac_(up.layer.weight)
    torch.nn.init.zeros_(up.layer.bias)  # type: ignore[arg-type]
    found = up(torch.tensor([[[[1.0, 2.0]]]]), (2, 4))
    assert found.tolist() == [[[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]]


def test_images_too_small_for_the_depth_are_refused() -> None:
    with pytest.raises(InputError, match="at most 3"):
        unet.build(task(16, 40), depth=4)
    with pytest.raises(InputError, match="no images"):
        encoder_decoder.build(TaskInfo("rows", (7,), 0, 10, kind="mask", outputs=1))


@pytest.mark.parametrize("model", ["unet", "encoder_decoder"])
def test_a_network_learns_nuclei(model: str, tmp_path: Path) -> None:
    fixed = {"depth": 2, "width": 4, "lr": 0.02, "batch_size": 4, "loss": "dice"}
    plan = TrainingPlan("nuclei", str(tmp_path), model=model, data_dir=str(DATA), fixed=fixed, max_epochs=4)
    reports: list[Report] = []
    last = train_one(plan, load_splits(plan), Assignment("0000", 1, {}, 0, 4), reports.append)
    assert isinstance(last, Report), last
    assert last.epoch.metrics["val_loss"] < reports[0].epoch.metrics["val_loss"]
    assert last.epoch.metrics["train_dice"] > reports[0].epoch.metrics["train_dice"]
    assert build_model(read_settings(plan.fixed, model), task()).training


def test_otsu_by_hand() -> None:
    image = np.array([[0, 0, 1, 1], [0, 1, 9, 10]], np.float32)
    assert 1 < segmentation.otsu(image) < 9
    found, true = np.array([[[1, 1, 0, 0]]], bool), np.array([[[1, 0, 1, 0]]], bool)
    assert segmentation.iou(found, true) == pytest.approx(1 / 3)
    assert segmentation.dice(found, true) == pytest.approx(1 / 2)
    assert segmentation.iou(found & False, true & False) == 1.0
    images = np.array([[0.0, 0.4, 0.6, 1.0]], np.float32)
    assert 0.4 <= segmentation.best_threshold(images, images > 0.5, segmentation.iou) < 0.6
