"""What shows only when all settings are seen together: one taken twice, one missing, one that does nothing."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.records.values import Scalar
from tuner.space import Float, Int, branch_name
from tuner.sweep.claims import MODEL, Claims
from tuner.sweep.setting import Setting
from tuner.sweep.tree import Faults


def check_twice(claims: Claims, faults: Faults) -> None:
    """Two settings that reach one builder under one short name in the same trial."""
    groups: dict[tuple[str, str], list[Setting]] = {}
    for setting in claims.settings.values():
        root = claims.root(setting)
        to_builder = root.short == MODEL.name or not claims.is_claimed(root)
        if to_builder and claims.catalogue.trainer_parameter(setting.short) is not None:
            continue
        taker = MODEL.name if to_builder else root.short
        if setting is not root or not claims.is_claimed(root):
            groups.setdefault((taker, setting.short), []).append(setting)
    for settings in groups.values():
        for i, one in enumerate(settings):
            for other in settings[i + 1 :]:
                if _meet(one, other, claims.settings):
                    cure = f"reaches the same builder as {one.where} does, under the same name: keep one"
                    faults.add(other.where, None, cure, other.place)


def _meet(one: Setting, other: Setting, settings: Mapping[str, Setting]) -> bool:
    """Whether both can be active in one trial."""
    mine, theirs = _conditions(one, settings), _conditions(other, settings)
    return all(branch_name(mine[name]) == branch_name(theirs[name]) for name in mine.keys() & theirs.keys())


def _conditions(setting: Setting, settings: Mapping[str, Setting]) -> dict[str, Scalar]:
    found: dict[str, Scalar] = {}
    while setting.parent is not None:
        found[setting.parent] = setting.parent_value
        setting = settings[setting.parent]
    return found


def check_required(claims: Claims, faults: Faults) -> None:
    """What the trainer or a named component cannot do without."""
    for spec in claims.catalogue.trainer:
        if spec.required and spec.name not in claims.settings:
            faults.add(spec.name, None, f"is needed: write it in `space` or `fixed` ({spec.says})")
    for setting in claims.settings.values():
        own = claims.spec(setting)
        known = claims.catalogue.family(own.family) if own is not None and own.family is not None else {}
        for value, place in setting.placed:
            component = known.get(branch_name(value))
            for spec in component.parameters if component is not None else ():
                name = f"{setting.name}.{branch_name(value)}.{spec.name}"
                at_top = own is MODEL and spec.name in claims.settings
                if spec.required and name not in claims.settings and not at_top:
                    example = f"{setting.short}: {{{branch_name(value)}: {{{spec.name}: ...}}}}"
                    cure = f"is needed by `{branch_name(value)}`: write `{example}`"
                    faults.add(f"{setting.section}.{name}", None, cure, place)


def idle_notes(claims: Claims) -> list[str]:
    """Parameters at the top that some of the sweep's models do not take: no fault, but worth a word."""
    notes = []
    for setting in claims.settings.values():
        if setting.parent is not None or claims.is_claimed(setting) or claims.own_model:
            continue
        without = [model.name for model in claims.models if model.parameter(setting.short) is None]
        if without and len(without) < len(claims.models):
            notes.append(f"{setting.name} does nothing with {', '.join(without)}: nest it in the models that take it")
    return notes


FEWEST_NORMALISED = 8
"""Examples of a batch from which batch normalisation's mean and deviation say enough (Wu and He 2018, figure 1)."""


def small_batch_notes(claims: Claims) -> list[str]:
    """Batch normalisation where a batch may be too small for it."""
    size = claims.settings.get("batch_size")
    smallest = None if size is None else _smallest(size)
    if smallest is None or smallest >= FEWEST_NORMALISED:
        return []
    found = []
    for model in claims.models:
        spec = model.parameter("normalisation")
        if spec is None:
            continue
        own = claims.settings.get(f"model.{model.name}.normalisation", claims.settings.get("normalisation"))
        if "batch" in (own.values if own is not None else (spec.default,)):
            found.append(model.name)
    if not found:
        return []
    whose = ", ".join(found)
    why = f"its means are poor below {FEWEST_NORMALISED}"
    return [f"batch_size may be {smallest:g}, and {whose} may have batch normalisation: {why}"]


def _smallest(setting: Setting) -> float | None:
    match setting.domain:
        case Int() | Float():
            return setting.domain.low
        case _:
            numbers = [value for value in setting.values if isinstance(value, int | float)]
            return min(numbers, default=None)
