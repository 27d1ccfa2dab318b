"""Models of the scoring half of the corpus: (data, width, depth, dropout, norm, activation) -> network."""

from __future__ import annotations

import torch
from corpus_family import Data, outputs
from torch import nn

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "silu": nn.SiLU, "elu": nn.ELU}


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
    """One-dimensional convolutions with stride, then all places."""
    places = data.x.shape[1] // 2**depth
    parts = _strides(True, width, depth, norm, activation)
    return nn.Sequential(*parts, nn.Flatten(), nn.Dropout(dropout), nn.Linear(width * places, outputs(data)))


def strided(data: Data, width: int, depth: int, dropout: float, norm: str, activation: str) -> nn.Module:
    """Two-dimensional convolutions with stride instead of pooling."""
    side = round(data.x.shape[1] ** 0.5) // 2**depth
    parts = _strides(False, width, depth, norm, activation)
    return nn.Sequential(*parts, nn.Flatten(), nn.Dropout(dropout), nn.Linear(width * side * side, outputs(data)))


def _strides(flat: bool, width: int, depth: int, norm: str, activation: str) -> list[nn.Module]:
    """Each layer halves the places, along one dimension or along two."""
    convolution, normed, size = (nn.Conv1d, nn.BatchNorm1d, 5) if flat else (nn.Conv2d, nn.BatchNorm2d, 3)
    parts: list[nn.Module] = [_Lift(flat)]
    for channels in (1, *[width] * (depth - 1)):
        parts.append(convolution(channels, width, size, stride=2, padding=size // 2))
        if norm == "batch":
            parts.append(normed(width))
        parts.append(ACTIVATIONS[activation]())
    return parts


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
