"""From the tree to the sweep: all parts read, all checks made, every fault gathered on the way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from tuner.records.catalogue import Catalogue
from tuner.records.storage import is_uri, shown, uri_fault
from tuner.space import Space
from tuner.sweep.claims import Claims
from tuner.sweep.enqueue import read_enqueue, repeated
from tuner.sweep.fixed import read_fixed
from tuner.sweep.grammar import read_space
from tuner.sweep.methods import ALGORITHMS, SCHEDULERS
from tuner.sweep.nightly import read_nightly
from tuner.sweep.own_model import Inspect, check_own_model
from tuner.sweep.parts import LOSS, check_no_secret, read_memory, read_method, read_metric, read_target
from tuner.sweep.sections import DEFAULT_ALGORITHM, DEFAULT_SCHEDULER, DEFAULT_TRIALS, SweepFile
from tuner.sweep.seeds import check_seeds
from tuner.sweep.setting import Listed, Setting
from tuner.sweep.sweep import Metric, Resources, Search, Stop, Sweep, Tracking
from tuner.sweep.trained import check_metric_reported, check_trained
from tuner.sweep.tree import Entry, Faults, Table
from tuner.sweep.validated import entry_at, place_at, read_sections
from tuner.sweep.warm_start import read_warm_start

EXTENSION = "x-"
"""Keys at the top that begin so hold anchors, and are otherwise not looked at."""


def resolve(
    tree: Table, catalogue: Catalogue, faults: Faults, *, default_name: str, inspect: Inspect | None = None
) -> Sweep | None:
    """The sweep; None when anything is at fault. A user's own model is looked at only when nothing else is."""
    tree = Table(tuple(entry for entry in tree.entries if not entry.name.startswith(EXTENSION)), tree.place)
    file = read_sections(tree, faults)
    settings = _settings(tree, faults)
    trained = check_trained(file, tree, settings, catalogue, faults)
    metric = read_metric(tree.get("metric"), faults)
    _check_metric(metric, trained.claims, tree, faults)
    if metric is not None:
        check_metric_reported(metric.name, file.task, tree, catalogue, faults)
    notes = list(trained.notes)
    space = _space(settings)
    search = _search(file, tree, space, notes, faults)
    target = read_target(entry_at(tree, ["stop", "target"]), metric, faults)
    memory = read_memory(entry_at(tree, ["resources", "memory"]), faults)
    nightly = read_nightly(file.nightly, tree, space, faults)
    _check_gpu(file, tree, faults)
    _check_custom(file, tree, faults)
    if is_uri(file.storage) and (cure := uri_fault(str(file.storage))):
        faults.add("storage", shown(str(file.storage)), cure, place_at(tree, "storage"))
    check_no_secret("tracking.uri", entry_at(tree, ["tracking", "uri"]), faults)
    if not faults and file.model is not None and inspect is not None and trained.claims and trained.claims.own_model:
        check_own_model(file.model, place_at(tree, "model"), trained.claims, inspect, faults)
    if faults or metric is None or space is None:
        return None
    return Sweep(
        name=file.name or default_name,
        metric=metric,
        space=space,
        task=file.task,
        loop=file.loop,
        model=file.model,
        fixed={s.name: s.domain.values if isinstance(s.domain, Listed) else s.values[0] for s in _fixed(settings)},
        data=file.data,
        search=search,
        stop=Stop(file.stop.hours, target),
        resources=_resources(file, memory),
        retries=file.retries,
        checkpoints=file.checkpoints,
        storage=file.storage if file.storage is None or is_uri(file.storage) else str(Path(file.storage)),
        tracking=Tracking(**file.tracking.model_dump()),
        nightly=nightly,
        seed=file.seed,
        notes=tuple(notes),
    )


def _settings(tree: Table, faults: Faults) -> tuple[Setting, ...]:
    space, fixed = tree.get("space"), tree.get("fixed")
    return (
        *(() if space is None else read_space(space.node, space.place, faults)),
        *(() if fixed is None else read_fixed(fixed.node, fixed.place, faults)),
    )


def _fixed(settings: Sequence[Setting]) -> list[Setting]:
    return [setting for setting in settings if setting.section == "fixed"]


def _space(settings: Sequence[Setting]) -> Space | None:
    """None where a parameter made no sense."""
    mine = [setting for setting in settings if setting.section == "space"]
    if any(setting.domain is None for setting in mine):
        return None
    return Space(tuple(setting.parameter() for setting in mine))


def _search(file: SweepFile, tree: Table, space: Space | None, notes: list[str], faults: Faults) -> Search:
    def entry(key: str) -> Entry | None:
        return entry_at(tree, ["search", key])

    section = file.search
    algorithm, algorithm_options = read_method(
        entry("algorithm"), "search.algorithm", ALGORITHMS, DEFAULT_ALGORITHM, faults
    )
    scheduler, scheduler_options = read_method(
        entry("scheduler"), "search.scheduler", SCHEDULERS, DEFAULT_SCHEDULER, faults
    )
    grace = scheduler_options.get("grace", 1)
    if grace > section.max_epochs:
        scheduler_options["grace"] = section.max_epochs
        notes.append(f"search.scheduler: grace {grace} is above max_epochs and was clipped to {section.max_epochs}")
    if space is not None and not space.parameters:
        notes.append("space: is empty, so every trial has the same configuration")
    if algorithm == "grid" and space is not None:
        notes.append(f"search.algorithm: the grid has {space.grid_size(algorithm_options['points'])} points")
    trials = section.trials if section.trials is not None or algorithm == "grid" else DEFAULT_TRIALS
    points = space.grid_size(algorithm_options["points"]) if algorithm == "grid" and space is not None else None
    check_seeds(section, tree, trials if points is None else min(points, trials or points), faults)
    enqueue = read_enqueue(entry("enqueue"), space, faults)
    if space is not None and not faults:
        notes += repeated(enqueue, space)
    return Search(
        algorithm,
        algorithm_options,
        scheduler,
        scheduler_options,
        trials,
        section.max_epochs,
        section.doomed,
        section.concurrency,
        enqueue,
        read_warm_start(entry("warm_start"), faults),
        section.repeats,
        section.finalists,
    )


def _check_metric(metric: Metric | None, claims: Claims | None, tree: Table, faults: Faults) -> None:
    """A loss is no metric while its scale is searched: the search would win by shrinking it."""
    if metric is None or claims is None or not metric.name.endswith(LOSS) or metric.mode != "min":
        return
    for setting in claims.settings.values():
        if setting.section != "space" or setting.domain is None or not setting.parameter().is_searched:
            continue
        spec, root = claims.spec(setting), claims.spec(claims.root(setting))
        if any(one is not None and (one.family == "loss" or one.scales_loss) for one in (spec, root)):
            line = f" (line {setting.place.line})" if setting.place.line else ""
            cure = (
                f"wins by shrinking the loss, since {setting.where}{line} changes what it measures: "
                "take another metric (val_accuracy, val_rmse, ...), or fix the loss"
            )
            faults.add("metric", metric.name, cure, place_at(tree, "metric") if tree.get("metric") else setting.place)
            return


def _check_gpu(file: SweepFile, tree: Table, faults: Faults) -> None:
    gpu, workers = file.resources.gpu, file.resources.workers
    if gpu == int(gpu):
        return
    if gpu > 1:
        faults.add("resources.gpu", gpu, "above 1 it is a whole number", place_at(tree, "resources.gpu"))
    elif workers > 1:
        cure = f"each of a trial's {workers} workers needs a GPU of its own: write 1, or set resources.workers to 1"
        faults.add("resources.gpu", gpu, cure, place_at(tree, "resources.gpu"))


_KNOWN = {"CPU": "cpu", "GPU": "gpu", "memory": "memory"}


def _check_custom(file: SweepFile, tree: Table, faults: Faults) -> None:
    """Ray takes whole amounts, and parts of one."""
    for name, amount in file.resources.custom.items():
        where = f"resources.custom.{name}"
        if name in _KNOWN or name.startswith("accelerator_type:"):
            own = _KNOWN.get(name, "accelerator")
            faults.add(where, amount, f"has a setting of its own: write resources.{own}", place_at(tree, where))
        elif not 0 < amount < math.inf or (amount > 1 and amount != int(amount)):
            cure = "write how much of it a worker takes: a part of one, or a whole number"
            faults.add(where, amount, cure, place_at(tree, where))


def _resources(file: SweepFile, memory: int | None) -> Resources:
    asked = file.resources
    return Resources(float(asked.cpu), float(asked.gpu), memory, asked.accelerator, asked.workers, dict(asked.custom))
