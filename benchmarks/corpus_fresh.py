"""Data and families of the scoring half of the corpus: none of them sets a threshold."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from corpus_family import Data, Family, data_folder, standard
from corpus_fresh_models import attention, convolved, elman, features, residual, strided, tapered


def _float(x: np.ndarray) -> torch.Tensor:
    return torch.tensor(x, dtype=torch.float32)


@lru_cache
def spirals() -> Data:
    """Three spiral arms in the plane, with six inputs of mere noise."""
    rng = np.random.default_rng(21)
    label, t = rng.integers(0, 3, 4000), rng.uniform(0.15, 1, 4000)
    angle = 5 * t + label * 2 * np.pi / 3 + 0.18 * rng.standard_normal(4000)
    x = np.stack([t * np.cos(angle), t * np.sin(angle)], 1)
    return Data(_float(np.concatenate([2 * x, 0.5 * rng.standard_normal((4000, 6))], 1)), torch.tensor(label))


@lru_cache
def arm() -> Data:
    """How far the hand of a three-jointed arm is from a point, from the joints' angles and lengths."""
    rng = np.random.default_rng(22)
    angle, length = rng.uniform(-1.4, 1.4, (4000, 3)), rng.uniform(0.5, 1.5, (4000, 3))
    turn = angle.cumsum(1)
    hand = np.stack([(length * np.cos(turn)).sum(1), (length * np.sin(turn)).sum(1)], 1)
    y = standard(np.hypot(hand[:, 0] - 1.0, hand[:, 1] - 0.5)) + 0.2 * rng.standard_normal(4000)
    return Data(_float(standard(np.concatenate([angle, length], 1))), _float(standard(y)))


@lru_cache
def surface() -> Data:
    """A noisy sum of sines over a plane, with 80 random Fourier features."""
    rng = np.random.default_rng(23)
    plane = rng.uniform(-1, 1, (4000, 2))
    y = sum(a * np.sin(plane @ rng.normal(0, 2.0, 2) + rng.uniform(0, 6.28)) for a in (1.0, 0.8, 0.6, 0.4))
    features = np.sqrt(2) * np.cos(plane @ rng.normal(0, 1.6, (2, 80)) + rng.uniform(0, 6.28, 80))
    return Data(_float(features), _float(standard(standard(y) + 0.35 * rng.standard_normal(4000))))


@lru_cache
def chirps() -> Data:
    """Thirty-two values of a noisy sine; the target is its frequency."""
    rng = np.random.default_rng(24)
    frequency = rng.uniform(0.3, 1.5, 4000)
    x = np.sin(frequency[:, None] * np.arange(32) + rng.uniform(0, 6.28, (4000, 1)))
    return Data(_float(x + 0.35 * rng.standard_normal(x.shape)), _float(standard(frequency)))


@lru_cache
def nuclei() -> Data:
    """Patches of 12 by 12 pixels of micrographs, with noise; is the middle one in a nucleus?"""
    from PIL import Image

    rng, patches, labels = np.random.default_rng(25), [], []
    for number in range(80):
        folder = data_folder() / "seg_nuclei"
        picture = np.array(Image.open(folder / "image" / f"{number:02d}.png").convert("L")) / 255.0
        mask = np.array(Image.open(folder / "mask" / f"{number:02d}.png").convert("L")) > 127
        picture = (picture - picture.mean()) / (picture.std() + 1e-6)
        for inside in (False, True):
            rows, columns = np.nonzero(mask[6:-6, 6:-6] == inside)
            for at in rng.choice(len(rows), 30):
                patches.append(picture[rows[at] : rows[at] + 12, columns[at] : columns[at] + 12].ravel())
                labels.append(int(inside))
    x = np.array(patches) + 0.6 * rng.standard_normal((len(patches), 144))
    return Data(_float(x), torch.tensor(labels))


@lru_cache
def marked() -> Data:
    """Nine noisy tokens of five kinds; the class is the kind of the one that carries a mark."""
    rng = np.random.default_rng(26)
    kinds, at = rng.integers(0, 5, (5000, 9)), rng.integers(0, 9, 5000)
    x = np.concatenate([np.eye(5)[kinds], np.zeros((5000, 9, 1))], 2)
    x[np.arange(5000), at, 5] = 1
    x += 0.28 * rng.standard_normal(x.shape)
    return Data(_float(x), torch.tensor(kinds[np.arange(5000), at]))


@lru_cache
def walks() -> Data:
    """Fourteen steps of a Markov chain over five states; the class is which of four chains made them."""
    rng = np.random.default_rng(27)
    chains = np.array([rng.dirichlet(np.full(5, 0.35), 5) for _ in range(4)]) * 0.9 + 0.02
    label, state = rng.integers(0, 4, 5000), rng.integers(0, 5, 5000)
    steps = [state]
    for _ in range(13):
        ladder = chains[label, steps[-1]].cumsum(1)
        steps.append((rng.random(5000)[:, None] > ladder / ladder[:, -1:]).sum(1))
    return Data(_float(np.eye(5)[np.stack(steps, 1)] - 0.2), torch.tensor(label))


_ONE_SIDE = ("unrepresentative_training_data",)

FAMILIES = {
    "spirals_residual": Family(
        spirals, residual, 0.02, 4e-3, 2000, 120, 32, 2, steps=1500, cannot=(*_ONE_SIDE, "plateau")
    ),
    "arm_tapered": Family(arm, tapered, 0.02, 4e-3, 2000, 120, 48, 2, columns=((0,), (3, 4, 5), (4, 5))),
    "surface_linear": Family(
        surface,
        features,
        0.001,
        1e-2,
        1500,
        60,
        99,
        steps=1800,
        linear=True,
        cannot=("memorisation", "plateau"),
        columns=((38,), (30,), (58,)),
    ),
    "chirps_conv1d": Family(
        chirps,
        convolved,
        0.02,
        4e-3,
        1500,
        60,
        8,
        2,
        steps=900,
        cannot=_ONE_SIDE,
        columns=((10, 11, 12), (14, 15, 16, 17)),
    ),
    "nuclei_strided": Family(
        nuclei,
        strided,
        0.05,
        4e-3,
        2400,
        120,
        8,
        2,
        steps=900,
        cannot=(*_ONE_SIDE, "unstable"),
        columns=(tuple(range(12)), tuple(range(24))),
    ),
    "marked_attention": Family(
        marked,
        attention,
        0.05,
        6e-3,
        2000,
        150,
        16,
        steps=900,
        recurrent=True,
        cannot=(*_ONE_SIDE, "memorisation", "plateau"),
    ),
    "walks_elman": Family(
        walks,
        elman,
        0.1,
        1e-2,
        1500,
        100,
        16,
        steps=1000,
        recurrent=True,
        cannot=(*_ONE_SIDE, "memorisation", "plateau", "underfitting"),
    ),
}
