"""The runs whose trials the searcher is told before its first one: `search.warm_start`."""

from __future__ import annotations

from tuner.space import did_you_mean
from tuner.sweep.sweep import WarmStart
from tuner.sweep.tree import Entry, Faults, Items, Leaf, Node, Table, shown

WHERE = "search.warm_start"
CURE = "write run directories or their names: [RUN], or {run: RUN, ignore: [dropout]}"


def read_warm_start(entry: Entry | None, faults: Faults) -> tuple[WarmStart, ...]:
    if entry is None or (isinstance(entry.node, Leaf) and entry.node.value is None):
        return ()
    items: tuple[Node, ...] = entry.node.items if isinstance(entry.node, Items) else (entry.node,)
    found = (_read(item, faults) for item in items)
    return tuple(one for one in found if one is not None)


def _read(node: Node, faults: Faults) -> WarmStart | None:
    if isinstance(node, Leaf):
        return _run(node, (), faults)
    if not isinstance(node, Table):
        faults.add(WHERE, shown(node), CURE, node.place)
        return None
    for other in node.entries:
        if other.key not in ("run", "ignore"):
            cure = f"no such key: {did_you_mean(other.name, ('run', 'ignore'))}"
            faults.add(f"{WHERE}.{other.name}", shown(other.node), cure, other.place)
    run, ignore = node.get("run"), node.get("ignore")
    names: list[str] = []
    if ignore is not None:
        listed = ignore.node.items if isinstance(ignore.node, Items) else ()
        names = [item.value for item in listed if isinstance(item, Leaf) and isinstance(item.value, str)]
        if not isinstance(ignore.node, Items) or len(names) != len(listed):
            cure = "write the names of parameters whose old values do not matter: [dropout]"
            faults.add(f"{WHERE}.ignore", shown(ignore.node), cure, ignore.place)
    if run is None or not isinstance(run.node, Leaf):
        faults.add(WHERE, shown(node), CURE, node.place)
        return None
    return _run(run.node, tuple(names), faults)


def _run(node: Leaf, ignore: tuple[str, ...], faults: Faults) -> WarmStart | None:
    value = node.value
    if not isinstance(value, str) or not value:
        faults.add(WHERE, value, CURE, node.place)
        return None
    if value.startswith("mlflow:") or value.endswith((".db", ".sqlite", "study.log")):
        cure = "this version cannot do it yet (starting from MLflow or from a study file): name a run, or leave it out"
        faults.add(WHERE, value, cure, node.place)
        return None
    return WarmStart(value, ignore)
