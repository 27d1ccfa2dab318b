"""Data and models of the scoring half of the corpus: none of them sets a threshold."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from corpus_family import Data, Family, data_folder, outputs, standard
from torch import nn

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "silu": nn.SiLU, "elu": nn.ELU}


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
    """Patches of 12 by 12 pixels of micrographs; is the middle one in a nucleus? Sorted by picture."""
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


class Residual(nn.Module):
    """Blocks of two layers beside a direct way."""

    def __init__(self, data: Data, width: int, depth: int, dropout: float, norm: str, activation: str) -> None:
        super().__init__()
        self.first = nn.Linear(data.x.shape[1], width)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm1d(width) if norm == "batch" else nn.Identity(),
                nn.Linear(width, width),
                ACTIVATIONS[activation](),
                nn.Dropout(dropout),
                nn.Linear(width, width),
            )
            for _ in range(depth)
        )
        self.activation, self.last = ACTIVATIONS[activation](), nn.Linear(width, outputs(data))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.activation(self.first(x))
        for block in self.blocks:
            x = x + block(x)
        return self.last(x)


def residual(data: Data, width: int, depth: int, dropout: float, norm: str, activation: str) -> nn.Module:
    return Residual(data, width, depth, dropout, norm, activation)


def tapered(data: Data, width: int, depth: int, dropout: float, norm: str, activation: str) -> nn.Module:
    """Each layer half as wide as the one before, with layer normalisation after the first."""
    size, parts = data.x.shape[1], []
    for level in range(depth):
        wide = max(1, width // 2**level)
        parts.append(nn.Linear(size, wide))
        if norm == "batch":
            parts.append(nn.BatchNorm1d(wide))
        elif level == 0 and wide > 4:
            parts.append(nn.LayerNorm(wide))
        parts += [ACTIVATIONS[activation](), nn.Dropout(dropout)]
        size = wide
    return nn.Sequential(*parts, nn.Linear(size, outputs(data)))


def features(data: Data, width: int, _depth: int, dropout: float, _norm: str, _activation: str) -> nn.Module:
    size = data.x.shape[1]
    narrow = [nn.Linear(size, width)] if width < size else []
    return nn.Sequential(nn.Dropout(dropout), *narrow, nn.Linear(min(width, size), outputs(data)))


class _Lift(nn.Module):
    """(N, L) -> (N, 1, L), or a picture (N, 1, S, S)."""

    def __init__(self, flat: bool) -> None:
        super().__init__()
        self.flat = flat

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        side = round(x.shape[1] ** 0.5)
        return x[:, None, :] if self.flat else x.view(-1, 1, side, side)


def convolved(data: Data, width: int, depth: int, dropout: float, norm: str, activation: str) -> nn.Module:
    """One-dimensional convolutions with stride, then the mean over the places."""
    parts: list[nn.Module] = [_Lift(True)]
    channels = 1
    for _ in range(depth):
        parts.append(nn.Conv1d(channels, width, 5, stride=2, padding=2))
        if norm == "batch":
            parts.append(nn.BatchNorm1d(width))
        parts.append(ACTIVATIONS[activation]())
        channels = width
    places = data.x.shape[1] // 2**depth
    return nn.Sequential(*parts, nn.Flatten(), nn.Dropout(dropout), nn.Linear(width * places, outputs(data)))


def strided(data: Data, width: int, depth: int, dropout: float, norm: str, activation: str) -> nn.Module:
    """Two-dimensional convolutions with stride instead of pooling."""
    parts: list[nn.Module] = [_Lift(False)]
    channels = 1
    for _ in range(depth):
        parts.append(nn.Conv2d(channels, width, 3, stride=2, padding=1))
        if norm == "batch":
            parts.append(nn.BatchNorm2d(width))
        parts.append(ACTIVATIONS[activation]())
        channels = width
    side = round(data.x.shape[1] ** 0.5) // 2**depth
    return nn.Sequential(*parts, nn.Flatten(), nn.Dropout(dropout), nn.Linear(width * side * side, outputs(data)))


class Attention(nn.Module):
    """One block of a transformer, the mean over the tokens, one layer."""

    def __init__(self, data: Data, width: int, dropout: float, norm: str) -> None:
        super().__init__()
        self.embed = nn.Linear(data.x.shape[2], width)
        self.attend = nn.MultiheadAttention(width, 1 if width < 8 else 2, batch_first=True)
        self.wide = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(dropout))
        self.narrow = nn.Linear(2 * width, width)
        self.norm = nn.BatchNorm1d(width) if norm == "batch" else nn.Identity()
        self.last = nn.Linear(width, outputs(data))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.embed(x)
        x = x + self.attend(x, x, x, need_weights=False)[0]
        x = x + self.narrow(self.wide(x))
        return self.last(self.norm(x.mean(1)))


def attention(data: Data, width: int, _depth: int, dropout: float, norm: str, _activation: str) -> nn.Module:
    return Attention(data, width, dropout, norm)


class Elman(nn.Module):
    def __init__(self, data: Data, width: int, dropout: float, norm: str) -> None:
        super().__init__()
        self.cells = nn.RNN(data.x.shape[2], width, batch_first=True)
        self.norm = nn.BatchNorm1d(width) if norm == "batch" else nn.Identity()
        self.dropout, self.last = nn.Dropout(dropout), nn.Linear(width, outputs(data))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states, _ = self.cells(x)
        return self.last(self.dropout(self.norm(states.mean(1))))


def elman(data: Data, width: int, _depth: int, dropout: float, norm: str, _activation: str) -> nn.Module:
    return Elman(data, width, dropout, norm)


_SEQUENCE = ("unrepresentative_training_data",)

FAMILIES = {
    "spirals_residual": Family(spirals, residual, 0.02, 4e-3, 2000, 120, 32, 2, steps=1500),
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
        columns=((10, 11, 12), (14, 15, 16, 17)),
        side=lambda d: d.y.numpy(),
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
        columns=(tuple(range(12)), tuple(range(24))),
        side=lambda d: np.arange(len(d.x)),
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
        cannot=(*_SEQUENCE, "memorisation", "plateau"),
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
        cannot=(*_SEQUENCE, "memorisation", "plateau", "underfitting"),
    ),
}
