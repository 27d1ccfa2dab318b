"""The problem that every peer solves: the space, the data and the network of search_spaces/digits_mlp.yaml.

Written out here, so that a peer is what its users would write, and imports nothing of the tuner. The training itself
is the tuner's (tensors in memory, shuffled by index), so that the comparison is between ways to organise it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

MAX_EPOCHS, ETA, GRACE = 27, 3, 1


def suggest(trial) -> dict:
    """The space, by Optuna's define-by-run calls; both peers search it with Optuna's TPE."""
    config = {
        "lr": trial.suggest_float("lr", 1e-4, 1e-1, log=True),
        "batch_size": trial.suggest_categorical("batch_size", [32, 64, 128]),
        "depth": trial.suggest_int("depth", 1, 3),
        "width": trial.suggest_int("width", 32, 256, log=True),
        "dropout": trial.suggest_float("dropout", 0.0, 0.5),
        "weight_decay": trial.suggest_float("weight_decay", 1e-6, 1e-2, log=True),
        "optimizer": trial.suggest_categorical("optimizer", ["adamw", "sgd"]),
    }
    if config["optimizer"] == "sgd":
        config["momentum"] = trial.suggest_float("momentum", 0.0, 0.99)
        config["nesterov"] = trial.suggest_categorical("nesterov", [True, False])
    return config


def load() -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Training, validation and test as tensors: 60, 20 and 20 of 100, drawn with a fixed seed; standardised."""
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    pixels = torch.tensor(digits.data[order], dtype=torch.float32)
    labels = torch.tensor(digits.target[order])
    a, b = int(0.6 * len(labels)), int(0.8 * len(labels))
    pixels = (pixels - pixels[:a].mean()) / pixels[:a].std()
    return {
        "train": (pixels[:a], labels[:a]),
        "val": (pixels[a:b], labels[a:b]),
        "test": (pixels[b:], labels[b:]),
    }


def network(config: dict) -> nn.Module:
    layers: list[nn.Module] = []
    width = 64
    for _ in range(config["depth"]):
        layers += [nn.Linear(width, config["width"]), nn.ReLU(), nn.Dropout(config["dropout"])]
        width = config["width"]
    return nn.Sequential(*layers, nn.Linear(width, 10))


@torch.no_grad()
def evaluate(model: nn.Module, pixels: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    model.eval()
    outputs = model(pixels)
    loss = nn.functional.cross_entropy(outputs, labels).item()
    return loss, (outputs.argmax(1) == labels).float().mean().item()


def train(config: dict, data: dict, seed: int) -> Iterator[dict]:
    """Trains a network and yields each epoch's metrics; who iterates may stop whenever it likes."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    model = network(config)
    settings = {"lr": config["lr"], "weight_decay": config["weight_decay"]}
    if config["optimizer"] == "sgd":
        momentum = {"momentum": config["momentum"], "nesterov": config["nesterov"]}
        optimizer = torch.optim.SGD(model.parameters(), **momentum, **settings)
    else:
        optimizer = torch.optim.AdamW(model.parameters(), **settings)
    pixels, labels = data["train"]
    for epoch in range(1, MAX_EPOCHS + 1):
        model.train()
        total = 0.0
        for rows in torch.randperm(len(labels)).split(config["batch_size"]):
            loss = nn.functional.cross_entropy(model(pixels[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        train_eval_loss, train_accuracy = evaluate(model, pixels, labels)
        val_loss, val_accuracy = evaluate(model, *data["val"])
        yield {
            "epoch": epoch,
            "train_loss": total / len(labels),
            "train_eval_loss": train_eval_loss,
            "train_accuracy": train_accuracy,
            "val_loss": val_loss,
            "val_accuracy": val_accuracy,
        }
