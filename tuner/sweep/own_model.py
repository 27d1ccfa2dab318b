"""A model of the user's own: whether its builder takes what the sweep gives it. Asked only of a file without faults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from tuner.errors import InputError
from tuner.space import did_you_mean
from tuner.sweep.claims import Claims
from tuner.sweep.tree import Faults, Place


class BuilderSignature(Protocol):
    """The parameters of `build(task, **parameters)`, without `task`."""

    @property
    def required(self) -> Sequence[str]: ...

    @property
    def optional(self) -> Sequence[str]: ...

    @property
    def anything(self) -> bool:
        """It has `**parameters`."""
        ...


Inspect = Callable[[str], BuilderSignature]
"""Imports what `my_package.nets:build` names and reads its signature; raises InputError where there is none."""


def check_own_model(where: str, place: Place, claims: Claims, inspect: Inspect, faults: Faults) -> None:
    """Every setting that is left against the builder's signature, and the builder's needs against the settings."""
    try:
        signature = inspect(where)
    except InputError as error:
        for fault in error.faults:
            faults.add("model", where, fault.cure, place)
        if not error.faults:
            faults.add("model", where, error.what, place)
        return
    except Exception as error:  # the user's module runs here, and may raise whatever it likes
        faults.add("model", where, f"its module cannot be imported: {type(error).__name__}: {error}", place)
        return
    left = [setting for setting in claims.settings.values() if claims.goes_to_own_model(setting)]
    known = [*signature.required, *signature.optional]
    trainer = [spec.name for spec in claims.catalogue.trainer]
    for setting in left:
        if not signature.anything and setting.short not in known:
            cure = f"neither the trainer nor {where} takes it: {did_you_mean(setting.short, [*known, *trainer])}"
            faults.add(setting.where, None, cure, setting.place)
    given = {setting.short for setting in left if setting.parent is None}
    for name in signature.required:
        if name in trainer:
            faults.add("model", where, f"is never given `{name}`, which the trainer claims: give it a default", place)
        elif name not in given:
            faults.add("model", where, f"needs `{name}` in every trial: write it in `space` or `fixed`", place)
