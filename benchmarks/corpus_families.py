"""Data and models of the tuning half of the corpus, and the table of all families.

A family is a data set with a model: how many samples there are, which network, which learning rates suit it. Ten of
them set thresholds; the seven of `corpus_fresh.py` only score. Linear models, MLPs, CNNs and recurrent networks,
regression and classification are on either side.
"""

from __future__ import annotations

import gzip
from functools import lru_cache

import corpus_fresh
import numpy as np
import torch
from corpus_family import Data, Family, data_folder, outputs, standard
from torch import nn


@lru_cache
def digits() -> Data:
    from sklearn.datasets import load_digits

    loaded = load_digits()
    return Data(torch.tensor(loaded.data / 16.0 - 0.3, dtype=torch.float32), torch.tensor(loaded.target))


@lru_cache
def blobs() -> Data:
    from sklearn.datasets import make_classification

    x, y = make_classification(4000, 40, n_informative=16, n_redundant=8, n_classes=5, class_sep=2.2, random_state=3)
    return Data(torch.tensor(standard(x), dtype=torch.float32), torch.tensor(y.astype(np.int64)))


@lru_cache
def housing() -> Data:
    table = np.genfromtxt(data_folder() / "california_housing.csv", delimiter=",", skip_header=1, usecols=range(9))
    x, y = table[:, :8], table[:, 8]
    x = np.where(np.isnan(x), np.nanmedian(x, axis=0), x)
    x[:, 2:] = np.log1p(x[:, 2:])
    return Data(
        torch.tensor(np.clip(standard(x), -4, 4), dtype=torch.float32),
        torch.tensor(standard(np.log(y)), dtype=torch.float32),
    )


@lru_cache
def waves() -> Data:
    """Noisy sine sequences of 16 steps; the class is the frequency band."""
    rng = np.random.default_rng(5)
    label = rng.integers(0, 4, 4000)
    frequency = 0.5 + 0.6 * label + rng.uniform(-0.2, 0.2, 4000)
    t = np.arange(16)[None, :]
    x = np.sin(frequency[:, None] * t + rng.uniform(0, 6.28, (4000, 1))) + 0.5 * rng.standard_normal((4000, 16))
    return Data(torch.tensor(x[:, :, None], dtype=torch.float32), torch.tensor(label))


@lru_cache
def fashion() -> Data:
    raw = data_folder() / "FashionMNIST" / "raw"

    def read(name: str, offset: int) -> np.ndarray:
        return np.frombuffer(gzip.decompress((raw / f"{name}.gz").read_bytes()), np.uint8, offset=offset)

    x = read("t10k-images-idx3-ubyte", 16).reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)) / 255.0
    y = read("t10k-labels-idx1-ubyte", 8).astype(np.int64)
    return Data(torch.tensor((x.reshape(len(x), -1) - 0.29) / 0.35, dtype=torch.float32), torch.tensor(y))


@lru_cache
def terms() -> Data:
    """A noisy polynomial of three inputs, with its terms up to the third power as features."""
    from sklearn.preprocessing import PolynomialFeatures

    rng = np.random.default_rng(11)
    raw = rng.uniform(-1, 1, (4000, 4))
    features = standard(PolynomialFeatures(3, include_bias=False).fit_transform(raw))
    target = features @ (rng.standard_normal(features.shape[1]) * (rng.random(features.shape[1]) < 0.5))
    target = standard(target) + 0.3 * rng.standard_normal(4000)
    return Data(torch.tensor(features, dtype=torch.float32), torch.tensor(standard(target), dtype=torch.float32))


@lru_cache
def friedman() -> Data:
    from sklearn.datasets import make_friedman1

    x, y = make_friedman1(4000, 10, noise=1.0, random_state=2)
    return Data(torch.tensor(standard(x), dtype=torch.float32), torch.tensor(standard(y), dtype=torch.float32))


@lru_cache
def series() -> Data:
    """Fourteen values of a sum of two sines with noise; the target is the value two steps on."""
    rng = np.random.default_rng(7)
    t = np.arange(16)[None, :]
    wave = np.zeros((4000, 16))
    for low, high in ((0.2, 0.7), (0.9, 1.6)):
        wave += np.sin(rng.uniform(low, high, (4000, 1)) * t + rng.uniform(0, 6.28, (4000, 1)))
    x = wave + 0.15 * rng.standard_normal(wave.shape)
    return Data(
        torch.tensor(x[:, :14, None], dtype=torch.float32), torch.tensor(standard(x[:, 15]), dtype=torch.float32)
    )


ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu": nn.GELU}


def linear(data: Data, width: int, _depth: int, dropout: float, _norm: str, _activation: str) -> nn.Module:
    size = data.x.shape[1]
    parts: list[nn.Module] = [nn.Dropout(dropout)] if dropout else []
    if width < size:  # a bottleneck: a linear model that is too small
        parts += [nn.Linear(size, width), nn.Linear(width, outputs(data))]
    else:
        parts.append(nn.Linear(size, outputs(data)))
    return nn.Sequential(*parts)


def mlp(data: Data, width: int, depth: int, dropout: float, norm: str, activation: str) -> nn.Module:
    size, parts = data.x.shape[1], []
    for _ in range(depth):
        parts.append(nn.Linear(size, width))
        if norm == "batch":
            parts.append(nn.BatchNorm1d(width))
        parts.append(ACTIVATIONS[activation]())
        if dropout:
            parts.append(nn.Dropout(dropout))
        size = width
    return nn.Sequential(*parts, nn.Linear(size, outputs(data)))


class Image(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        side = round(x.shape[1] ** 0.5)
        return x.view(-1, 1, side, side)


def cnn(data: Data, width: int, depth: int, dropout: float, norm: str, activation: str) -> nn.Module:
    parts: list[nn.Module] = [Image()]
    channels = 1
    for _ in range(depth):
        parts.append(nn.Conv2d(channels, width, 3, padding=1))
        if norm == "batch":
            parts.append(nn.BatchNorm2d(width))
        parts += [ACTIVATIONS[activation](), nn.MaxPool2d(2)]
        channels = width
    side = round(data.x.shape[1] ** 0.5) // 2**depth
    tail = [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*parts, nn.Flatten(), *tail, nn.Linear(channels * side * side, outputs(data)))


class Recurrent(nn.Module):
    def __init__(self, data: Data, width: int, dropout: float, kind: str, norm: str) -> None:
        super().__init__()
        self.cells = (nn.GRU if kind == "gru" else nn.LSTM)(data.x.shape[2], width, batch_first=True)
        self.norm = nn.BatchNorm1d(width) if norm == "batch" else nn.Identity()
        self.dropout, self.last = nn.Dropout(dropout), nn.Linear(width, outputs(data))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states, _ = self.cells(x)
        return self.last(self.dropout(self.norm(states[:, -1])))


def gru(data: Data, width: int, _depth: int, dropout: float, norm: str, _activation: str) -> nn.Module:
    return Recurrent(data, width, dropout, "gru", norm)


def lstm(data: Data, width: int, _depth: int, dropout: float, norm: str, _activation: str) -> nn.Module:
    return Recurrent(data, width, dropout, "lstm", norm)


_ONE_SIDE = ("unrepresentative_training_data",)
_LINEAR = ("memorisation",)

_OLD = {
    "digits_mlp": Family(digits, mlp, 0.05, 2e-3, 1000, 120, 64, 2, cannot=_ONE_SIDE),
    "blobs_linear": Family(blobs, linear, 0.05, 1e-2, 1500, 60, 99, steps=1800, linear=True, cannot=_LINEAR),
    "housing_mlp": Family(
        housing, mlp, 0.02, 3e-3, 1500, 120, 64, 2, cannot=_ONE_SIDE, columns=((0, 1), (7,), (3, 4, 5, 6))
    ),
    "digits_cnn": Family(digits, cnn, 0.08, 1e-2, 1000, 80, 8, 2, epochs=(25, 70), steps=900),
    "waves_gru": Family(
        waves,
        gru,
        0.1,
        8e-3,
        1000,
        100,
        12,
        epochs=(18, 60),
        steps=600,
        recurrent=True,
        cannot=(*_ONE_SIDE, "underfitting", "memorisation", "plateau"),
    ),
    "fashion_mlp": Family(fashion, mlp, 0.02, 1e-3, 3000, 150, 48, 2, steps=1500, cannot=("plateau",)),
    "terms_linear": Family(
        terms,
        linear,
        0.02,
        1e-2,
        1500,
        40,
        99,
        steps=1800,
        linear=True,
        cannot=(*_LINEAR, "plateau"),
        columns=((8,), (14, 17), (0, 1, 2, 3)),
    ),
    "friedman_mlp": Family(
        friedman, mlp, 0.03, 4e-3, 1500, 120, 64, 2, cannot=("plateau",), columns=((3,), (0,), (0, 1), (2, 4))
    ),
    "fashion_cnn": Family(
        fashion, cnn, 0.03, 5e-3, 1200, 80, 4, 2, epochs=(15, 45), steps=700, cannot=("underfitting",)
    ),
    "series_lstm": Family(
        series,
        lstm,
        0.1,
        1e-2,
        1200,
        60,
        16,
        epochs=(20, 60),
        steps=700,
        recurrent=True,
        cannot=(*_ONE_SIDE, "healthy", "plateau", "underfitting"),  # too small for its steps, or learns nothing
    ),
}

FAMILIES = _OLD | corpus_fresh.FAMILIES
TUNING, SCORING = tuple(_OLD), tuple(corpus_fresh.FAMILIES)
