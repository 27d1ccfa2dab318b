"""Writes docs/api.md from the public names' own docstrings and signatures: `python docs/write_api_page.py`.

A test holds the page against `page()`, so a changed docstring shows up as a page to write anew.
"""

from __future__ import annotations

import ast
import inspect
import itertools
from functools import cached_property
from pathlib import Path
from typing import Any

import tuner

HEAD = """# The Python API

Written by `python docs/write_api_page.py` from the docstrings. `import tuner` is cheap: torch, ray, mlflow and pandas
are loaded when they are used.
"""


def page() -> str:
    functions = [name for name in tuner.__all__ if inspect.isfunction(getattr(tuner, name))]
    classes = [name for name in tuner.__all__ if name not in functions]
    return "\n".join([HEAD, *(entry(name, getattr(tuner, name)) for name in [*functions, *classes])])


def entry(name: str, what: Any) -> str:
    rows = [f"### `tuner.{name}`", ""]
    if inspect.isfunction(what):
        rows += ["```python", signature(name, what), "```", "", inspect.getdoc(what) or "", ""]
        return "\n".join(rows)
    if issubclass(what, BaseException):
        rows += [f"{inspect.getdoc(what)} ({', '.join(base.__name__ for base in what.__bases__)})", ""]
        return "\n".join(rows)
    rows += [inspect.getdoc(what) or "", ""]
    rows += [f"- `.{field}`" + (f": {says}" if says else "") for field, says in fields(what)]
    for member, value in vars(what).items():
        if member.startswith("_") or any(member in vars(base) for base in what.__mro__[1:-1]):
            continue  # what a library calls, and documents itself
        if isinstance(value, property | cached_property):
            rows.append(f"- `.{member}`: {one_line(value)}")
        elif inspect.isfunction(value):
            rows.append(f"- `.{signature(member, value)}`: {one_line(value)}")
    return "\n".join([*rows, ""])


def fields(what: Any) -> list[tuple[str, str]]:
    """The public attributes that the class or its __init__ sets, each with the string that stands under it."""
    (body,) = (node.body for node in ast.parse(inspect.getsource(what)).body if isinstance(node, ast.ClassDef))
    inits = [node.body for node in body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    found = []
    for statements in [body, *inits]:
        for node, after in itertools.zip_longest(statements, statements[1:]):
            if isinstance(node, ast.AnnAssign | ast.Assign):
                target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
                name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "_")
                says = (
                    after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
                )
                if not name.startswith("_"):
                    found.append((name, " ".join(says.split())))
    return found


def signature(name: str, function: Any) -> str:
    """The call as it is written: names, kinds and defaults, without the types."""
    plain = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name != "self"
    ]
    return f"{name}{inspect.Signature(plain)}"


def one_line(what: Any) -> str:
    return " ".join((inspect.getdoc(what) or "").split())


if __name__ == "__main__":
    target = Path(__file__).with_name("api.md")
    target.write_text(page(), encoding="utf-8")
    print(target)
