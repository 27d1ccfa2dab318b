"""The parts of a sweep file that have a grammar of their own: metric, searcher and scheduler, target, memory."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from tuner.records.values import Scalar
from tuner.space import closest, did_you_mean
from tuner.sweep.methods import Method
from tuner.sweep.sweep import Metric
from tuner.sweep.tree import Entry, Faults, Leaf, Table, plain, shown

LOSS, ACCURACY = "_loss", "_accuracy"
MODES = ("min", "max")
_UNITS = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_UNITS |= {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
_MEMORY = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)", re.IGNORECASE)


def read_metric(entry: Entry | None, faults: Faults) -> Metric | None:
    """`val_loss`, or `{name: val_accuracy, mode: max}`; None where it is at fault."""
    if entry is None:
        return Metric("val_loss", "min")
    node, place = entry.node, entry.place
    if isinstance(node, Leaf) and isinstance(node.value, str) and node.value:
        return _named(node.value, None, entry, faults)
    if not isinstance(node, Table):
        cure = "write a name that ends in _loss, or {name: val_accuracy, mode: max}"
        faults.add("metric", shown(node), cure, place)
        return None
    before = len(faults.found)
    for other in node.entries:
        if other.key not in ("name", "mode"):
            cure = f"no such key: {did_you_mean(other.name, ('name', 'mode'))}"
            faults.add(f"metric.{other.name}", shown(other.node), cure, other.place)
    name, mode = (plain(found.node) if (found := node.get(key)) is not None else None for key in ("name", "mode"))
    if not isinstance(name, str) or not name:
        faults.add("metric.name", name, "name a metric: {name: val_accuracy, mode: max}", place)
    mode_entry = node.get("mode")
    if mode_entry is not None and mode not in MODES:
        cure = "write min or max"
        if isinstance(mode, str) and closest(mode, ("minimize", "minimise", "maximize", "maximise")):
            cure = f"write {mode[:3].lower()}"
        faults.add("metric.mode", shown(mode_entry.node), cure, mode_entry.place)
    return _named(str(name), mode, entry, faults) if len(faults.found) == before else None


def _named(name: str, mode: str | None, entry: Entry, faults: Faults) -> Metric | None:
    if mode is not None:
        return Metric(name, mode)
    if name.endswith(LOSS):
        return Metric(name, "min")
    meant = closest(name, ("val_loss", "train_loss"))
    if meant is not None:
        cure = f"did you mean `{meant}`?"
    else:
        guess = "max" if name.endswith(ACCURACY) else "min"
        cure = f"say whether lower or higher is better: write {{name: {name}, mode: {guess}}}"
    faults.add("metric", name, cure, entry.place)
    return None


def read_method(
    entry: Entry | None, where: str, known: Mapping[str, Method], otherwise: str, faults: Faults
) -> tuple[str, dict[str, int]]:
    """A searcher or scheduler with its options, those left out at their defaults: `asha`, `{asha: {eta: 4}}`."""
    fallback = (otherwise, known[otherwise].defaults())
    if entry is None:
        return fallback
    node = entry.node
    name: Scalar = node.value if isinstance(node, Leaf) else None
    inside: Entry | None = None
    if isinstance(node, Table) and len(node.entries) == 1:
        (inside,) = node.entries
        name = inside.key
    if not isinstance(name, str):
        names = " or ".join(known)
        faults.add(where, shown(node), f"write one name ({names}), or one with its options", entry.place)
        return fallback
    method = known.get(name)
    if method is None:
        faults.add(where, name, did_you_mean(name, known), entry.place if inside is None else inside.place)
        return fallback
    options = method.defaults()
    if inside is None or (isinstance(inside.node, Leaf) and inside.node.value is None):
        return name, options
    if not isinstance(inside.node, Table):
        faults.add(f"{where}.{name}", shown(inside.node), "write its options as a mapping", inside.place)
        return name, options
    by_name = {option.name: option for option in method.options}
    for given in inside.node.entries:
        at, value = f"{where}.{name}.{given.name}", plain(given.node)
        option = by_name.get(given.name)
        if option is None:
            cure = did_you_mean(given.name, by_name) if by_name else f"{name} has no options: leave it out"
            faults.add(at, shown(given.node), f"no such option: {cure}", given.place)
        elif isinstance(value, bool) or not isinstance(value, int) or value < option.low:
            faults.add(at, shown(given.node), f"write a whole number, at least {option.low}", given.place)
        else:
            options[option.name] = value
    return name, options


def read_target(entry: Entry | None, metric: Metric | None, faults: Faults) -> dict[str, float]:
    """Metric -> the value that is good enough. Which way is better has to be known from the name or the sweep."""
    if entry is None or (isinstance(entry.node, Leaf) and entry.node.value is None):
        return {}
    if not isinstance(entry.node, Table):
        name = "val_loss" if metric is None else metric.name
        faults.add("stop.target", shown(entry.node), f"write metric and value: {{{name}: 0.2}}", entry.place)
        return {}
    found: dict[str, float] = {}
    for item in entry.node.entries:
        where, value = f"stop.target.{item.name}", plain(item.node)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            faults.add(where, shown(item.node), "write the value that is good enough: a number", item.place)
            continue
        own = metric is None or item.name == metric.name
        if not own and not item.name.endswith((LOSS, ACCURACY)):
            assert metric is not None
            cure = (
                f"whether lower or higher is better is known of the sweep's own metric ({metric.name}) and of names "
                f"that end in {LOSS} or {ACCURACY}: use one of these"
            )
            faults.add(where, value, cure, item.place)
            continue
        found[item.name] = float(value)
    return found


def read_memory(entry: Entry | None, faults: Faults) -> int | None:
    """Bytes."""
    if entry is None or (isinstance(entry.node, Leaf) and entry.node.value is None):
        return None
    value = plain(entry.node)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    match = _MEMORY.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is not None and match[2].lower() in _UNITS and float(match[1]) > 0:
        return round(float(match[1]) * _UNITS[match[2].lower()])
    faults.add("resources.memory", shown(entry.node), "write bytes, or text with a unit: 4GB or 512MiB", entry.place)
    return None


def check_no_secret(where: str, entry: Entry | None, faults: Faults) -> None:
    """A sweep file is copied into its run directory and mailed about: a password has no place in it."""
    uri = plain(entry.node) if entry is not None else None
    if entry is None or not isinstance(uri, str):
        return
    try:
        password = urlsplit(uri).password
    except ValueError:
        return
    if password:
        cure = (
            "holds a password, and the file is copied into the run directory: take it out and set "
            "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD (for PostgreSQL, PGPASSWORD) in the environment"
        )
        faults.add(where, uri.replace(f":{password}@", ":***@"), cure, entry.place)
