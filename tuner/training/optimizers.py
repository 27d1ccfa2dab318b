"""Any optimizer of torch by its name: resolved, not wrapped."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import torch

from tuner.errors import Fault, InputError
from tuner.training.catalogue import CATALOGUE
from tuner.training.locate import locate

FUSED_ON = ("cpu", "cuda")
LR_FACTOR = "lr_factor"
"""Key of a group of weights whose learning rate is a multiple of the schedule's."""
PAIRS = ("betas", "etas", "step_sizes", "eps")
"""Torch's parameters that hold two numbers; a space names them apart (`beta1`, `beta2`)."""


def build_optimizer(
    name: str,
    weights: Iterable[torch.nn.Parameter],
    *,
    lr: float,
    weight_decay: float | None = None,
    arguments: Mapping[str, Any] = {},
    body: Iterable[torch.nn.Parameter] = (),
    body_lr: float = 1.0,
) -> torch.optim.Optimizer:
    """`weight_decay` None leaves torch's own default (0.01 for adamw, 0 for the others).

    `body`: those of the weights that learn at body_lr · lr: a group of their own, with that factor as its `LR_FACTOR`,
    by which the schedule multiplies. Raises InputError where the optimizer knows no groups.
    """
    kind = locate(CATALOGUE.family("optimizer")[name].where)
    signature = inspect.signature(kind).parameters
    given = _pairs(signature, dict(arguments))
    if given.get("nesterov") and not given.get("momentum"):
        given["nesterov"] = False  # torch refuses it; without momentum the two are the same
    weights = list(weights)
    if weight_decay is not None and "weight_decay" in signature:
        given["weight_decay"] = weight_decay
    if "fused" in signature and all(w.device.type in FUSED_ON and w.is_floating_point() for w in weights):
        given["fused"] = True
    apart = {id(weight) for weight in body}
    groups: list[dict[str, Any]] = [{"params": weights}]
    if apart and body_lr != 1.0:
        if name == "lbfgs":
            cure = "lbfgs moves all weights by one step: leave body_lr out, or take another optimizer"
            raise InputError("no learning rate of its own here", (Fault("body_lr", body_lr, cure),))
        groups = [
            {"params": [weight for weight in weights if id(weight) not in apart], LR_FACTOR: 1.0},
            {"params": [weight for weight in weights if id(weight) in apart], LR_FACTOR: body_lr},
        ]
    made: torch.optim.Optimizer = kind(groups, lr=lr, **given)
    return made


def _pairs(signature: Mapping[str, inspect.Parameter], given: dict[str, Any]) -> dict[str, Any]:
    for pair in PAIRS:
        if pair in signature and isinstance(signature[pair].default, tuple):
            stem = pair if pair == "eps" else pair.removesuffix("s")
            names = [f"{stem}{i}" for i in range(1, len(signature[pair].default) + 1)]
            if any(name in given for name in names):
                given[pair] = tuple(given.pop(n, d) for n, d in zip(names, signature[pair].default, strict=True))
    return given
