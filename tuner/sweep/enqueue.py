"""The configurations to try first: `search.enqueue`, filled up from the defaults and checked against the space."""

from __future__ import annotations

from collections.abc import Iterator

from tuner.records.values import Config, Scalar
from tuner.space import Constant, Space, branch_name, canonical, identity
from tuner.sweep.tree import Entry, Faults, Items, Leaf, Node, Place, Table, shown


def read_enqueue(entry: Entry | None, space: Space | None, faults: Faults) -> tuple[Config, ...]:
    """Whole configurations. `space` is None where it has faults of its own: then only the form is checked."""
    if entry is None or (isinstance(entry.node, Leaf) and entry.node.value is None):
        return ()
    if not isinstance(entry.node, Items):
        faults.add("search.enqueue", shown(entry.node), "write a list of configurations: [{lr: 0.01}]", entry.place)
        return ()
    found = []
    for i, item in enumerate(entry.node.items):
        where = f"search.enqueue[{i}]"
        config = _configuration(item, space, where, item.place, faults)
        if config is not None:
            found.append(config)
    return tuple(found)


def read_configuration(entry: Entry, space: Space | None, where: str, faults: Faults) -> Config | None:
    """One whole configuration, at `where`."""
    return _configuration(entry.node, space, where, entry.place, faults)


def _configuration(node: Node, space: Space | None, where: str, place: Place, faults: Faults) -> Config | None:
    if not isinstance(node, Table):
        faults.add(where, shown(node), "write a configuration: {lr: 0.01}", place)
        return None
    values = {name: (value, at) for name, value, at in _flat(node, "", where, faults)}
    return None if space is None else _whole(values, space, where, place, faults)


def repeated(enqueue: tuple[Config, ...], space: Space) -> list[str]:
    """What to say of those that are tried once although they stand there twice."""
    defaults = space.defaults()
    known = {} if defaults is None else {identity(defaults): "the configuration of all defaults, which is tried first"}
    notes = []
    for i, config in enumerate(enqueue):
        same = known.setdefault(identity(config), f"search.enqueue[{i}]")
        if same != f"search.enqueue[{i}]":
            notes.append(f"search.enqueue[{i}]: is {same}; it is trained once")
    return notes


def _whole(
    values: dict[str, tuple[Scalar, Place]], space: Space, where: str, place: Place, faults: Faults
) -> Config | None:
    domains = {item.name: item.domain for item in space.parameters}
    given = {n: canonical(domains[n], value) if n in domains else value for n, (value, _) in values.items()}
    before = len(faults.found)
    for name in given:
        # One by one, so that each fault gets the place of its own value.
        wrong = [fault for fault in space.faults(given, partial=True) if fault.where == name]
        for fault in wrong:
            faults.add(f"{where}.{name}", fault.found, fault.cure, values[name][1])
    if len(faults.found) > before:
        return None
    config = space.complete(given)
    named = space.complete_names(given)
    for item in space.active(config):
        if not (item.name in named or item.has_default or isinstance(item.domain, Constant)):
            cure = "is not given and has no default: write it here, or `default:` in the space"
            faults.add(f"{where}.{item.name}", None, cure, place)
    return config if len(faults.found) == before else None


def _flat(node: Table, prefix: str, where: str, faults: Faults) -> Iterator[tuple[str, Scalar, Place]]:
    """Flat names as they stand; `optimizer: {sgd: {momentum: 0.9}}` as `optimizer` and `optimizer.sgd.momentum`."""
    for entry in node.entries:
        name, inner = prefix + entry.name, entry.node
        if isinstance(inner, Leaf):
            yield name, inner.value, entry.place
        elif isinstance(inner, Table) and len(inner.entries) == 1:
            (branch,) = inner.entries
            yield name, branch.key, entry.place
            yield from _branch(branch, f"{name}.{branch_name(branch.key)}.", where, faults)
        else:
            faults.add(f"{where}.{name}", shown(inner), "write one value, or the one branch that is taken", entry.place)


def _branch(branch: Entry, prefix: str, where: str, faults: Faults) -> Iterator[tuple[str, Scalar, Place]]:
    inside: Node = branch.node
    if isinstance(inside, Table):
        yield from _flat(inside, prefix, where, faults)
    elif not (isinstance(inside, Leaf) and inside.value is None):
        faults.add(f"{where}.{prefix[:-1]}", shown(inside), "write the branch's parameters by name", branch.place)
