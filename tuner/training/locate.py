"""Finds what `module:attribute` names, in the package or in the user's own modules, and reads a builder's signature."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tuner.errors import Fault, InputError


def locate(where: str, folder: str = "") -> Any:
    """The object at `my_package.nets:build`; modules are found as `python` run in `folder` would find them.

    Raises InputError when the module or the name is not there. What the module itself raises goes through.
    """
    module_name, colon, attribute = where.partition(":")
    if not colon or not attribute:
        raise _absent(where, "write module:name, as in my_package.nets:build")
    if folder and folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not (module_name + ".").startswith(error.name + "."):
            raise  # the user's module exists and lacks something that it imports
        raise _absent(where, f"there is no module {error.name!r} in {folder or 'the current folder'}") from error
    for name in attribute.split("."):
        if not hasattr(found, name):
            raise _absent(where, f"{module_name} has no {attribute!r}")
        found = getattr(found, name)
    return found


def _absent(where: str, cure: str) -> InputError:
    return InputError("something named in the sweep was not found", (Fault(where, None, cure),))


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters that a builder takes beside the task, by name."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    anything: bool = False
    """It has `**parameters`."""

    def takes(self, name: str) -> bool:
        return self.anything or name in self.required or name in self.optional


def signature_of(builder: Callable[..., object]) -> Signature:
    """The first parameter is the task; positional-only and `*args` ones cannot be tuned."""
    parameters = list(inspect.signature(builder).parameters.values())[1:]
    named = [item for item in parameters if item.kind in (item.POSITIONAL_OR_KEYWORD, item.KEYWORD_ONLY)]
    return Signature(
        tuple(item.name for item in named if item.default is item.empty),
        tuple(item.name for item in named if item.default is not item.empty),
        any(item.kind is item.VAR_KEYWORD for item in parameters),
    )


def inspect_builder(where: str, folder: str = "") -> Signature:
    """The sweep reader's hook: what the user's `build(task, **parameters)` takes."""
    return signature_of(locate(where, folder))
