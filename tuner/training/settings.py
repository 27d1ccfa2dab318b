"""Sorts one trial's values by who takes them: the trainer, the parts it names, the model's builder. Torch-free.

Values, never globals: whoever trains several trials at once keeps one `Settings` for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tuner.errors import Fault, InputError
from tuner.space import arguments, did_you_mean
from tuner.training.catalogue import CATALOGUE

PARTS = ("optimizer", "schedule", "loss")
"""What the trainer builds by name, with parameters of its own."""


@dataclass(frozen=True, slots=True)
class Part:
    """A named component and the parameters set for it, by short name."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the trainer claims of one trial, every value set, and the model with what goes to its builder."""

    model: str
    builder_arguments: Mapping[str, Any]
    """Everything that the trainer does not claim; the builder takes of the shared ones what it knows."""
    own_arguments: frozenset[str]
    """Names given inside the model's own branch, which the builder has to take."""
    optimizer: Part
    schedule: Part
    loss: Part | None
    """None: the task's own."""
    lr: float
    batch_size: int
    weight_decay: float | None
    warmup: float
    gradient_clip: float
    label_smoothing: float
    mixup: float
    hardest: float
    l1: float
    patience: int | None
    augmentation: tuple[str, ...]
    augmentation_strength: float
    standardise: bool | None
    """None: as the task has it."""
    targets: str
    initialisation: str
    amp: str
    compile: bool
    channels_last: bool | None
    """None: where it pays."""
    weights: str | None
    """Where the weights come from that the network starts with; None: drawn."""
    new_head: bool
    frozen: str
    body_lr: float


def read_settings(values: Mapping[str, Any], model: str | None = None) -> Settings:
    """`values`: a trial's configuration over the fixed ones, by recorded name. `model`: the sweep's, if it names one.

    A parameter of the trainer may be nested (`optimizer.sgd.lr`): in its branch it holds, before one at the top.
    Raises InputError for a value that only the whole configuration shows to be wrong.
    """
    claimed: dict[str, Any] = {spec.name: spec.default for spec in CATALOGUE.trainer}
    top = {name: value for name, value in values.items() if "." not in name and name != "model"}
    claimed |= {name: value for name, value in top.items() if name in claimed}
    shared = {name: value for name, value in top.items() if name not in claimed}
    own: dict[str, Any] = {}
    if "model" in values:
        model, own = arguments(values, "model")
    for name in shared:
        own_of_it = arguments(values, name)[1]  # what is nested in a choice of the builder's
        shared = {**own_of_it, **shared}
    claimed |= {name: value for name, value in own.items() if name in claimed}
    own = {name: value for name, value in own.items() if name not in claimed}
    if model is None:
        cure = f"name one: {', '.join(CATALOGUE.family('model'))}, or my_package.nets:build"
        raise InputError("the sweep has no model", (Fault("model", None, cure),))
    parts: dict[str, Part] = {}
    for family in PARTS:
        if claimed[family] is None:
            continue
        name = str(claimed[family])
        component = CATALOGUE.family(family).get(name)
        if component is None:
            cure = did_you_mean(name, CATALOGUE.family(family))
            raise InputError(f"no such {family}", (Fault(family, name, cure),))
        given = arguments(values, family)[1] if family in values else {}
        mine = {key: value for key, value in given.items() if component.parameter(key)}
        claimed |= {key: value for key, value in given.items() if key in claimed and key not in mine}
        parts[family] = Part(name, mine)
    return Settings(
        model=str(model),
        builder_arguments={**shared, **own},
        own_arguments=frozenset(own),
        optimizer=parts["optimizer"],
        schedule=parts["schedule"],
        loss=parts.get("loss"),
        lr=float(claimed["lr"]),
        batch_size=int(claimed["batch_size"]),
        weight_decay=None if claimed["weight_decay"] is None else float(claimed["weight_decay"]),
        warmup=float(claimed["warmup"]),
        gradient_clip=float(claimed["gradient_clip"] or 0.0),
        label_smoothing=float(claimed["label_smoothing"] or 0.0),
        mixup=float(claimed["mixup"] or 0.0),
        hardest=float(claimed["hardest"]),
        l1=float(claimed["l1"] or 0.0),
        patience=None if claimed["patience"] is None else int(claimed["patience"]),
        augmentation=_names(claimed["augmentation"]),
        augmentation_strength=float(claimed["augmentation_strength"]),
        standardise=None if claimed["standardise"] is None else bool(claimed["standardise"]),
        targets=str(claimed["targets"]),
        initialisation=str(claimed["initialisation"]),
        amp=str(claimed["amp"]),
        compile=bool(claimed["compile"]),
        channels_last=None if claimed["channels_last"] is None else bool(claimed["channels_last"]),
        weights=None if claimed["weights"] in (None, "none") else str(claimed["weights"]),
        new_head=bool(claimed["new_head"]),
        frozen=str(claimed["frozen"]),
        body_lr=float(claimed["body_lr"]),
    )


def _names(value: Any) -> tuple[str, ...]:
    """A list, or the one name that a choice in the space can hold; `none` for no augmentation."""
    names = (value,) if isinstance(value, str) else tuple(value or ())
    known = CATALOGUE.family("augmentation")
    faults = tuple(Fault("augmentation", n, did_you_mean(n, known)) for n in names if n not in known and n != "none")
    if faults:
        raise InputError("no such augmentation", faults)
    return tuple(name for name in names if name != "none")
