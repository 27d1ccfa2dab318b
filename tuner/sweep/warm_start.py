"""The earlier searches whose trials the searcher is told before its first one: `search.warm_start`."""

from __future__ import annotations

from tuner.space import did_you_mean
from tuner.sweep.sweep import WarmStart
from tuner.sweep.tree import Entry, Faults, Items, Leaf, Node, Table, shown

WHERE = "search.warm_start"
CURE = (
    "write runs, mlflow:EXPERIMENT or study.db: [RUN], "
    "or {run: RUN, ignore: [dropout], rename: {lr: learning_rate}, trust: true}"
)
KEYS = ("run", "ignore", "rename", "trust")


def read_warm_start(entry: Entry | None, faults: Faults) -> tuple[WarmStart, ...]:
    if entry is None or (isinstance(entry.node, Leaf) and entry.node.value is None):
        return ()
    items: tuple[Node, ...] = entry.node.items if isinstance(entry.node, Items) else (entry.node,)
    found = (_read(item, faults) for item in items)
    return tuple(one for one in found if one is not None)


def _read(node: Node, faults: Faults) -> WarmStart | None:
    if isinstance(node, Leaf):
        run = _run(node, faults)
        return None if run is None else WarmStart(run)
    if not isinstance(node, Table):
        faults.add(WHERE, shown(node), CURE, node.place)
        return None
    for other in node.entries:
        if other.key not in KEYS:
            cure = f"no such key: {did_you_mean(other.name, KEYS)}"
            faults.add(f"{WHERE}.{other.name}", shown(other.node), cure, other.place)
    given, names = node.get("run"), _ignored(node.get("ignore"), faults)
    renamed, trust = _renamed(node.get("rename"), faults), _trusted(node.get("trust"), faults)
    if given is None or not isinstance(given.node, Leaf):
        faults.add(WHERE, shown(node), CURE, node.place)
        return None
    run = _run(given.node, faults)
    return None if run is None else WarmStart(run, names, renamed, trust)


def _run(node: Leaf, faults: Faults) -> str | None:
    value = node.value
    if isinstance(value, str) and value and value != "mlflow:":
        return value
    faults.add(WHERE, value, CURE, node.place)
    return None


def _ignored(entry: Entry | None, faults: Faults) -> tuple[str, ...]:
    if entry is None:
        return ()
    listed = entry.node.items if isinstance(entry.node, Items) else ()
    names = [item.value for item in listed if isinstance(item, Leaf) and isinstance(item.value, str)]
    if not isinstance(entry.node, Items) or len(names) != len(listed):
        cure = "write the names of parameters whose old values do not matter: [dropout]"
        faults.add(f"{WHERE}.ignore", shown(entry.node), cure, entry.place)
    return tuple(names)


def _renamed(entry: Entry | None, faults: Faults) -> tuple[tuple[str, str], ...]:
    if entry is None:
        return ()
    rows = entry.node.entries if isinstance(entry.node, Table) else ()
    pairs = [
        (row.name, row.node.value) for row in rows if isinstance(row.node, Leaf) and isinstance(row.node.value, str)
    ]
    if not isinstance(entry.node, Table) or len(pairs) != len(rows):
        cure = "write old names and new ones: {lr: learning_rate, optimizer.adam: optimizer.adamw}"
        faults.add(f"{WHERE}.rename", shown(entry.node), cure, entry.place)
    return tuple(pairs)


def _trusted(entry: Entry | None, faults: Faults) -> bool:
    if entry is None:
        return False
    if isinstance(entry.node, Leaf) and isinstance(entry.node.value, bool):
        return entry.node.value
    faults.add(f"{WHERE}.trust", shown(entry.node), "write true where data, code and epochs are the same", entry.place)
    return False
