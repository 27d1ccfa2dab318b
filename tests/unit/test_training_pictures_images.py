"""Pictures of masks, reconstructions and samples: what is drawn where, in which colour."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tuner.training.building import build_trainer
from tuner.training.data import load_splits
from tuner.training.device_data import DeviceCache, DeviceData
from tuner.training.loop import Trainer
from tuner.training.pictures import grid, masks, reconstructions, samples
from tuner.training.plan import TrainingPlan
from tuner.training.settings import read_settings

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(autouse=True)
def as_the_frame_calls_them() -> Iterator[None]:
    with torch.no_grad():
        yield


def made(task: str, model: str, folder: Path, **fixed: Any) -> tuple[Trainer, DeviceData]:
    torch.manual_seed(0)
    plan = TrainingPlan(task, str(folder), model=model, data_dir=str(DATA), fixed=fixed)
    data = DeviceCache(load_splits(plan), torch.device("cpu")).get()
    trainer = build_trainer(read_settings(fixed, model), data, data.device, 1)
    trainer.model.eval()
    return trainer, data


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as page:
        return page.size


def test_what_is_too_much_is_red_and_what_is_missed_blue() -> None:
    found, true = torch.tensor([[True, True, False, False]]), torch.tensor([[True, False, True, False]])
    white, colours = masks.compared(found, true)
    assert white[:, 0].T.tolist() == [[1, 1, 1], [0, 0, 0], [1, 1, 1], [0, 0, 0]]
    assert colours[:, 0].T.tolist() == [[1, 1, 1], [1, 0, 0], [0, 0, 1], [0, 0, 0]]


def test_an_image_is_drawn_in_whole_multiples_where_it_belongs(tmp_path: Path) -> None:
    red, grey = torch.zeros(3, 2, 2), grid.coloured(torch.full((1, 2, 2), 0.5))
    red[0] = 1
    with Image.open(grid.write(tmp_path / "a.png", [[red, grey]], side=8)) as opened:
        page = np.asarray(opened)
    assert page.shape == (grid.GAP + 8 + grid.GAP, grid.GAP + 2 * (8 + grid.GAP), 3)
    assert page[grid.GAP + 7, grid.GAP + 7].tolist() == [255, 0, 0]
    assert page[grid.GAP, grid.GAP + 8 + grid.GAP].tolist() == [128, 128, 128]
    assert page[0, 0].tolist() == [255, 255, 255]


def test_grey_goes_from_the_darkest_to_the_brightest() -> None:
    image = torch.linspace(-3, 5, 1000).view(1, 10, 100)
    found = grid.grey(image)
    assert (found.min(), found.max()) == (0, 1)
    assert found.shape == (3, 10, 100)
    assert torch.equal(grid.grey(torch.ones(1, 2, 2)), torch.zeros(3, 2, 2))


def test_the_masks_of_a_network_are_drawn_worst_first(tmp_path: Path) -> None:
    trainer, data = made("nuclei", "unet", tmp_path, depth=1, width=2)
    trainer.model = torch.nn.Identity()  # so that above the mean is in the mask: some overlap, of no two images alike
    (path,) = masks.draw(trainer, data, None, tmp_path)
    assert size(path)[1] > 2 * 128  # two validation images of the sample


def test_an_autoencoder_is_drawn_with_noise_where_it_was_trained_on_noise(tmp_path: Path) -> None:
    heights = []
    for augmentation in ([], ["noise"]):
        trainer, data = made("digits_autoencoder", "mlp_autoencoder", tmp_path, augmentation=augmentation)
        (path,) = reconstructions.draw(trainer, data, None, tmp_path)
        heights.append(size(path)[1])
    assert heights[1] - heights[0] == 2 * (56 + grid.GAP)


def test_samples_are_drawn_of_a_variational_autoencoder_alone(tmp_path: Path) -> None:
    assert samples.draw(*made("digits_autoencoder", "mlp_autoencoder", tmp_path), None, tmp_path) == []
    trainer, data = made("digits_autoencoder", "variational_autoencoder", tmp_path, code=2, depth=1)
    (path,) = samples.draw(trainer, data, None, tmp_path)
    assert size(path)[0] == grid.GAP + samples.COLUMNS * (56 + grid.GAP)
