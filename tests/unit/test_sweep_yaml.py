"""YAML as a sweep file has it: 1.2's values, lines, anchors, and one clear fault for what is no YAML."""

from __future__ import annotations

import math

import pytest

from tests.unit.sweep_kit import CATALOGUE, SMALL, faults_of, only_fault, read
from tuner.errors import InputError, SweepFileError
from tuner.sweep import read_sweep
from tuner.sweep.tree import Faults, plain
from tuner.sweep.yaml12 import parse_yaml, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("1E5", 1e5),
        (".5", 0.5),
        ("5.", 5.0),
        ("-0", 0),
        ("007", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("+.inf", math.inf),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
    ],
)
def test_core_schema_values(text: str, value: object) -> None:
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


@pytest.mark.parametrize(
    "text", ["no", "off", "yes", "on", "y", "1_000", "0b11", "12:30", "1e", "e5", "0o8", "nan", "-"]
)
def test_what_only_yaml_1_1_makes_a_value_of_is_text(text: str) -> None:
    assert resolve(text) == text


def test_quotes_and_tags_decide_before_the_form_does() -> None:
    faults = Faults()
    tree = parse_yaml("a: '1'\nb: \"true\"\nc: !!str 1e-5\nd: !!float 3\ne: ! 3\nf: |\n  5\n", faults)
    assert not faults
    assert tree is not None
    assert plain(tree) == {"a": "1", "b": "true", "c": "1e-5", "d": 3.0, "e": "3", "f": "5\n"}


LAUGHS = "x: &a [1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdef", "bcdefg", strict=True)
)
"""Each line holds nine times the one before."""


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("task: digits\nspace: [1, 2\nmodel: mlp\n", 3, "flow sequence"),
        ("task: digits\nspace:\n\t- lr\n", 3, "tab"),
        ('task: "digits\n', 2, "quoted scalar"),
        ("task: digits\nmodel: *mlp\n", 2, "names no anchor"),
        ("x-a: &a [1, *a]\n", 1, "would hold itself"),
        ("task: digits\n---\ntask: digits\n", 2, "second document"),
        ("task: digits\nname: \x01\n", 2, "character"),
        ("task: digits\nx: " + "[" * 2000, 2, "nested more than"),
        (LAUGHS, 5, "unfolds"),
    ],
)  # fmt: skip
def test_broken_yaml_is_one_fault_with_its_line(text: str, line: int, word: str) -> None:
    fault = only_fault(text)
    assert fault.line == line
    assert word in fault.cure


def test_a_tag_that_is_not_known_or_not_true_is_a_fault() -> None:
    found = faults_of(SMALL + "seed: !!int text\nname: !python/object:os.system x\n")
    assert [fault.line for fault in found if "tag" in fault.cure] == [5, 6]


def test_a_key_given_twice_is_a_fault_with_both_lines() -> None:
    fault = only_fault(SMALL + "seed: 1\nname: twice\nseed: 2\n")
    assert fault.line == 7
    assert "in lines 5 and 7" in fault.cure


def test_a_nested_key_given_twice_too() -> None:
    fault = only_fault(SMALL + "  lr: {choice: [0.1, 0.2]}\n")
    assert (fault.where, fault.line) == ("lr", 5)


def test_anchors_live_under_x_keys_and_merge() -> None:
    sweep = read("""\
        x-wide: &wide {width: {int: [8, 64]}, depth: 2}
        x-anything: [1, {two: no}]
        task: digits
        space:
          lr: &rate {float: [0.1, 1]}
          model:
            choice:
              mlp: {<<: *wide, depth: 3}
              cnn: {width: {choice: [16]}}
          weight_decay: *rate
        """)
    assert sweep.space["weight_decay"].domain == sweep.space["lr"].domain
    assert sweep.space["model.mlp.depth"].domain.contains(3)
    assert sweep.space["model.mlp.width"].domain.contains(64)


def test_a_merge_of_something_else_is_a_fault() -> None:
    assert "mapping" in only_fault(SMALL + "fixed:\n  <<: 3\n").cure


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n"])
def test_an_empty_file_says_what_is_needed(text: str) -> None:
    assert "is empty" in only_fault(text).cure


@pytest.mark.parametrize("text", ["- task: digits\n", "just words\n", "3\n"])
def test_anything_but_a_mapping_at_the_top_is_one_fault(text: str) -> None:
    fault = only_fault(text)
    assert (fault.line, "is a mapping" in fault.cure) == (1, True)


def test_a_file_that_is_not_utf_8(tmp_path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"task: digits\nname: caf\xe9\n")
    with pytest.raises(SweepFileError) as caught:
        read_sweep(path, catalogue=CATALOGUE)
    assert [(fault.line, fault.where) for fault in caught.value.faults] == [(2, "encoding")]


def test_a_byte_order_mark_is_no_fault(tmp_path) -> None:
    path = tmp_path / "windows.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert read_sweep(path, catalogue=CATALOGUE).name == "windows"


def test_names_of_shipped_sweeps_and_paths(tmp_path) -> None:
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    (shipped / "digits_mlp.yaml").write_text(SMALL)
    assert read_sweep("digits_mlp", catalogue=CATALOGUE, shipped=shipped).task == "digits"
    assert read_sweep(shipped / "digits_mlp.yaml", catalogue=CATALOGUE).slug == "digits-mlp"
    for wrong, cure in [
        ("digits_mpl", "did you mean `digits_mlp`?"),
        (str(shipped / "digits_mlp.yml"), "did you mean `digits_mlp.yaml`?"),
        (str(shipped), "is a folder"),
    ]:
        with pytest.raises(InputError) as caught:
            read_sweep(wrong, catalogue=CATALOGUE, shipped=shipped)
        assert cure in str(caught.value)
        assert caught.value.exit_code == 2
