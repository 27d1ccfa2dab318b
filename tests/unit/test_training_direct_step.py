"""The direct step is torch's own, bit for bit: weights, state and what a checkpoint holds."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from tuner.training.direct_step import DirectStep, direct_step

CASES: list[tuple[type[Optimizer], dict[str, Any]]] = [
    (AdamW, {}),
    (AdamW, {"amsgrad": True, "weight_decay": 0.3, "betas": (0.8, 0.95), "eps": 1e-4}),
    (Adam, {"weight_decay": 0.1}),
    (Adam, {"amsgrad": True, "maximize": True}),
    (Adam, {"decoupled_weight_decay": True, "weight_decay": 0.1}),
    (SGD, {}),
    (SGD, {"momentum": 0.9, "weight_decay": 0.1}),
    (SGD, {"momentum": 0.9, "nesterov": True}),
    (SGD, {"momentum": 0.9, "dampening": 0.5, "maximize": True}),
]


def net() -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 37), nn.Tanh(), nn.Linear(37, 3)
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def made(kind: type[Optimizer], options: dict[str, Any], model: nn.Module) -> Optimizer:
    groups = [{"params": list(model[0].parameters()), "lr": 0.003}, {"params": list(model[3:].parameters())}]  # type: ignore[index]
    return kind(groups, lr=0.01, fused=True, **options)  # type: ignore[call-arg]


def descend(model: nn.Module, step: Callable[[], object], seed: int, *, frozen: bool = False) -> None:
    generator = torch.Generator().manual_seed(seed)
    model.zero_grad()
    model(torch.randn(5, 1, 8, 8, generator=generator)).pow(2).sum().backward()
    if frozen:
        next(model.parameters()).grad = None
    step()


def state(model: nn.Module, optimizer: Optimizer) -> bytes:
    buffer = io.BytesIO()
    found = [value.contiguous() for value in model.state_dict().values()]
    for of_weight in optimizer.state_dict()["state"].values():
        found += [of_weight[name].clone() for name in sorted(of_weight)]
    torch.save([tensor.clone() for tensor in found], buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(("kind", "options"), CASES, ids=str)
def test_every_step_is_torchs_own(kind: type[Optimizer], options: dict[str, Any]) -> None:
    one, two = net(), net()
    torchs, ours = made(kind, options, one), made(kind, options, two)
    step = direct_step(ours)
    assert isinstance(step, DirectStep)
    for seed in range(6):
        if seed == 3:  # as a schedule does
            torchs.param_groups[1]["lr"] = ours.param_groups[1]["lr"] = 0.02
        descend(one, torchs.step, seed, frozen=seed == 4)
        descend(two, step, seed, frozen=seed == 4)
        assert state(one, torchs) == state(two, ours)


@pytest.mark.parametrize(("kind", "options"), CASES, ids=str)
def test_a_restored_optimizer_goes_on_where_it_was(kind: type[Optimizer], options: dict[str, Any]) -> None:
    one, two = net(), net()
    first, second = made(kind, options, one), made(kind, options, two)
    step, other = direct_step(first), direct_step(second)
    for seed in range(3):
        descend(one, step, seed)
        descend(two, other, seed + 100)  # it has state of its own, which must be forgotten
    buffer = io.BytesIO()
    torch.save({"model": one.state_dict(), "optimizer": first.state_dict()}, buffer)
    buffer.seek(0)
    saved = torch.load(buffer, weights_only=True)
    two.load_state_dict(saved["model"])
    second.load_state_dict(saved["optimizer"])
    for seed in range(3, 6):
        descend(one, step, seed)
        descend(two, other, seed)
    assert state(one, first) == state(two, second)


def test_a_weight_that_gets_its_first_gradient_late_is_stepped_as_torch_does() -> None:
    one, two = net(), net()
    torchs, ours = made(AdamW, {}, one), made(AdamW, {}, two)
    step = direct_step(ours)
    for seed in range(5):
        descend(one, torchs.step, seed, frozen=seed < 2)
        descend(two, step, seed, frozen=seed < 2)
        assert state(one, torchs) == state(two, ours)


def test_what_is_out_of_the_ordinary_takes_torchs_way() -> None:
    weights = list(net().parameters())
    assert not isinstance(direct_step(RMSprop(weights)), DirectStep)
    assert not isinstance(direct_step(SGD(weights, fused=False)), DirectStep)
    assert not isinstance(direct_step(AdamW(weights, lr=torch.tensor(0.1), fused=True)), DirectStep)
    mixed = [weights[0], nn.Parameter(torch.zeros(3, dtype=torch.float64))]
    assert not isinstance(direct_step(SGD(mixed, fused=True)), DirectStep)
