"""A small vision transformer: patches as tokens, a class token before them, attention that can be read.

Dosovitskiy et al. 2021, "An Image is Worth 16×16 Words": linear patches, learnt positions, blocks that normalise before
attention and before the perceptron, and a head on the class token.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from tuner.errors import Fault, InputError
from tuner.training.task_info import TaskInfo


class Block(nn.Module):
    """Attention among the tokens, then a perceptron for each; both are added to what came in."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_perceptron = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.joined = nn.Linear(width, width)
        self.perceptron = nn.Sequential(
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(4 * width, width),
            nn.Dropout(dropout),
        )
        self.dropout = dropout

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Tokens [N, tokens, width] to tokens alike."""
        queries, keys, values = self._parts(x)
        drop = self.dropout if self.training else 0.0
        found = functional.scaled_dot_product_attention(queries, keys, values, dropout_p=drop)
        return self._after(x, found)

    def attended(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(what `forward` gives without dropout, the attention weights [N, heads, tokens, tokens]): each row, of the
        token that looks, sums to 1."""
        queries, keys, values = self._parts(x)
        weights = torch.softmax(queries @ keys.transpose(-2, -1) * queries.shape[-1] ** -0.5, -1)
        return self._after(x, weights @ values), weights

    def _parts(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Queries, keys and values, [N, heads, tokens, width / heads] each."""
        n, tokens, width = x.shape
        parts = self.queries_keys_values(self.before_attention(x)).view(n, tokens, 3, self.heads, width // self.heads)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        return queries, keys, values

    def _after(self, x: torch.Tensor, found: torch.Tensor) -> torch.Tensor:
        found = functional.dropout(self.joined(found.transpose(1, 2).flatten(2)), self.dropout, self.training)
        x = x + found
        added: torch.Tensor = self.perceptron(self.before_perceptron(x))
        return x + added


class VisionTransformer(nn.Module):
    """Of images [N, channels, height, width]; a rest at the right and at the bottom that fills no patch is padded."""

    def __init__(
        self, shape: tuple[int, ...], outputs: int, *, patch: int, depth: int, heads: int, width: int, dropout: float
    ) -> None:
        super().__init__()
        channels, height, side = shape
        self.patch = patch
        self.rows, self.columns = -(-height // patch), -(-side // patch)
        """Of patches; token 1 + row · columns + column is a patch, token 0 the class token."""
        self.patches = nn.Conv2d(channels, width, patch, patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.randn(1, 1 + self.rows * self.columns, width) * 0.02)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(depth))
        self.last = nn.LayerNorm(width)
        self.head = nn.Linear(width, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self._tokens(x)
        for block in self.blocks:
            tokens = block(tokens)
        found: torch.Tensor = self.head(self.last(tokens[:, 0]))
        return found

    @torch.no_grad()
    def attention_of(self, x: torch.Tensor) -> torch.Tensor:
        """The attention weights of these images, [layers, N, heads, tokens, tokens]: how much the token of a row looks
        at the token of a column; rows sum to 1. As in evaluation mode, whatever the mode is."""
        was = self.training
        self.eval()
        try:
            tokens, found = self._tokens(x), []
            for block in self.blocks:
                assert isinstance(block, Block)
                tokens, weights = block.attended(tokens)
                found.append(weights)
        finally:
            self.train(was)
        return torch.stack(found)

    def stages(self) -> list[nn.Module]:
        return [self.patches, *self.blocks, self.last, self.head]

    def _tokens(self, x: torch.Tensor) -> torch.Tensor:
        height, side = x.shape[-2:]
        x = functional.pad(x, (0, self.columns * self.patch - side, 0, self.rows * self.patch - height))
        patches = self.patches(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(len(x), -1, -1), patches], 1) + self.positions
        found: torch.Tensor = self.dropout(tokens)
        return found


def build(
    task: TaskInfo, patch: int = 4, depth: int = 4, heads: int = 4, width: int = 64, dropout: float = 0.0
) -> nn.Module:
    """`width`: of a token; has to be a multiple of `heads`, and is rounded up to one."""
    if len(task.input_shape) != 3:
        cure = f"the examples of {task.name} are no images: take transformer or mlp"
        raise InputError("a vit needs images", (Fault("model", "vit", cure),))
    if patch > min(task.input_shape[1:]):
        cure = f"the images have {task.input_shape[1]}×{task.input_shape[2]} pixels: take a smaller patch"
        raise InputError("a patch larger than the image", (Fault("patch", patch, cure),))
    width = -(-width // heads) * heads
    return VisionTransformer(
        task.input_shape, task.outputs, patch=patch, depth=depth, heads=heads, width=width, dropout=dropout
    )
