"""A small transformer decoder over tokens: each step sees itself and the steps before it, never those after.

Blocks as in GPT-2 (Radford et al. 2019): normalisation before attention and before the two linear layers, learned
positions, GELU, weights from a normal distribution of deviation 0.02.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from tuner.errors import Fault, InputError
from tuner.training.models.sequences import answers_each_step, check_sequence
from tuner.training.task_info import TaskInfo

DEVIATION = 0.02


def build(task: TaskInfo, layers: int = 2, width: int = 64, heads: int = 4, dropout: float = 0.0) -> nn.Module:
    check_sequence(task, "transformer")
    if not task.vocabulary or not answers_each_step(task):
        cure = f"{task.name} has no token to predict at each step: take rnn or cnn1d"
        raise InputError("a transformer needs tokens", (Fault("model", "transformer", cure),))
    if width % heads:
        cure = f"width {width} cannot be divided among {heads} heads: take a width that is a multiple of them"
        raise InputError("heads of unequal width", (Fault("heads", heads, cure),))
    return Decoder(task, layers, width, heads, dropout)


class Decoder(nn.Module):
    """Tokens [N, steps], at most as many as in training -> logits [N, steps, outputs]."""

    def __init__(self, task: TaskInfo, layers: int, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.tokens = nn.Embedding(task.vocabulary, width)
        self.positions = nn.Embedding(task.input_shape[0], width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.Sequential(*(Block(width, heads, dropout) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, task.outputs)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=DEVIATION)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        places = torch.arange(x.shape[1], device=x.device)
        states = self.blocks(self.dropout(self.tokens(x) + self.positions(places)))
        found: torch.Tensor = self.head(self.norm(states))
        return found


class Block(nn.Module):
    """[N, steps, width] -> alike."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.share = heads, dropout
        self.before_attention, self.before_layers = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.mixed = nn.Linear(width, width)
        self.layers = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.dropout(self._attention(self.before_attention(x)))
        added: torch.Tensor = self.dropout(self.layers(self.before_layers(x)))
        return x + added

    def _attention(self, x: torch.Tensor) -> torch.Tensor:
        count, steps, width = x.shape
        parts = self.queries_keys_values(x).view(count, steps, 3, self.heads, width // self.heads)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        share = self.share if self.training else 0.0
        seen = functional.scaled_dot_product_attention(queries, keys, values, dropout_p=share, is_causal=True)
        mixed: torch.Tensor = self.mixed(seen.transpose(1, 2).reshape(count, steps, width))
        return mixed
