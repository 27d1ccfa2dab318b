"""The fused step of torch's SGD, Adam and AdamW, straight to the kernel: the same numbers, a third of the time.

At each step torch's optimizers gather their lists of weights and state anew, group them by device and type, and count
every weight's steps by itself: for a small network that is as long as its forward pass. Nothing of it changes between
two steps, so the lists are gathered once, after a first step that torch takes itself and in which it makes its state.
The state stays torch's own, in its own places, for checkpoints. Whatever is out of the ordinary (a weight without a
gradient, another optimizer, weights of several types) takes torch's way, at that step or always.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.optim import SGD, Adam, AdamW, Optimizer

from tuner.training.uncompiled import plain_step

Kernel = Callable[["Group", list[torch.Tensor]], None]


def direct_step(optimizer: Optimizer) -> Callable[[], object]:
    """`optimizer.step()` for one that takes no closure and no scaler."""
    plain = plain_step(optimizer)
    if type(optimizer) not in KERNELS or not all(_ordinary(group) for group in optimizer.param_groups):
        return plain
    return DirectStep(optimizer, plain)


@dataclass(slots=True)
class Group:
    """One of the optimizer's groups of weights, with the state of each, in torch's order."""

    options: dict[str, Any]
    weights: list[torch.Tensor]
    steps: list[torch.Tensor]
    """How many steps each weight has taken: parts of `counter`, so that one addition counts for all."""
    counter: torch.Tensor | None
    state: dict[str, list[torch.Tensor]]


class DirectStep:
    def __init__(self, optimizer: Optimizer, plain: Callable[[], object]) -> None:
        self._optimizer, self._plain = optimizer, plain
        self._kernel = KERNELS[type(optimizer)]
        self._groups: list[Group] | None = None
        mine = weakref.ref(self)  # the optimizer keeps its hooks: one that held this would keep both, and all weights

        def forget(_: Optimizer) -> None:
            step = mine()
            if step is not None:
                step._groups = None

        optimizer.register_load_state_dict_post_hook(forget)

    def __call__(self) -> None:
        if self._groups is None:
            self._plain()
            self._groups = self._gathered()
            return
        gradients: list[list[torch.Tensor]] = []
        for group in self._groups:
            of_group: list[torch.Tensor] = []
            for weight in group.weights:
                gradient = weight.grad
                if gradient is None:  # torch leaves such a weight alone, and does not count a step for it
                    self._plain()
                    return
                of_group.append(gradient)
            gradients.append(of_group)
        with torch.no_grad():
            for group, of_group in zip(self._groups, gradients, strict=True):
                self._kernel(group, of_group)

    def _gathered(self) -> list[Group] | None:
        """None as long as a weight has no state yet, since it had no gradient."""
        found = []
        for options in self._optimizer.param_groups:
            weights: list[torch.Tensor] = options["params"]
            names = _state_of(self._optimizer, options)
            states = [self._optimizer.state.get(weight, {}) for weight in weights]
            if any(not isinstance(state.get(name), torch.Tensor) for state in states for name in names):
                return None
            counter, steps = None, []
            if "step" in names:
                counter = torch.stack([state["step"] for state in states])
                steps = list(counter.unbind())
                for state, step in zip(states, steps, strict=True):
                    state["step"] = step
            kept = {name: [state[name] for state in states] for name in names if name != "step"}
            found.append(Group(options, weights, steps, counter, kept))
        return found


def _ordinary(options: dict[str, Any]) -> bool:
    weights = options["params"]
    return (
        bool(options.get("fused"))
        and not options.get("capturable")
        and not isinstance(options["lr"], torch.Tensor)
        and len({(weight.device, weight.dtype) for weight in weights}) == 1
    )


def _state_of(optimizer: Optimizer, options: dict[str, Any]) -> tuple[str, ...]:
    if isinstance(optimizer, SGD):
        return ("momentum_buffer",) if options["momentum"] else ()
    return ("step", "exp_avg", "exp_avg_sq") + (("max_exp_avg_sq",) if options["amsgrad"] else ())


def _adam(group: Group, gradients: list[torch.Tensor]) -> None:
    options = group.options
    assert group.counter is not None
    group.counter.add_(1)
    beta1, beta2 = options["betas"]
    kernel = torch._fused_adamw_ if options["decoupled_weight_decay"] else torch._fused_adam_
    kernel(
        group.weights,
        gradients,
        group.state["exp_avg"],
        group.state["exp_avg_sq"],
        group.state.get("max_exp_avg_sq", []),
        group.steps,
        lr=options["lr"],
        beta1=beta1,
        beta2=beta2,
        weight_decay=options["weight_decay"],
        eps=options["eps"],
        amsgrad=options["amsgrad"],
        maximize=options["maximize"],
        grad_scale=None,
        found_inf=None,
    )


def _sgd(group: Group, gradients: list[torch.Tensor]) -> None:
    options = group.options
    torch._fused_sgd_(
        group.weights,
        gradients,
        group.state.get("momentum_buffer", []),
        weight_decay=options["weight_decay"],
        momentum=options["momentum"],
        lr=options["lr"],
        dampening=options["dampening"],
        nesterov=options["nesterov"],
        maximize=options["maximize"],
        is_first_step=False,
        grad_scale=None,
        found_inf=None,
    )


KERNELS: dict[type[Optimizer], Kernel] = {SGD: _sgd, Adam: _adam, AdamW: _adam}
