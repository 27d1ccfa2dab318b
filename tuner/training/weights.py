"""A network's weights as one safetensors file: no code in it, read by many tools, small enough to send.

Memory that several names share (tied weights) is stored once, under its first name; the file's header says which other
names it has, as safetensors' own `save_model` does. What is no plain tensor (a module's extra state, a sparse tensor)
goes in as the bytes of `torch.save`, which `weights_only=True` reads.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from tuner.errors import Fault, InputError

OURS = "tuner."
"""How the header's keys begin that are no names of weights."""
OTHERS = f"{OURS}others"
"""Name of the tensor that holds all that is no plain tensor."""
_FORMAT = "format"
"""A key that readers of safetensors know."""
_PLAIN = frozenset(
    {torch.float64, torch.float32, torch.float16, torch.bfloat16}
    | {torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool}
)


def write_weights(path: Path, state: Mapping[str, Any], header: Mapping[str, str]) -> None:
    """`state`: of `model.state_dict()`; `header`: what the file says of itself. Whole or not at all."""
    tensors: dict[str, torch.Tensor] = {}
    others: dict[str, Any] = {}
    says = {_FORMAT: "pt", **header}
    first: dict[tuple[object, ...], str] = {}
    for name, value in state.items():
        if not isinstance(value, torch.Tensor) or value.layout != torch.strided or value.dtype not in _PLAIN:
            others[name] = value
            continue
        memory = value.untyped_storage().data_ptr()
        view = (value.device, memory, value.storage_offset(), value.shape, value.stride(), value.dtype)
        if memory and view in first and name != _FORMAT:
            says[name] = first[view]
        else:
            # A view of memory that another name holds differently gets a copy: safetensors takes no overlaps.
            copied = memory and (value.device, memory) in first
            tensors[name] = value.detach().clone() if copied else value.detach().contiguous()
            first |= {view: name, (value.device, memory): name}
    if others:
        packed = io.BytesIO()
        torch.save(others, packed)
        tensors[OTHERS] = torch.frombuffer(bytearray(packed.getvalue()), dtype=torch.uint8)
    save_file(tensors, path, says)  # which writes aside and renames, for its owner's eyes alone
    path.chmod(path.parent.stat().st_mode & 0o666)


def read_weights(path: Path) -> dict[str, Any]:
    """What `model.load_state_dict` takes, on the CPU. Raises InputError for a file that is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            state: dict[str, Any] = file.get_tensors()
            says = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise InputError("weights that cannot be read", (Fault(str(path), None, f"is damaged ({error})"),)) from error
    if OTHERS in state:
        state |= torch.load(io.BytesIO(state.pop(OTHERS).numpy().tobytes()), weights_only=True)
    shared = {name: kept for name, kept in says.items() if name != _FORMAT and not name.startswith(OURS)}
    return state | {name: state[kept] for name, kept in shared.items() if kept in state}
