"""A network as stages from its inputs to its head: what is frozen, and what learns at a rate of its own.

A model may say them itself: `stages()` gives its modules in order, the head last. Else they are its direct children
that have weights; a normalisation belongs to the layer before it.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from tuner.errors import Fault, InputError

FROZEN = ("none", "partly", "all")


def stages_of(model: nn.Module) -> list[list[nn.Module]]:
    """The modules of each stage, the head last. Raises InputError for a model that has only one."""
    own = getattr(model, "stages", None)
    found: list[list[nn.Module]] = []
    for child in own() if callable(own) else model.children():
        weights = list(child.parameters())
        if not weights:
            continue
        if found and all(weight.ndim < 2 for weight in weights):
            found[-1].append(child)
        else:
            found.append([child])
    if len(found) < 2:
        cure = "this network has no stages: give it a method stages() -> its modules in order, the head last"
        raise InputError("a network without stages", (Fault("model", type(model).__name__, cure),))
    return found


@dataclass(frozen=True, slots=True)
class Body:
    """All of a network but its head, as a trial trains it."""

    frozen: tuple[nn.Module, ...] = ()
    """In evaluation mode throughout: batch normalisation keeps the statistics that it came with."""
    weights: tuple[nn.Parameter, ...] = ()
    """Those that are trained, where they have a learning rate of their own."""


def part(model: nn.Module, frozen: str, *, own_rate: bool) -> Body:
    """Freeze `all` of the body, or all but its last stage (`partly`): these weights get no gradients. `own_rate`: name
    those that learn."""
    if frozen == "none" and not own_rate:
        return Body()
    stages = stages_of(model)
    still = stages[: {"none": 0, "partly": -2, "all": -1}[frozen]]
    learning = {id(weight) for stage in stages[len(still) :] for module in stage for weight in module.parameters()}
    if frozen != "none":
        for weight in model.parameters():  # those too that stand in no stage, such as a transformer's positions
            weight.requires_grad_(id(weight) in learning)
    head = {id(weight) for module in stages[-1] for weight in module.parameters()}
    body = [weight for weight in model.parameters() if weight.requires_grad and id(weight) not in head]
    return Body(tuple(module for stage in still for module in stage), tuple(body) if own_rate else ())
