"""docs/search.md names every searcher and scheduler with its options, and what they see of a long history."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tuner.search import cma_es, gp, rung_tpe, tpe, windowed_storage
from tuner.sweep.methods import ALGORITHMS, SCHEDULERS, Method
from tuner.sweep.sections import SearchSection

PAGE = (Path(__file__).parents[2] / "docs" / "search.md").read_text(encoding="utf-8")


def rows(name: str) -> list[str]:
    return re.findall(rf"^\| `{name}` \|.*$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("method", [*ALGORITHMS.values(), *SCHEDULERS.values()], ids=lambda method: method.name)
def test_each_has_its_row_with_its_options(method: Method) -> None:
    assert rows(method.name)
    for option in method.options:
        assert f"`{option.name}`" in rows(method.name)[0]
    if method.name in ("asha", "tpe", "gp", "grid", "median"):
        assert all(f"`{option.name}` ({option.default})" in rows(method.name)[0] for option in method.options)


def test_the_defaults_are_the_sections() -> None:
    fields = SearchSection.model_fields
    assert f"sweep takes `{fields['algorithm'].default}` with `{fields['scheduler'].default}`" in PAGE


@pytest.mark.parametrize(
    ("name", "limits", "running"),
    [("tpe", tpe.LIMITS, windowed_storage.RUNNING), ("gp", gp.LIMITS, gp.RUNNING)],
)
def test_the_parts_of_a_long_history_are_the_codes(name: str, limits: tpe.Limits, running: int) -> None:
    assert rows(name)[1] == f"| `{name}` | {limits.best} | {limits.recent} | {limits.spread} | {running} |"


def test_what_the_default_sees() -> None:
    seen = f"| the best tenth, at most {rung_tpe.MOST} | the others' latest {rung_tpe.REST} |"
    assert seen in rows("rung_tpe")[1]


def test_cma_es_sees_its_latest() -> None:
    assert f"the latest {cma_es.LIMITS.recent} |" in rows("cmaes")[1]
