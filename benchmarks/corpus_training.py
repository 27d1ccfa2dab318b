"""Train one recipe of the corpus, and record what a reader sees and what only the maker of the corpus knows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from corpus_families import FAMILIES, Data
from corpus_recipes import Recipe
from torch import nn
from torch.nn import functional


def loss_of(r: Recipe, data: Data) -> Any:
    if not data.classes:
        return lambda out, y: functional.mse_loss(out[:, 0], y)
    if r.loss == "brier":
        return lambda out, y: ((out.softmax(1) - functional.one_hot(y, out.shape[1])) ** 2).sum(1).mean()
    return functional.cross_entropy


def samples(r: Recipe, rng: np.random.Generator) -> tuple[Data, Data]:
    """Training, and a large held-out sample, of which `n_val` are the validation that is shown."""
    data = FAMILIES[r.family].data()
    if r.columns:
        shut = torch.ones(data.x.shape[1], dtype=torch.bool)
        shut[list(r.columns)] = False
        x = data.x.clone()
        x[:, shut] = 0
        data = Data(x, data.y)
    if r.noise_everywhere:
        data = _with_wrong_labels(data, r.label_noise, rng)
    rows = rng.permutation(len(data))
    held, rest = rows[:600], rows[600:]
    if r.validation == "shifted":  # training sees one side of the data alone
        order = rest[np.argsort(_side(data, rng)[rest])]
        rest = rng.permutation(order[: max(int(len(order) * r.shift), 100)])
    train = data.take(rest[: min(r.n_train, len(rest))])
    if r.label_noise and not r.noise_everywhere:
        train = _with_wrong_labels(train, r.label_noise, rng)
    if r.validation == "easy":
        held = _easiest(data.take(held), r)[:400]
        return train, data.take(rows[:600]).take(held)
    return train, data.take(held)


def _with_wrong_labels(data: Data, share: float, rng: np.random.Generator) -> Data:
    wrong = torch.as_tensor(rng.random(len(data)) < share)
    y = data.y.clone()
    y[wrong] = data.y[torch.as_tensor(rng.permutation(len(data)))][wrong]
    return Data(data.x, y)


def _side(data: Data, rng: np.random.Generator) -> np.ndarray:
    """Where each sample lies along a main direction of the data."""
    flat = data.x.reshape(len(data), -1).double()
    _, _, main = torch.linalg.svd((flat - flat.mean(0))[:1500], full_matrices=False)
    direction = main[0] + 0.3 * main[1] * float(rng.standard_normal())
    return ((flat - flat.mean(0)) @ direction).numpy()


def _easiest(held: Data, r: Recipe) -> np.ndarray:
    """The half of the sample that a network trained on it finds easiest."""
    torch.manual_seed(r.seed + 1)
    family = FAMILIES[r.family]
    net = family.build(held, family.width, family.depth, 0.0, "none", "relu")
    optimizer = torch.optim.Adam(net.parameters(), family.adam)
    loss = loss_of(r, held)
    for _ in range(60):
        optimizer.zero_grad()
        loss(net(held.x), held.y).backward()
        optimizer.step()
    with torch.no_grad():
        out = net(held.x)
        each = functional.cross_entropy(out, held.y, reduction="none") if held.classes else (out[:, 0] - held.y) ** 2
    order = np.argsort(each.numpy())
    return order[: len(order) // 2]


@dataclass
class Trace:
    """What a run measured, one value an epoch."""

    train: list[float]
    held_out: list[float]
    val: list[float]
    epoch_mean: list[float]
    steps: list[list[float]]
    initial: float
    reference: float


def train_run(r: Recipe) -> Trace:
    rng = np.random.default_rng(r.seed)
    torch.manual_seed(r.seed)
    train, held = samples(r, rng)
    shown = torch.arange(min(r.n_val, len(held)))
    net = FAMILIES[r.family].build(FAMILIES[r.family].data(), r.width, r.depth, r.dropout, r.norm, r.activation)
    _start(net, r)
    loss, optimizer = loss_of(r, train), make_optimizer(net, r, r.lr)
    schedule = make_schedule(optimizer, r)
    sample = train.take(rng.permutation(len(train))[:400])
    trace = Trace([], [], [], [], [], evaluate(net, loss, sample), reference_of(r, train))
    for epoch in range(1, r.epochs + 1):
        losses = one_epoch(net, loss, optimizer, train, r, rng)
        if schedule is not None:
            schedule.step()
        trace.steps.append(losses)
        trace.epoch_mean.append(float(np.mean(losses)))
        rows = torch.as_tensor(rng.choice(len(held), r.n_val, replace=False)) if r.validation == "resampled" else shown
        on_train, on_held, on_val = evaluate_all(net, loss, sample, held, rows)
        trace.train.append(on_train)
        trace.held_out.append(on_held)
        trace.val.append(on_val)
        if not math.isfinite(trace.epoch_mean[-1]) and epoch >= 8:
            break
    return trace


def _start(net: nn.Module, r: Recipe) -> None:
    last = [module for module in net.modules() if isinstance(module, nn.Linear)][-1]
    with torch.no_grad():
        last.weight.mul_(r.last_scale)
        if r.dead:
            for parameter in net.parameters():
                parameter.zero_()
        for module in net.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                module.momentum = r.stale


def make_optimizer(net: nn.Module, r: Recipe, lr: float) -> torch.optim.Optimizer:
    decay = {"weight_decay": r.weight_decay}
    match r.optimizer:
        case "sgd":
            return torch.optim.SGD(net.parameters(), lr, fused=True, **decay)
        case "momentum":
            return torch.optim.SGD(net.parameters(), lr, momentum=r.momentum, fused=True, **decay)
        case "nesterov":
            return torch.optim.SGD(net.parameters(), lr, momentum=r.momentum, nesterov=True, **decay)
        case "radam":
            return torch.optim.RAdam(net.parameters(), lr, **decay)
        case "rmsprop":
            return torch.optim.RMSprop(net.parameters(), lr, **decay)
        case "adam":
            return torch.optim.Adam(net.parameters(), lr, fused=True)
    return torch.optim.AdamW(net.parameters(), lr, weight_decay=10 * r.weight_decay, fused=True)


def make_schedule(optimizer: torch.optim.Optimizer, r: Recipe) -> Any:
    match r.schedule:
        case "cosine":
            return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, r.epochs)
        case "linear":
            return torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, r.epochs)
        case "exponential":
            return torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.05 ** (1 / r.epochs))
        case "warm_cosine":
            warm = torch.optim.lr_scheduler.LinearLR(optimizer, 0.2, 1.0, max(2, r.epochs // 12))
            rest = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, r.epochs - max(2, r.epochs // 12))
            return torch.optim.lr_scheduler.SequentialLR(optimizer, [warm, rest], [max(2, r.epochs // 12)])
        case "step":
            return torch.optim.lr_scheduler.MultiStepLR(optimizer, [int(r.epochs * 0.4), int(r.epochs * 0.7)], 0.2)
        case "late_step":
            return torch.optim.lr_scheduler.MultiStepLR(optimizer, [int(r.epochs * r.drop_at)], 0.03)
    return None


def one_epoch(
    net: nn.Module, loss: Any, optimizer: torch.optim.Optimizer, train: Data, r: Recipe, rng: np.random.Generator
) -> list[float]:
    net.train()
    order = torch.as_tensor(rng.permutation(len(train)))
    losses = []
    for at in range(0, len(order), r.batch):
        rows = order[at : at + r.batch]
        if len(rows) < 2:
            continue
        x = train.x[rows]
        if r.augment:
            x = x + r.augment * torch.randn_like(x)
        if r.brightness:
            x = (1 + r.brightness) * x + r.brightness
        optimizer.zero_grad()
        value = loss(net(x), train.y[rows])
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses


@torch.no_grad()
def evaluate(net: nn.Module, loss: Any, data: Data) -> float:
    net.eval()
    return float(loss(net(data.x), data.y))


@torch.no_grad()
def evaluate_all(
    net: nn.Module, loss: Any, sample: Data, held: Data, shown: torch.Tensor
) -> tuple[float, float, float]:
    """The losses on the training sample, the held-out sample and the shown part of it, in one pass."""
    net.eval()
    out = net(torch.cat([sample.x, held.x]))
    on_held = out[len(sample) :]
    parts = ((out[: len(sample)], sample.y), (on_held, held.y), (on_held[shown], held.y[shown]))
    on_train, on_all, on_shown = (float(loss(a, b)) for a, b in parts)
    return on_train, on_all, on_shown


def reference_of(r: Recipe, train: Data) -> float:
    """The best constant predictor's loss on the training sample."""
    if not train.classes:
        return float(train.y.var(unbiased=False))
    share = torch.bincount(train.y, minlength=train.classes).double() / len(train)
    if r.loss == "brier":
        return float(1 - (share**2).sum())
    return float(-(share[share > 0] * share[share > 0].log()).sum())
