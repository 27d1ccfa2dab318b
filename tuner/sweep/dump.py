"""A sweep as YAML that reads back to an equal one: what stands in the run directory as `sweep.yaml`.

YAML's own writers quote by YAML 1.1, so `1e-5` as text would come back as a number; text is therefore written here:
bare where `resolve` gives it back as it is, else in double quotes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tuner.records.values import Scalar
from tuner.space import Choice, Constant, Float, Int, Parameter, Space, nest
from tuner.sweep.methods import ALGORITHMS, SCHEDULERS
from tuner.sweep.sweep import Sweep, WarmStart
from tuner.sweep.yaml12 import resolve

WIDTH = 100
"""Characters up to which a mapping stands on one line."""
_BARE = re.compile(r"[A-Za-z0-9_./+-][A-Za-z0-9_./+-]*(?: [A-Za-z0-9_./+-]+)*")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


_NO_COMMENTS: Mapping[str, Sequence[str]] = {}


def dump_sweep(sweep: Sweep, comments: Mapping[str, Sequence[str]] = _NO_COMMENTS) -> str:
    """The resolved sweep, every section with its values, in the order of the design.

    `comments`: path of a key of the first or second level (`seed`, `space.lr`) -> what to say above it, a line each;
    the empty path stands for the file.
    """
    rows = [_comment(text, 0) for text in comments.get("", ())]
    for key, value in as_mapping(sweep).items():
        rows += [_comment(text, 0) for text in comments.get(key, ())]
        if not any(path.startswith(f"{key}.") for path in comments):
            rows.append(_entry(key, value, 0))
            continue
        rows.append(f"{_scalar(key)}:\n")
        for inner, item in value.items():
            rows += [_comment(text, 2) for text in comments.get(f"{key}.{inner}", ())]
            rows.append(_entry(inner, item, 2))
    return "".join(rows)


def as_mapping(sweep: Sweep) -> dict[str, Any]:
    """The sweep as the mapping that its file would hold; what was left out stays out."""
    found: dict[str, Any] = {
        "name": sweep.name,
        "task": sweep.task,
        "loop": sweep.loop,
        "model": sweep.model,
        "data": sweep.data.model_dump(exclude_none=True),
        "metric": {"name": sweep.metric.name, "mode": sweep.metric.mode},
        "space": space_mapping(sweep.space),
        "fixed": _fixed(sweep.fixed),
        "search": _search(sweep),
        "stop": _known({"hours": sweep.stop.hours, "target": dict(sweep.stop.target) or None}),
        "resources": _known(
            {
                "cpu": sweep.resources.cpu,
                "gpu": sweep.resources.gpu,
                "memory": sweep.resources.memory,
                "accelerator": sweep.resources.accelerator,
                "workers": sweep.resources.workers,
                "custom": dict(sweep.resources.custom) or None,
            }
        ),
        "retries": sweep.retries.model_dump(),  # null says something here: never
        "checkpoints": sweep.checkpoints.model_dump(),
        "storage": sweep.storage,
        "tracking": _known(
            {
                "uri": sweep.tracking.uri,
                "experiment": sweep.tracking.experiment,
                "curves": sweep.tracking.curves,
                "system_metrics": sweep.tracking.system_metrics or None,
            }
        ),
        "nightly": sweep.nightly.as_mapping(),
        "seed": sweep.seed,
    }
    return {key: value for key, value in found.items() if value is not None and (value != {} or key == "space")}


def by_path(sweep: Sweep) -> dict[str, Any]:
    """Path in the file (`space.lr.float`) -> value, of all that stands in it."""
    return _flat("", as_mapping(sweep))


def _flat(prefix: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not value:
        return {prefix: value}
    found: dict[str, Any] = {}
    for key, inner in value.items():
        found |= _flat(f"{prefix}.{key}" if prefix else str(key), inner)
    return found


def space_mapping(space: Space) -> dict[str, Any]:
    """The space in the grammar of a sweep file, from the top down."""
    return {item.short: _parameter(item, space) for item in space.children(None)}


def _parameter(item: Parameter, space: Space) -> Any:
    match item.domain:
        case Constant(value):
            return value
        case Float(low, high, log):
            found: dict[str, Any] = {"float": [low, high]} | ({"log": True} if log else {})
        case Int(low, high, log):
            found = {"int": [low, high]} | ({"log": True} if log else {})
        case Choice(options):
            found = {"choice": [_option(item, option, space) for option in options]}
    return found | ({"default": item.default} if item.has_default else {})


def _option(item: Parameter, option: Scalar, space: Space) -> Any:
    children = space.children(item.name, option)
    return {option: {child.short: _parameter(child, space) for child in children}} if children else option


def _fixed(fixed: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in nest(fixed).items()}


def _search(sweep: Sweep) -> dict[str, Any]:
    search = sweep.search
    return _known(
        {
            "algorithm": _method(search.algorithm, search.algorithm_options, ALGORITHMS),
            "scheduler": _method(search.scheduler, search.scheduler_options, SCHEDULERS),
            "trials": search.trials,
            "max_epochs": search.max_epochs,
            "doomed": search.doomed,
            "concurrency": search.concurrency,
            "enqueue": [dict(config) for config in search.enqueue] or None,
            "warm_start": [_warm(source) for source in search.warm_start] or None,
            "repeats": None if search.repeats == 1 else search.repeats,
            "finalists": None if search.finalists is None else search.finalists.model_dump(),
        }
    )


def _warm(source: WarmStart) -> Any:
    more = {"ignore": list(source.ignore), "rename": dict(source.rename), "trust": source.trust}
    more = {key: value for key, value in more.items() if value}
    return {"run": source.run, **more} if more else source.run


def _method(name: str, options: Mapping[str, int], known: Mapping[str, Any]) -> Any:
    return {name: dict(options)} if known[name].options else name


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


# --- text --------------------------------------------------------------------------------------------------------


def _comment(text: str, indent: int) -> str:
    """One line, whatever is in the text."""
    return f"{' ' * indent}# {' '.join(''.join(c if c.isprintable() else ' ' for c in text).split())}\n"


def _entry(key: Scalar, value: Any, indent: int) -> str:
    """`key: value` on one line where it fits, else as a block below it."""
    start = f"{' ' * indent}{_scalar(key)}:"
    flow = f"{start} {_flow(value)}"
    if len(flow) <= WIDTH or not value or not isinstance(value, Mapping | list):
        return flow + "\n"
    if isinstance(value, Mapping):
        return f"{start}\n" + "".join(_entry(inner, item, indent + 2) for inner, item in value.items())
    return f"{start}\n" + "".join(_item(item, indent + 2) for item in value)


def _item(value: Any, indent: int) -> str:
    start = f"{' ' * indent}- "
    flow = f"{start}{_flow(value)}"
    if len(flow) <= WIDTH or not value or not isinstance(value, Mapping):
        return flow + "\n"
    block = "".join(_entry(key, item, indent + 2) for key, item in value.items())
    return start + block.lstrip(" ")


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return _scalar(value)


def _scalar(value: Scalar) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if _is_bare(value) else '"' + "".join(map(_escaped, value)) + '"'
    return repr(value)


def _is_bare(text: str) -> bool:
    if not _BARE.fullmatch(text) or text.startswith(("-", "---", "...")):
        return False
    try:
        return resolve(text) == text
    except ValueError:
        return False


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    code = ord(character)
    if 0x20 <= code < 0x7F or (0xA0 <= code < 0xD800 and code not in (0x2028, 0x2029)):
        return character
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
