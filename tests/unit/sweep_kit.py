"""A small catalogue, a small sweep file, and the faults of a text: what the tests of the sweep reader share."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from tuner.errors import Fault, SweepFileError
from tuner.records.catalogue import Catalogue, Component, ParameterSpec
from tuner.sweep import Sweep, parse_sweep

DROPOUT = ParameterSpec("dropout", "float", low=0.0, high=1.0, open_high=True, default=0.0)
ACTIVATION = ParameterSpec("activation", "text", family="activation", default="relu")
DEPTH = ParameterSpec("depth", "int", low=1, default=2)
WIDTH = ParameterSpec("width", "int", low=1, default=64)

PARTS = (
    Component("digits", "task", "nowhere:digits"),
    Component("fashion_mnist", "task", "nowhere:fashion"),
    Component("softmax", "model", "nowhere:softmax"),
    Component("mlp", "model", "nowhere:mlp", (DEPTH, WIDTH, DROPOUT, ACTIVATION)),
    Component("cnn", "model", "nowhere:cnn", (ParameterSpec("blocks", "int", low=1, default=2), WIDTH, DROPOUT)),
    Component("adam", "optimizer", "nowhere:Adam", (ParameterSpec("beta1", "float", low=0.0, high=1.0, default=0.9),)),
    Component(
        "adamw", "optimizer", "nowhere:AdamW", (ParameterSpec("beta1", "float", low=0.0, high=1.0, default=0.9),)
    ),
    Component(
        "sgd",
        "optimizer",
        "nowhere:SGD",
        (
            ParameterSpec("momentum", "float", low=0.0, high=1.0, open_high=True, default=0.0),
            ParameterSpec("nesterov", "bool", default=False),
        ),
    ),
    Component("constant", "schedule", "nowhere:constant"),
    Component("cosine", "schedule", "nowhere:cosine"),
    Component("step", "schedule", "nowhere:step", (ParameterSpec("step_size", "int", low=1, required=True),)),
    Component("cross_entropy", "loss", "nowhere:cross_entropy"),
    Component(
        "huber", "loss", "nowhere:huber", (ParameterSpec("delta", "float", low=0.0, open_low=True, default=1.0),)
    ),
    Component("relu", "activation", "nowhere:relu"),
    Component("leaky_relu", "activation", "nowhere:leaky", (ParameterSpec("slope", "float", low=0.0, default=0.01),)),
    Component("flip", "augmentation", "nowhere:flip"),
    Component("rotate", "augmentation", "nowhere:rotate"),
)


def _families() -> dict[str, dict[str, Component]]:
    families: dict[str, dict[str, Component]] = {}
    for part in PARTS:
        families.setdefault(part.family, {})[part.name] = part
    return families


CATALOGUE = Catalogue(
    components=_families(),
    trainer=(
        ParameterSpec("lr", "float", low=0.0, open_low=True, default=1e-3),
        ParameterSpec("batch_size", "int", low=1, default=64),
        ParameterSpec("weight_decay", "float", low=0.0),
        ParameterSpec("optimizer", "text", family="optimizer", default="adamw"),
        ParameterSpec("schedule", "text", family="schedule", default="constant"),
        ParameterSpec("loss", "text", family="loss", default="cross_entropy"),
        ParameterSpec("augmentation", "list", family="augmentation", default=()),
        ParameterSpec("split", "list"),
        ParameterSpec("standardise", "bool", default=True),
        ParameterSpec("target_scale", "float", low=0.0, open_low=True, default=1.0, scales_loss=True),
        ParameterSpec("amp", "text", choices=("off", "bf16", "fp16"), default="off"),
    ),
)

DESIGN = """\
name: fashion-cnn
task: fashion_mnist                # a name from the catalogue
metric: val_loss
space:
  model:
    choice:
      mlp: {depth: {int: [1, 6]}, width: {int: [32, 512], log: true}}
      cnn: {blocks: {int: [1, 3]}, width: {choice: [16, 32, 64]}}
  lr: {float: [1e-5, 1], log: true, default: 1e-3}
  batch_size: {choice: [32, 64, 128, 256]}
  dropout: {float: [0, 0.6]}
  weight_decay: {float: [1e-6, 1e-2], log: true}
  optimizer:
    choice: [adamw, {sgd: {momentum: {float: [0, 0.99]}, nesterov: {choice: [true, false]}}}]
fixed: {schedule: cosine, augmentation: [flip], split: [0.8, 0.1, 0.1]}
search: {algorithm: tpe, scheduler: {asha: {grace: 1, eta: 3}}, trials: 64, max_epochs: 27, doomed: true}
stop: {hours: 2, target: {val_loss: 0.20}}
resources: {cpu: 1, gpu: 0.25}
seed: 7
"""

SMALL = """\
task: digits
model: mlp
space:
  lr: {float: [1e-4, 1], log: true}
"""


def read(text: str, **more: Any) -> Sweep:
    return parse_sweep(textwrap.dedent(text), path="sweep.yaml", catalogue=CATALOGUE, **more)


def with_space(space: str, *, rest: str = "") -> str:
    """A sweep file of the digits and the mlp with this space, whose first line is line 4; `rest` before it."""
    indented = textwrap.indent(textwrap.dedent(space).strip("\n"), "  ")
    return f"task: digits\nmodel: mlp\nspace:\n{indented}\n{rest}"


def faults_of(text: str, **more: Any) -> tuple[Fault, ...]:
    """All faults of a text; empty when it is read."""
    try:
        read(text, **more)
    except SweepFileError as error:
        return error.faults
    return ()


def only_fault(text: str, **more: Any) -> Fault:
    """The one fault of a text."""
    faults = faults_of(text, **more)
    assert len(faults) == 1, [str(fault) for fault in faults]
    return faults[0]


def lines(faults: tuple[Fault, ...]) -> Mapping[str, int | None]:
    """Where -> line."""
    return {fault.where: fault.line for fault in faults}
