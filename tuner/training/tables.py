"""Writes `torch_tables.py`: the names and parameters that torch has, read from its own signatures.

    python -m tuner.training.tables > torch_tables.new && mv torch_tables.new tuner/training/torch_tables.py

then `ruff format`. A sweep file is checked against that table without importing torch; a test computes it again and
compares, so that a new torch that changes a default or adds an optimizer is noticed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any

import torch

from tuner.records.catalogue import Component, ParameterSpec

CLAIMED = {"params", "lr", "weight_decay"}
"""Parameters that the trainer fills itself, by its own names."""
MECHANICAL = {"foreach", "fused", "maximize", "capturable", "differentiable"}
"""How a step is computed, not what it computes: the trainer chooses the fast way."""
LEFT_OUT = {"SparseAdam", "Muon"}
"""SparseAdam takes sparse gradients alone, Muon matrices alone: neither can train the biases of a network."""

BOUNDS: dict[str, dict[str, Any]] = {
    "momentum": {"low": 0.0, "high": 1.0, "open_high": True},
    "beta1": {"low": 0.0, "high": 1.0, "open_high": True},
    "beta2": {"low": 0.0, "high": 1.0, "open_high": True},
    "alpha": {"low": 0.0, "high": 1.0},
    "rho": {"low": 0.0, "high": 1.0},
    "dampening": {"low": 0.0, "high": 1.0},
    "eta1": {"low": 0.0, "high": 1.0, "open_low": True, "open_high": True},
    "eta2": {"low": 1.0, "open_low": True},
    "beta2_decay": {"high": 0.0},
    "d": {"low": 1.0},
    "gamma": {"low": 0.0, "high": 1.0, "open_low": True},
    "factor": {"low": 0.0, "high": 1.0, "open_high": True},
    "pct_start": {"low": 0.0, "high": 1.0, "open_low": True, "open_high": True},
    "div_factor": {"low": 1.0},
    "final_div_factor": {"low": 1.0},
    "step_size": {"low": 1},
    "max_iter": {"low": 1},
    "max_eval": {"low": 1},
    "history_size": {"low": 1},
}
"""What torch's constructors, or the mathematics, refuse beyond; every other number is at least 0."""

CHOICES: dict[str, tuple[str, ...]] = {
    "anneal_strategy": ("cos", "linear"),
    "threshold_mode": ("rel", "abs"),
    "line_search_fn": ("strong_wolfe",),
}

SCHEDULES: dict[str, tuple[str, frozenset[str]]] = {
    "step": ("StepLR", frozenset()),
    "exponential": ("ExponentialLR", frozenset()),
    "cosine": ("CosineAnnealingLR", frozenset({"T_max"})),
    "polynomial": ("PolynomialLR", frozenset({"total_iters"})),
    "one_cycle": (
        "OneCycleLR",
        frozenset({"max_lr", "total_steps", "epochs", "steps_per_epoch", "three_phase"})
        | frozenset({"cycle_momentum", "base_momentum", "max_momentum"}),  # momentum stays what the space says
    ),
    "plateau": ("ReduceLROnPlateau", frozenset({"mode"})),
}
"""Name here -> torch's class and the parameters that the trainer fills: the horizon is always `max_epochs`."""

SAYS: dict[str, str] = {
    "lbfgs": "L-BFGS: meant for a batch_size as large as the training set",
    "step": "lr × gamma every step_size epochs",
    "exponential": "lr × gamma every epoch",
    "cosine": "half a cosine from lr to eta_min over max_epochs",
    "polynomial": "lr × (1 − epoch / max_epochs) ^ power",
    "one_cycle": "up to lr, then down to almost nothing, over all steps of max_epochs",
    "plateau": "lr × factor when val_loss has not improved for `patience` epochs",
}


def optimizers() -> tuple[Component, ...]:
    """Every optimizer of torch.optim that can train any network, by its name in lower case."""
    found = sorted(
        (name.lower(), name, kind)
        for name, kind in vars(torch.optim).items()
        if inspect.isclass(kind) and issubclass(kind, torch.optim.Optimizer) and kind is not torch.optim.Optimizer
    )
    return tuple(
        _component(short, "optimizer", f"torch.optim:{name}", kind, CLAIMED | MECHANICAL)
        for short, name, kind in found
        if name not in LEFT_OUT
    )


def schedules() -> tuple[Component, ...]:
    """The schedules that are torch's own."""
    return tuple(
        _component(
            name,
            "schedule",
            f"torch.optim.lr_scheduler:{kind}",
            getattr(torch.optim.lr_scheduler, kind),
            filled | {"optimizer", "last_epoch"},
        )
        for name, (kind, filled) in SCHEDULES.items()
    )


def _component(name: str, family: str, where: str, kind: Callable[..., Any], skip: Iterable[str]) -> Component:
    specs: list[ParameterSpec] = []
    for parameter in inspect.signature(kind).parameters.values():
        if parameter.name not in skip:
            specs += _specs(parameter)
    says = SAYS.get(name, "")
    return Component(name, family, where, tuple(specs), says)


def _specs(parameter: inspect.Parameter) -> list[ParameterSpec]:
    """A pair (`betas`) becomes two numbers (`beta1`, `beta2`), since a space is made of numbers."""
    default = parameter.default
    if isinstance(default, tuple):
        stem = parameter.name if parameter.name == "eps" else parameter.name.removesuffix("s")
        return [_spec(f"{stem}{i}", value, "float", required=False) for i, value in enumerate(default, 1)]
    required = default is inspect.Parameter.empty
    return [_spec(parameter.name, None if required else default, _kind(parameter), required)]


def _kind(parameter: inspect.Parameter) -> str:
    if parameter.name in CHOICES:
        return "text"
    if isinstance(parameter.default, bool):
        return "bool"
    annotation = str(parameter.annotation)
    return "int" if "int" in annotation and "float" not in annotation else "float"


def _spec(name: str, default: Any, kind: str, required: bool) -> ParameterSpec:
    bounds = {} if kind in ("bool", "text") else BOUNDS.get(name, {"low": 0 if kind == "int" else 0.0})
    if kind == "float" and default is not None:
        default = float(default)
    choices = CHOICES.get(name, ())
    return ParameterSpec(name, kind, **bounds, choices=choices, default=default, required=required)


def _render(component: Component) -> str:
    specs = "".join(f"{_render_spec(spec)}," for spec in component.parameters)
    says = f", {component.says!r}" if component.says else ""
    return f"    Component({component.name!r}, {component.family!r}, {component.where!r}, ({specs}){says}),\n"


def _render_spec(spec: ParameterSpec) -> str:
    plain = ParameterSpec(spec.name, spec.kind)
    rest = "".join(
        f", {item.name}={getattr(spec, item.name)!r}"
        for item in fields(ParameterSpec)
        if repr(getattr(spec, item.name)) != repr(getattr(plain, item.name))
    )
    return f"ParameterSpec({spec.name!r}, {spec.kind!r}{rest})"


def source() -> str:
    """The text of `torch_tables.py`."""
    return (
        f'"""What torch {torch.__version__.split("+")[0]} has, by name: '
        'generated by `python -m tuner.training.tables`, not edited."""\n\n'
        "from tuner.records.catalogue import Component, ParameterSpec\n\n"
        f"OPTIMIZERS: tuple[Component, ...] = (\n{''.join(map(_render, optimizers()))})\n\n"
        f"SCHEDULES: tuple[Component, ...] = (\n{''.join(map(_render, schedules()))})\n"
    )


if __name__ == "__main__":
    print(source(), end="")
