"""YAML 1.2 text as a tree with lines: `1e-5` is a number, `no` is text, and a key that is given twice is a fault.

PyYAML parses, libyaml underneath where it is there; it would resolve by YAML 1.1, so only its events are used and
values are resolved here by the core schema of YAML 1.2. Anchors, aliases and merge keys (`<<`) work.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from tuner.records.values import Scalar
from tuner.sweep.tree import MAX_DEPTH, Entry, Faults, Items, Leaf, Node, Place, Table

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_VALUES = 50_000
"""Values that a file may unfold to; aliases of aliases could otherwise fill the memory."""

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_TAG = "tag:yaml.org,2002:"
_KINDS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "null": (type(None),),
}


def resolve(text: str) -> Scalar:
    """The value of an unquoted scalar, by YAML 1.2's core schema. ValueError for a number too long to hold."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return int(text, base)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def parse_yaml(text: str, faults: Faults, *, where: str = "", flag: str | None = None) -> Node | None:
    """The tree of the text's one document; None for an empty one. A text that is no YAML is one fault."""
    try:
        return _Composer(faults, where, flag).compose(text)
    except _TooMuch as too_much:
        faults.add(where or "YAML", None, str(too_much), too_much.place)
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark or error.context_mark
        place = Place(None if mark is None else mark.line + 1, flag)
        tab = (
            mark is not None
            and "".join(text.split("\n")[mark.line : mark.line + 1])[mark.column : mark.column + 1] == "\t"
        )
        says = (
            "a tab stands here: indent with spaces"
            if tab
            else f"{error.problem or error.context}{_begun(error, place)}"
        )
        faults.add(where or "YAML", None, f"cannot be read: {says}", place)
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        cure = f"holds a character that YAML does not allow ({error.character!r}): take it out"
        faults.add(where or "YAML", None, cure, Place(line, flag))
    return None


def _begun(error: yaml.MarkedYAMLError, place: Place) -> str:
    """` (while parsing a flow sequence, begun in line 3)`, where that helps."""
    mark: Any = error.context_mark
    if not error.context or mark is None:
        return ""
    since = f", begun in line {mark.line + 1}" if place.line is not None and mark.line + 1 != place.line else ""
    return f" ({error.context}{since})"


class _TooMuch(Exception):
    """The text is YAML, but no sweep file."""

    def __init__(self, says: str, place: Place) -> None:
        super().__init__(says, place)
        self.place = place

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass
class _Open:
    """A list or mapping that is being read."""

    table: bool
    place: Place
    anchor: str | None
    nodes: list[Node] = field(default_factory=list)


class _Composer:
    """Builds the tree from the parser's events, without recursion."""

    def __init__(self, faults: Faults, where: str, flag: str | None) -> None:
        self._faults, self._where, self._flag = faults, where, flag
        self._anchors: dict[str, Node] = {}
        self._sizes: dict[int, int] = {}
        self._values = 0

    def compose(self, text: str) -> Node | None:
        stack: list[_Open] = []
        root: Node | None = None
        documents = 0
        for event in self._events(text):
            place = self._place(event)
            node: Node | None = None
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _TooMuch(
                        "a second document begins here: a sweep file is one, without `---` in between", place
                    )
            elif isinstance(event, yaml.ScalarEvent):
                node = self._anchored(self._leaf(event, place), event.anchor)
            elif isinstance(event, yaml.AliasEvent):
                node = self._alias(event, place, stack)
            elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
                if len(stack) >= MAX_DEPTH:
                    raise _TooMuch(f"is nested more than {MAX_DEPTH} deep", place)
                stack.append(_Open(isinstance(event, yaml.MappingStartEvent), place, event.anchor))
            elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
                done = stack.pop()
                made = self._table(done) if done.table else Items(tuple(done.nodes), done.place)
                node = self._anchored(made, done.anchor)
            if node is None:
                continue
            if stack:
                stack[-1].nodes.append(node)
            else:
                root = node
        if isinstance(root, Leaf) and root.value is None and not root.text:
            return None
        return root

    def _events(self, text: str) -> Iterator[yaml.Event]:
        yield from yaml.parse(text, Loader=LOADER)

    def _place(self, event: yaml.Event) -> Place:
        mark: Any = event.start_mark
        return Place(None, self._flag) if self._flag else Place(mark.line + 1)

    def _leaf(self, event: yaml.ScalarEvent, place: Place) -> Leaf:
        self._count(1, place)
        text = event.value
        if event.tag is None or event.tag == "!":
            is_plain = event.implicit[0] and event.tag is None
            return Leaf(self._resolved(text, place) if is_plain else text, place, text)
        kind = event.tag.removeprefix(_TAG)
        if kind == "str":
            return Leaf(text, place, text)
        value = self._resolved(text, place)
        if kind not in _KINDS:
            self._faults.add(self._where or "YAML", text, f"the tag {event.tag} is not known here: leave it out", place)
        elif not isinstance(value, _KINDS[kind]) or (kind == "int" and isinstance(value, bool)):
            self._faults.add(self._where or "YAML", text, f"is no {kind}, as the tag !!{kind} says", place)
        elif kind == "float" and isinstance(value, int):
            value = float(value)
        return Leaf(value, place, text)

    def _resolved(self, text: str, place: Place) -> Scalar:
        try:
            return resolve(text)
        except ValueError:
            self._faults.add(self._where or "YAML", f"{text[:20]}...", "a number of fewer digits is needed", place)
            return None

    def _alias(self, event: yaml.AliasEvent, place: Place, stack: list[_Open]) -> Node:
        anchor = event.anchor
        if any(item.anchor == anchor for item in stack):
            raise _TooMuch(f"*{anchor} stands inside what it names: &{anchor} would hold itself", place)
        if anchor not in self._anchors:
            raise _TooMuch(f"*{anchor} names no anchor: write &{anchor} above, at what it is to repeat", place)
        node = self._anchors[anchor]
        self._count(self._size(node), place)
        return node

    def _anchored(self, node: Node, anchor: str | None) -> Node:
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    def _count(self, values: int, place: Place) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            raise _TooMuch(f"unfolds to more than {MAX_VALUES} values", place)

    def _size(self, node: Node) -> int:
        """Values below a node; those of what has an anchor are remembered, so that aliases of aliases stay cheap."""
        match node:
            case Leaf():
                return 1
            case Items(items):
                inside = list(items)
            case Table(entries):
                inside = [entry.node for entry in entries]
        if id(node) not in self._sizes:
            self._sizes[id(node)] = 1 + sum(self._size(item) for item in inside)
        return self._sizes[id(node)]

    def _table(self, done: _Open) -> Table:
        entries: dict[str, Entry] = {}
        merged: list[Table] = []
        merge_at: Place | None = None
        for key, node in zip(done.nodes[::2], done.nodes[1::2], strict=True):
            if not isinstance(key, Leaf):
                self._faults.add(self._where or "YAML", None, "a key is text or a number", key.place)
                continue
            if key.text == "<<" and key.value == "<<":
                if merge_at is not None:
                    self._twice("<<", merge_at, key.place)
                merge_at = key.place
                merged += self._merged(node, key.place)
                continue
            entry = Entry(key.value, key.place, node)
            if entry.name in entries:
                self._twice(entry.name, entries[entry.name].place, key.place)
            else:
                entries[entry.name] = entry
        for table in merged:
            for entry in table.entries:
                entries.setdefault(entry.name, entry)
        return Table(tuple(entries.values()), done.place)

    def _twice(self, name: str, first: Place, again: Place) -> None:
        lines = "" if first.line is None else f" in lines {first.line} and {again.line}"
        self._faults.add(self._where or name, None, f"`{name}` is given twice{lines}: keep one", again)

    def _merged(self, node: Node, place: Place) -> list[Table]:
        tables = node.items if isinstance(node, Items) else (node,)
        if all(isinstance(table, Table) for table in tables):
            return [table for table in tables if isinstance(table, Table)]
        self._faults.add("<<", None, "merges a mapping, or a list of mappings: write `<<: *anchor`", place)
        return []


def parse_value(text: str, faults: Faults, flag: str) -> Node:
    """What a flag or an environment variable gives, by the same rules as the file; nothing is null."""
    node = parse_yaml(text, faults, where=flag, flag=flag)
    return Leaf(None, Place(None, flag)) if node is None else node
