"""Optimizers without torch's compiler.

Torch's optimizers import the compiler (torch._dynamo: 1.2 s and 150 MB in each worker) when first built and again at
each step, only to tell it to leave them alone. A worker that compiles nothing is spared that: the steps are torch's
own functions, without that wrapping. Where torch has no such wrapping, nothing is changed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable

import torch
from torch.optim import Optimizer

KEPT_FROM_COMPILER = ("state_dict", "load_state_dict", "zero_grad", "add_param_group")
CACHE = "__dynamo_disable"
"""Where torch's `_disable_dynamo` looks for a function that it has seen to before."""


def spare_compiler() -> None:
    """Before the first optimizer of a process is built: the four methods are run as they are."""
    for name in KEPT_FROM_COMPILER:
        method = getattr(getattr(Optimizer, name), "__wrapped__", None)
        if method is not None and getattr(method, CACHE, None) is None:
            setattr(method, CACHE, method)


def plain_step(optimizer: Optimizer) -> Callable[[], object]:
    """`optimizer.step` without its wrapping, for optimizers that take no closure."""
    step = inspect.unwrap(type(optimizer).step)
    optimizer._opt_called = True  # type: ignore[attr-defined]  # or torch's schedules warn that no step was taken

    def plain() -> None:
        with torch.no_grad():
            step(optimizer)

    return plain
