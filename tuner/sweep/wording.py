"""What pydantic found wrong with a section, said as a cure in the words of a sweep file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel

from tuner.space import did_you_mean
from tuner.sweep.sections import SweepFile

_KINDS = {
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "float_type": "write a number",
    "bool_type": "write true or false",
    "string_type": "write text",
    "string_too_short": "write text, or leave it out",
    "string_too_long": "write shorter text",
    "finite_number": "write a finite number",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "of at least"),
    "greater_than": ("gt", "above"),
    "less_than_equal": ("le", "of at most"),
    "less_than": ("lt", "below"),
}


def cure_of(error: Mapping[str, Any]) -> str:
    """The cure of one of pydantic's errors; its own words where it finds something new."""
    kind, found, path = error["type"], error.get("input"), [str(step) for step in error["loc"]]
    if kind == "extra_forbidden":
        return _unknown(path)
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        return f"write a number {words} {error['ctx'][key]:g}"
    if kind == "literal_error":
        return did_you_mean(found, re.findall(r"'([^']*)'", str(error["ctx"]["expected"])))
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        keys = list(_fields(path))
        return f"write a mapping, with any of {', '.join(keys)}"
    if kind == "bool_type" and isinstance(found, str):
        return f"write true or false: in YAML 1.2 `{found}` is text"
    if kind == "string_type" and isinstance(found, bool | int | float):
        return f"write text: in quotes, if `{found}` is meant"
    return _KINDS.get(kind, str(error["msg"]))


def _unknown(path: list[str]) -> str:
    """`did you mean`, or the section that a key belongs in."""
    *sections, key = path
    known = _fields(sections)
    elsewhere = [section for section in _section_names() if key in _fields([section]) and [section] != sections]
    if sections and key in SweepFile.model_fields:
        return "no such key here: it belongs at the top of the file"
    if elsewhere:
        return f"no such key here: it belongs in a section, `{elsewhere[0]}: {{{key}: ...}}`"
    return f"no such key: {did_you_mean(key, known, at_most=len(known))}"


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    """`X` of `X`, `X` and None of `X | None`."""
    return get_args(annotation) or (annotation,)


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _section_names() -> list[str]:
    return [name for name in SweepFile.model_fields if _fields([name])]


def _fields(path: list[str]) -> Mapping[str, Any]:
    """The keys of the section at `path`."""
    model: Any = SweepFile
    for step in path:
        field = model.model_fields.get(step)
        model = None if field is None else next(filter(_is_section, _alternatives(field.annotation)), None)
        if model is None:
            return {}
    fields: Mapping[str, Any] = model.model_fields
    return fields
