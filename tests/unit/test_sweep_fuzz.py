"""Whatever a file holds: it is read, or its faults are said. The reader itself never falls over."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.space_strategies import SCALARS
from tests.unit.sweep_kit import CATALOGUE, DESIGN
from tuner.errors import SweepFileError
from tuner.sweep import Sweep, dump_sweep, parse_sweep, sweep_from_mapping
from tuner.sweep.sections import SECTIONS, SweepFile

KEYS = st.sampled_from(
    [
        *SweepFile.model_fields,
        *(name for section in SECTIONS for name in SweepFile.model_fields[section].annotation.model_fields),  # type: ignore[union-attr]
        *("float", "int", "choice", "log", "default", "mlp", "cnn", "sgd", "adamw", "optimizer", "lr", "dropout"),
        *("momentum", "activation", "leaky_relu", "huber", "x-y", "name", "mode", "asha", "tpe", "grace", "split"),
    ]
)
VALUES = st.one_of(
    SCALARS,
    KEYS,
    st.sampled_from(["pkg.nets:build", "val_loss", "digits", 10**400, float("nan"), float("inf"), "1e-5", ""]),
)
TREES = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | SCALARS, inner, max_size=4),
    max_leaves=12,
)


def check(read: Any) -> None:
    try:
        sweep = read()
    except SweepFileError as error:
        assert error.faults
        assert all(fault.cure and fault.where for fault in error.faults)
        assert str(error)
    else:
        assert isinstance(sweep, Sweep)
        assert parse_sweep(dump_sweep(sweep), path="again.yaml", catalogue=CATALOGUE) == sweep


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(KEYS, TREES, max_size=5))
def test_any_mapping(data: dict[str, Any]) -> None:
    check(lambda: sweep_from_mapping({"task": "digits", "model": "mlp", "space": {}, **data}, catalogue=CATALOGUE))


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(KEYS, TREES, max_size=3),
    st.dictionaries(KEYS, TREES, max_size=3),
    st.sampled_from(["task", "own", "loop"]),
)
def test_any_space_and_fixed(space: dict[str, Any], fixed: dict[str, Any], trained: str) -> None:
    start = {
        "task": {"task": "digits"},
        "own": {"task": "digits", "model": "pkg.nets:build"},
        "loop": {"loop": "pkg.train:loop"},
    }[trained]
    check(lambda: sweep_from_mapping({**start, "space": space, "fixed": fixed}, catalogue=CATALOGUE))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_damage_to_a_good_file(data: st.DataObject) -> None:
    text = DESIGN
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        until = data.draw(st.integers(at, min(at + 8, len(text))))
        put = data.draw(st.text(alphabet="{}[]:,-#&*!|>'\"% \n\t0aeé\x00", max_size=4))
        text = text[:at] + put + text[until:]
    check(lambda: parse_sweep(text, path="damaged.yaml", catalogue=CATALOGUE))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(KEYS | st.sampled_from(["0", "1"]), min_size=1, max_size=5), st.text(alphabet="{}[]:, 01ae-.", max_size=12)
)
def test_any_flag(steps: list[str], text: str) -> None:
    path = ".".join(steps)
    check(lambda: parse_sweep(DESIGN, path="flag.yaml", catalogue=CATALOGUE, overrides={path: text}))
