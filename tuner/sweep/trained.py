"""What a trial trains: a task with a model, or a loop of the user's own; and whether all settings fit it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuner.records.catalogue import Catalogue
from tuner.space import did_you_mean
from tuner.sweep.claims import MODEL, Claims, check_claims
from tuner.sweep.conflicts import check_required, check_twice, idle_notes, small_batch_notes
from tuner.sweep.sections import SweepFile
from tuner.sweep.setting import Setting
from tuner.sweep.tree import Faults, Leaf, Table
from tuner.sweep.validated import place_at

WHERE = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*:[A-Za-z_]\w*(?:\.\w+)*")
"""`my_package.nets:build`."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What the checks came to."""

    claims: Claims | None
    """None for a loop of the user's own, which takes whatever it is given."""
    notes: tuple[str, ...] = ()


def check_trained(
    file: SweepFile, tree: Table, settings: Sequence[Setting], catalogue: Catalogue, faults: Faults
) -> Trained:
    """Task, loop, model and the takers of all settings."""
    by_name = _by_name(settings, faults)
    if file.loop is not None:
        _check_loop(file, tree, faults)
        return Trained(None)
    _check_task(file, tree, catalogue, faults)
    claims = _claims(file, tree, by_name, catalogue, faults)
    check_claims(claims, faults)
    check_twice(claims, faults)
    check_required(claims, faults)
    check_loss_fits(claims, file.task, faults)
    return Trained(claims, (*idle_notes(claims), *small_batch_notes(claims)))


def _by_name(settings: Sequence[Setting], faults: Faults) -> Mapping[str, Setting]:
    """By recorded name; what is fixed cannot be searched."""
    space = {item.name: item for item in settings if item.section == "space"}
    fixed = {item.name: item for item in settings if item.section == "fixed"}
    for name, item in fixed.items():
        if name in space and item.parent is None:
            line = f" (line {space[name].place.line})" if space[name].place.line else ""
            cure = f"is in `space` too{line}: keep one of them; a constant may stand in `space`"
            faults.add(item.where, None, cure, item.place)
    both = {name.partition(".")[0] for name in fixed if name in space}
    return {**{name: item for name, item in fixed.items() if name.partition(".")[0] not in both}, **space}


def _check_loop(file: SweepFile, tree: Table, faults: Faults) -> None:
    assert file.loop is not None
    if not WHERE.fullmatch(file.loop):
        cure = "name a function as my_package.train:loop"
        faults.add("loop", file.loop, cure, place_at(tree, "loop"))
    if file.task is not None:
        faults.add("loop", file.loop, "a loop stands in place of `task`: keep one of them", place_at(tree, "loop"))
    if file.model is not None:
        cure = "a loop makes its own model: leave it out, or hand it over in `fixed`"
        faults.add("model", file.model, cure, place_at(tree, "model"))


def _check_task(file: SweepFile, tree: Table, catalogue: Catalogue, faults: Faults) -> None:
    known = catalogue.family("task")
    if file.task is None:
        if not any(_is_given(tree, key) for key in ("task", "loop")):
            cure = f"is missing: name one ({', '.join(known)}), or give `loop: my_package.train:loop`"
            faults.add("task", None, cure)
    elif file.task not in known and not WHERE.fullmatch(file.task):
        cure = f"no such task: {did_you_mean(file.task, known)}; one of your own is my_package.tasks:Churn"
        faults.add("task", file.task, cure, place_at(tree, "task"))


def check_metric_reported(metric: str, task: str | None, tree: Table, catalogue: Catalogue, faults: Faults) -> None:
    """Asked of the catalogue's tasks; what a task of the user's own reports is known when it is opened."""
    component = catalogue.family("task").get(task or "")
    if component is not None and component.reports and metric not in component.reports:
        cure = f"the task {component.name} does not report it: {did_you_mean(metric, component.reports)}"
        faults.add("metric", metric, cure, place_at(tree, "metric"))


def check_loss_fits(claims: Claims, task: str | None, faults: Faults) -> None:
    """A loss of classes is none of numbers."""
    component, setting = claims.catalogue.family("task").get(task or ""), claims.settings.get("loss")
    if component is None or setting is None:
        return
    losses = claims.catalogue.family("loss")
    fits = [loss.name for loss in losses.values() if not loss.kinds or set(component.kinds) & set(loss.kinds)]
    for value, place in setting.placed:
        if isinstance(value, str) and value in losses and value not in fits:
            cure = f"does not fit the targets of {component.name} ({component.kinds[0]}): take {', '.join(fits)}"
            faults.add(setting.where, value, cure, place)


def _is_given(tree: Table, key: str) -> bool:
    """Whether it stands there with a value: a wrong one is a fault already, and is not missing besides."""
    entry = tree.get(key)
    return entry is not None and not (isinstance(entry.node, Leaf) and entry.node.value is None)


def _claims(
    file: SweepFile, tree: Table, settings: Mapping[str, Setting], catalogue: Catalogue, faults: Faults
) -> Claims:
    """Which models a trial may have, and so who takes what."""
    known = catalogue.family("model")
    task = catalogue.family("task").get(file.task or "")
    chosen = settings.get(MODEL.name)
    every = tuple(known.values())
    if file.model is not None:
        place = place_at(tree, "model")
        if chosen is not None:
            faults.add("model", file.model, f"is in `{chosen.section}` too: keep one of them", place)
        if WHERE.fullmatch(file.model):
            return Claims(catalogue, settings, (), own_model=True, task=task)
        if file.model in known:
            return Claims(catalogue, settings, (known[file.model],), own_model=False, task=task)
        cure = f"no such model: {did_you_mean(file.model, known)}; one of your own is my_package.nets:build"
        faults.add("model", file.model, cure, place)
        return Claims(catalogue, settings, every, own_model=False, task=task)
    if chosen is None:
        if not _is_given(tree, "model"):
            cure = f"is missing: name one here or in the space ({', '.join(known)}), or my_package.nets:build"
            faults.add("model", None, cure)
        return Claims(catalogue, settings, every, own_model=False, task=task)
    found = tuple(known[value] for value in chosen.values if isinstance(value, str) and value in known)
    sure = found and len(found) == len(chosen.values)
    return Claims(catalogue, settings, found if sure else every, own_model=False, task=task)
