"""What components there are, torch-free: names, parameters and their ranges, handed to the sweep reader.

The tables themselves stand in `training/catalogue.py`; the reader checks a sweep file against them without importing
torch. A component is built from `where` only when a trial needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tuner.records.values import Scalar


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """A parameter that a component takes, by its short name."""

    name: str
    kind: str
    """`float`, `int`, `bool`, `text`, `list` or `any`."""
    low: float | None = None
    """Smallest allowed value, inclusive unless `open_low`."""
    high: float | None = None
    open_low: bool = False
    open_high: bool = False
    choices: tuple[Scalar, ...] = ()
    """For `text`: the words allowed; empty for any."""
    family: str | None = None
    """For `text` and `list`: the values name components of this family (`optimizer`, `activation`, ...)."""
    default: object = None
    required: bool = False
    scales_loss: bool = False
    """It changes what the loss measures (the targets' scale): while it is searched, a loss is no metric."""
    says: str = ""
    """One line for the reference page: meaning and unit."""


@dataclass(frozen=True, slots=True)
class Component:
    """A named part: a task, a model, an optimizer, a schedule, ..."""

    name: str
    family: str
    where: str
    """`module:attribute` where it is built."""
    parameters: tuple[ParameterSpec, ...] = ()
    says: str = ""
    kinds: tuple[str, ...] = ()
    """For a task: what its targets are, one word (`training.kinds`). For a loss: the kinds that it fits; empty: all."""
    reports: tuple[str, ...] = ()
    """For a task: every metric that its trials report."""

    def parameter(self, name: str) -> ParameterSpec | None:
        return next((spec for spec in self.parameters if spec.name == name), None)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All components by family and name, and the parameters that the trainer itself claims."""

    components: Mapping[str, Mapping[str, Component]] = field(default_factory=dict)
    """Family (`task`, `model`, `optimizer`, `schedule`, `loss`, `activation`, `normalisation`, `augmentation`,
    `initialisation`) -> name -> component."""
    trainer: tuple[ParameterSpec, ...] = ()
    """lr, batch_size, weight_decay, optimizer, schedule, ...: everything else goes to the model's builder."""

    def family(self, name: str) -> Mapping[str, Component]:
        return self.components.get(name, {})

    def trainer_parameter(self, name: str) -> ParameterSpec | None:
        return next((spec for spec in self.trainer if spec.name == name), None)
