"""Weights that a network starts from: those of another training, as far as names and shapes agree.

Names may differ by what stands before them: an encoder that was a part (`encoder.0.weight`) fits one that is the
whole network (`0.weight`), and the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tuner.errors import Fault, InputError
from tuner.training.settings import Settings
from tuner.training.stages import stages_of
from tuner.training.weights import read_weights
from tuner.training.weights_source import PRETRAINED, find_weights

NESTED = ("model", "state_dict", "model_state_dict")
"""Where files that hold more than weights keep them: ours, Lightning's, and what many scripts write."""


@dataclass(frozen=True, slots=True)
class Started:
    """What was loaded."""

    loaded: tuple[str, ...]
    """Names here."""
    new: tuple[str, ...]
    """Names here that stay as they were drawn."""
    unused: tuple[str, ...]
    """Names in the file."""
    share: float
    """Of the network's numbers, those that were loaded."""

    def __str__(self) -> str:
        told = (
            f"{len(self.loaded)} of {len(self.loaded) + len(self.new)} tensors loaded, {self.share:.1%} of all weights"
        )
        told += f"; new: {_some(self.new)}" if self.new else ""
        return told + (f"; not used: {_some(self.unused)}" if self.unused else "")


def start_trainer(model: nn.Module, settings: Settings, folder: str, runs: Path) -> str:
    """Give `model` the weights that the settings name; what was loaded, in words, or nothing where they name none.

    Raises InputError for what is not there or does not fit.
    """
    where = settings.weights
    if where is None:
        return ""
    source = "torchvision" if where == PRETRAINED else str(find_weights(where, folder, runs))
    state = pretrained_state(model) if where == PRETRAINED else read_state(Path(source))
    return f"weights from {source}: {start_from(model, state, where, new_head=settings.new_head)}"


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file by name: safetensors, or what `torch.save` wrote. Nothing but tensors, numbers and text is
    unpickled. Raises InputError."""
    if path.suffix == ".safetensors":
        found: Any = read_weights(path)
    else:
        try:
            found = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # of bytes that are no checkpoint, torch's reader may make anything
            first = (str(error).splitlines() or [""])[0]
            cure = f"cannot be read as weights alone ({type(error).__name__}: {first}): save model.state_dict()"
            raise InputError("weights that cannot be read", (Fault(str(path), None, cure),)) from error
    inside = next(
        (found[key] for key in NESTED if isinstance(found, Mapping) and isinstance(found.get(key), Mapping)), found
    )
    if isinstance(inside, Mapping):
        state = {str(name): value for name, value in inside.items() if isinstance(value, torch.Tensor)}
        if state:
            return state
    cure = "holds no tensors by name: save model.state_dict()"
    raise InputError("weights that cannot be read", (Fault(str(path), None, cure),))


def pretrained_state(model: nn.Module) -> dict[str, torch.Tensor]:
    """torchvision's best weights for this architecture, downloaded once. Raises InputError for another network, and
    where nothing can be downloaded."""
    name = getattr(model, "torchvision_name", None)
    if name is None:
        cure = "only the model `backbone` has weights to download: name a file or a run"
        raise InputError("weights that are not there", (Fault("weights", "pretrained", cure),))
    from torchvision.models import get_model_weights  # seconds, and only here

    try:
        return dict(get_model_weights(name).DEFAULT.get_state_dict(progress=False, check_hash=True))
    except (OSError, RuntimeError) as error:  # what urllib and torch.hub raise without a network
        cure = f"could not be downloaded ({error}): fetch the file elsewhere and name its path"
        raise InputError("weights that are not there", (Fault("weights", "pretrained", cure),)) from error


def start_from(model: nn.Module, state: Mapping[str, torch.Tensor], where: str, *, new_head: bool = False) -> Started:
    """Copy into `model` what fits. `new_head`: its last stage stays as it was drawn.

    Raises InputError where not one weight fits.
    """
    here = dict(model.state_dict())
    if new_head:
        last = {id(weight) for module in stages_of(model)[-1] for weight in module.state_dict(keep_vars=True).values()}
        kept = model.state_dict(keep_vars=True)
        wanted = {name: tensor for name, tensor in here.items() if id(kept[name]) not in last}
    else:
        wanted = here
    pairs = _matched(
        {name: tuple(t.shape) for name, t in state.items()}, {n: tuple(t.shape) for n, t in wanted.items()}
    )
    if not any(here[name].ndim for name in pairs):
        cure = (
            f"no weight fits by name and shape: there {_shapes(state)}; here {_shapes(wanted)}; the model's parameters "
            "have to be those that the weights were trained with"
        )
        raise InputError("weights of another network", (Fault("weights", where, cure),))
    with torch.no_grad():
        for name, source in pairs.items():
            here[name].copy_(state[source])
    used = set(pairs.values())
    return Started(
        tuple(pairs),
        tuple(name for name in here if name not in pairs),
        tuple(name for name in state if name not in used),
        sum(here[name].numel() for name in pairs) / sum(tensor.numel() for tensor in here.values()),
    )


def _matched(there: Mapping[str, tuple[int, ...]], here: Mapping[str, tuple[int, ...]]) -> dict[str, str]:
    """Name here -> name there, under the two prefixes that make most numbers fit; the shorter ones where equal. A layer
    is loaded whole or not at all: a bias says nothing without its weights."""
    best: tuple[int, int] = (-1, 0)
    found: dict[str, str] = {}
    for mine in _prefixes(here):
        for theirs in _prefixes(there):
            pairs = {
                name: theirs + name[len(mine) :]
                for name, shape in here.items()
                if name.startswith(mine) and there.get(theirs + name[len(mine) :]) == shape
            }
            whole = {_layer(name) for name in pairs} - {_layer(name) for name in here if name not in pairs}
            pairs = {name: source for name, source in pairs.items() if _layer(name) in whole}
            numbers = sum(torch.Size(here[name]).numel() for name in pairs)
            if (numbers, -len(mine) - len(theirs)) > best:
                best, found = (numbers, -len(mine) - len(theirs)), pairs
    return found


def _layer(name: str) -> str:
    return name.rpartition(".")[0]


def _prefixes(names: Iterable[str]) -> list[str]:
    """Empty, and of one and two parts: `encoder.`, `model.encoder.`."""
    parts = [name.split(".") for name in names]
    return sorted({"", *(".".join(p[:n]) + "." for p in parts for n in (1, 2) if len(p) > n)}, key=len)


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _shapes(state: Mapping[str, torch.Tensor]) -> str:
    told = [f"{name} {list(tensor.shape)}" for name, tensor in state.items() if tensor.ndim > 1]
    return ", ".join(told[:3]) + (", ..." if len(told) > 3 else "")
