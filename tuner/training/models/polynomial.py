"""A polynomial of each input: linear in Legendre's polynomials up to a degree, which is its capacity.

Legendre's are orthogonal on [−1, 1], so a gradient step does not have to untangle x⁸ from x¹⁰ as it would with plain
powers; the functions that they span are the same. Inputs beyond [−1, 1] are the task's to scale.
"""

from __future__ import annotations

import torch
from torch import nn

from tuner.errors import Fault, InputError
from tuner.training.task_info import TaskInfo


class Legendre(nn.Module):
    """[N, features] -> [N, features · degree]: P₁(x) … P_degree(x), by Bonnet's recursion
    (n + 1) P_{n+1} = (2n + 1) x P_n − n P_{n−1}."""

    def __init__(self, degree: int) -> None:
        super().__init__()
        self.degree = degree

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        before, now = torch.ones_like(x), x
        found = [now]
        for n in range(1, self.degree):
            before, now = now, ((2 * n + 1) * x * now - n * before) / (n + 1)
            found.append(now)
        return torch.cat(found[: self.degree], 1)


def build(task: TaskInfo, degree: int = 3) -> nn.Module:
    if len(task.input_shape) != 1:
        cure = f"the examples of {task.name} are no rows of numbers: take mlp or cnn"
        raise InputError("a polynomial needs numbers", (Fault("model", "polynomial", cure),))
    return nn.Sequential(Legendre(degree), nn.Linear(task.input_shape[0] * degree, task.outputs))
