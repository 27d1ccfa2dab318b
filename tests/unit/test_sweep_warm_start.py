"""`search.warm_start`: what it may hold, what is refused, and that it is written back."""

from __future__ import annotations

import pytest

from tests.unit.sweep_kit import CATALOGUE, SMALL, only_fault, read
from tuner.sweep import WarmStart, dump_sweep, parse_sweep


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("[]", ()),
        ("null", ()),
        ("a-run", (WarmStart("a-run"),)),
        ("[a, some/folder/b]", (WarmStart("a"), WarmStart("some/folder/b"))),
        ("[{run: a, ignore: [dropout]}]", (WarmStart("a", ("dropout",)),)),
        ('["mlflow:my-experiment", "study.db#one"]', (WarmStart("mlflow:my-experiment"), WarmStart("study.db#one"))),
        ("[{run: study.db, trust: true}]", (WarmStart("study.db", trust=True),)),
        (
            "[{run: a, rename: {lr: rate, optimizer.adam: optimizer.adamw}}]",
            (WarmStart("a", (), (("lr", "rate"), ("optimizer.adam", "optimizer.adamw"))),),
        ),
    ],
)
def test_runs_by_name_or_folder(given: str, meant: tuple[WarmStart, ...]) -> None:
    sweep = read(SMALL + f"search: {{warm_start: {given}}}\n")
    assert sweep.search.warm_start == meant
    assert parse_sweep(dump_sweep(sweep), path="again", catalogue=CATALOGUE) == sweep


@pytest.mark.parametrize(
    "given",
    [
        "[3]",
        "[[a]]",
        "[{ignore: [a]}]",
        "[{run: a, ignore: dropout}]",
        "[{run: a, of: b}]",
        "[{run: a, rename: [b]}]",
        "[{run: a, trust: 3}]",
        "['mlflow:']",
    ],
)
def test_other_forms_are_faults(given: str) -> None:
    assert only_fault(SMALL + f"search: {{warm_start: {given}}}\n").where.startswith("search.warm_start")


def test_comments_stand_above_what_they_are_on_and_change_nothing() -> None:
    sweep = read(SMALL)
    first = sweep.space.parameters[0].short
    text = dump_sweep(sweep, {"": ["of the file"], "seed": ["of\nthe seed"], f"space.{first}": ["of it"]})
    assert text.startswith("# of the file\n")
    assert "\n# of the seed\nseed: " in text
    assert f"\n  # of it\n  {first}:" in text
    assert parse_sweep(text, path="again", catalogue=CATALOGUE) == sweep
