"""A recurrent network: plain, LSTM or GRU cells, torch's own. It reads numbers or tokens, a step at a time.

One answer for a sequence comes from the last state; where each step has a target (kind `tokens`), from each state.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

from tuner.errors import Fault, InputError
from tuner.training.models.sequences import answers_each_step, check_sequence
from tuner.training.task_info import TaskInfo

CELLS: dict[str, Callable[..., nn.RNNBase]] = {
    "rnn": nn.RNN,
    "irnn": partial(nn.RNN, nonlinearity="relu"),
    "lstm": nn.LSTM,
    "gru": nn.GRU,
}


def build(
    task: TaskInfo,
    cell: str = "lstm",
    layers: int = 1,
    width: int = 64,
    dropout: float = 0.0,
    bidirectional: bool = False,
    gates: str = "short",
) -> nn.Module:
    check_sequence(task, "rnn")
    if bidirectional and answers_each_step(task):
        cure = "a step would see the token that it has to predict: set it to false"
        raise InputError("a network that looks ahead", (Fault("bidirectional", True, cure),))
    made = Recurrent(task, cell, layers, width, dropout, bidirectional=bidirectional)
    if cell == "irnn":
        _begin_as_identity(made.cells)
    elif gates == "long":
        _remember_long(made.cells, cell, task.input_shape[0])
    elif cell == "lstm":
        _keep_at_first(made.cells)
    return made


class Recurrent(nn.Module):
    """Inputs [N, steps, features] or tokens [N, steps]; outputs [N, outputs] or, of tokens, [N, steps, outputs]."""

    def __init__(
        self, task: TaskInfo, cell: str, layers: int, width: int, dropout: float, *, bidirectional: bool
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(task.vocabulary, width) if task.vocabulary else nn.Identity()
        self.cells = CELLS[cell](
            width if task.vocabulary else task.input_shape[1],
            width,
            layers,
            batch_first=True,
            dropout=dropout if layers > 1 else 0.0,  # torch has it between layers, and warns of a single one
            bidirectional=bidirectional,
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width * (2 if bidirectional else 1), task.outputs)
        self._each_step = answers_each_step(task)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states, _ = self.cells(self.embedding(x))
        if not self._each_step:
            states = self._last(states)
        found: torch.Tensor = self.head(self.dropout(states))
        return found

    def go_on(self, x: torch.Tensor, memory: Any = None) -> tuple[torch.Tensor, Any]:
        """Tokens [N, steps] after those that `memory` has seen -> (outputs of the last one [N, outputs], memory)."""
        states, memory = self.cells(self.embedding(x), memory)
        return self.head(self.dropout(states[:, -1])), memory

    def _last(self, states: torch.Tensor) -> torch.Tensor:
        """[N, features]: after the last step; of the way back, which ends there, after the first."""
        if not self.cells.bidirectional:
            return states[:, -1]
        width = self.cells.hidden_size
        return torch.cat([states[:, -1, :width], states[:, 0, width:]], dim=1)


def _keep_at_first(cells: nn.RNNBase) -> None:
    """The bias of forget gates starts at 1, or an LSTM halves what it holds at each step until it has learnt better
    (Gers et al. 2000; Jozefowicz et al. 2015). torch's order of gates: input, forget, cell, output."""
    width = cells.hidden_size
    with torch.no_grad():
        for name, bias in cells.named_parameters():
            if name.startswith("bias"):
                bias[width : 2 * width] = 1.0 if name.startswith("bias_ih") else 0.0  # torch adds the two


def _remember_long(cells: nn.RNNBase, cell: str, steps: int) -> None:
    """Gates begin so that features are held for 1 to `steps` steps, each for its own time: the bias of the gate that
    keeps is log(u), u uniform in [1, steps − 1], and that of an LSTM's input gate −log(u) (Tallec & Ollivier 2018)."""
    width, gates = cells.hidden_size, {"lstm": 4, "gru": 3}.get(cell, 0)
    with torch.no_grad():
        for name, bias in cells.named_parameters():
            if not name.startswith("bias") or not gates:
                continue
            keeps, held = bias[width : 2 * width], torch.empty(width).uniform_(1, max(steps - 1, 2)).log()
            if name.startswith("bias_hh"):  # torch adds the two
                bias[: 2 * width] = 0.0
            else:
                keeps.copy_(held)  # an LSTM's forget gate, a GRU's update gate: h' = (1 − z) n + z h
                bias[:width] = -held if cell == "lstm" else 0.0


def _begin_as_identity(cells: nn.RNNBase) -> None:
    """A state stays as it is while nothing comes in, and weights start small (Le, Jaitly & Hinton 2015). Its gradients
    neither vanish nor are they bounded: clip them."""
    with torch.no_grad():
        for name, weight in cells.named_parameters():
            if name.startswith("weight_hh"):
                nn.init.eye_(weight)
            elif name.startswith("bias"):
                nn.init.zeros_(weight)
