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
