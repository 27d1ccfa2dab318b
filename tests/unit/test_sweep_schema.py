"""The JSON Schema of a sweep file: valid itself, open to every good file, closed to what one place can show wrong."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.unit.sweep_kit import CATALOGUE, DESIGN, SMALL, with_space
from tests.unit.test_sweep_faults import NINE
from tuner.sweep import dump_sweep, json_schema, read_sweep
from tuner.sweep.sections import SweepFile
from tuner.sweep.tree import Faults, plain
from tuner.sweep.yaml12 import parse_yaml
from tuner.training import catalogue

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "search_spaces").glob("*.yaml"))
SCHEMA = json_schema(CATALOGUE)


def values(text: str) -> Any:
    tree = parse_yaml(textwrap.dedent(text), Faults())
    assert tree is not None
    return plain(tree)


def accepts(text: str, schema: Any = SCHEMA) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(values(text))


def test_it_is_a_schema_of_draft_2020_12() -> None:
    for table in (CATALOGUE, catalogue.CATALOGUE):
        schema = json_schema(table)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        jsonschema.Draft202012Validator.check_schema(schema)


def test_it_accepts_all_shipped_files_which_the_reader_reads() -> None:
    assert SHIPPED, "no sweep file in search_spaces/"
    schema = json_schema(catalogue.CATALOGUE)
    for path in SHIPPED:
        assert accepts(path.read_text(), schema), path
        sweep = read_sweep(path, catalogue=catalogue.CATALOGUE)
        assert accepts(dump_sweep(sweep), schema), path


@pytest.mark.parametrize(
    "text",
    [
        DESIGN,
        SMALL,
        SMALL + "x-any: {thing: [1]}",
        SMALL + "fixed: {optimizer: {sgd: {momentum: 0.9}}, dropout: 0.1}",
        SMALL
        + "metric: {name: val_accuracy, mode: max}\nsearch: {algorithm: {grid: {points: 3}}, scheduler: none}\nstop:",
        with_space("optimizer: {choice: {adamw: , sgd: {lr: {float: [0.1, 1]}}}}"),
        "task: digits\nmodel: pkg.nets:build\nspace: {heads: {int: [1, 3]}}",
        "loop: pkg.train:loop\nspace: {lr: fast, optimizer: {choice: [mine]}}",
    ],
)
def test_good_files_are_accepted(text: str) -> None:
    assert accepts(text)


@pytest.mark.parametrize(
    "text",
    [
        NINE,
        SMALL + "sede: 3",
        SMALL + "search: {trails: 3}",
        SMALL + "search: {algorithm: bayes}",
        SMALL + "search: {scheduler: {asha: {eta: 1}}}",
        SMALL + "loop: pkg.train:loop",
        SMALL + "metric: val_accuracy",
        SMALL + "nightly: {window: 3}",
        with_space("lr: [0.1, 0.2]"),
        with_space("lr: {flaot: [0.1, 0.2]}"),
        with_space("lr: {float: [0.1, 0.2, 0.3]}"),
        with_space("lr: {float: [0, 1]}"),
        with_space("optimizer: {choice: [adamww]}"),
        with_space("optimizer: {choice: {adamww: {}}}"),
        "space: {lr: 0.1}",
    ],
)
def test_bad_files_are_not(text: str) -> None:
    assert not accepts(text)


def test_every_key_says_what_it_is_and_its_default() -> None:
    definitions = [SCHEMA, *(SCHEMA["$defs"][name] for name in SCHEMA["$defs"] if name.endswith("Section"))]
    assert len(definitions) == 12
    for definition in definitions:
        for name, prop in definition["properties"].items():
            assert prop.get("description"), name
    assert SCHEMA["required"] == ["space"]
    assert set(SCHEMA["properties"]) == set(SweepFile.model_fields)
