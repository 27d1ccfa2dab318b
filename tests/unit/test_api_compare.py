"""Runs compared: what is said of the difference, what differs and nothing else, what is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.compare_kit import BATCH, LR, SWEEP, compared, lines, write
from tests.unit.night_histories import history
from tuner.api.compare import MOST, comparison
from tuner.api.compared import bounds
from tuner.errors import Fault, InputError
from tuner.records.comparison import BETTER, LEADS, NONE, NOT_THERE, SAME, TIED, UNKNOWN, Comparison, Difference
from tuner.records.trial import ParameterRecord
from tuner.report.compare_rows import same_told

NARROW = SWEEP.replace("1e-5, 1]", "1e-4, 0.1]")


def rows(differences: Sequence[Difference]) -> dict[str, tuple[str, ...]]:
    return {one.what: one.told for one in differences}


def test_two_runs_that_differ_in_one_bound_say_exactly_that(tmp_path: Path) -> None:
    write(tmp_path, "wide")
    write(tmp_path, "narrow", lines("narrow", parameters=(LR | {"low": 1e-4, "high": 0.1}, BATCH)), file=NARROW)
    found = compared(tmp_path, "wide", "narrow")
    assert rows(found.settings) == {"space.lr": ("1e-05 to 1 (log)", "0.0001 to 0.1 (log)")}
    assert (found.of_the_run, found.conditions, found.packages) == ((), (), ())


def test_a_run_beside_itself_differs_in_nothing(tmp_path: Path) -> None:
    write(tmp_path, "one", lines("one", seeds=(0.2, 0.21, 0.22)))
    found = compared(tmp_path, "one", "one")
    assert not found.differs
    assert (found.answer.level, found.answer.leader, found.answer.pairs) == (SAME, None, ())
    assert found.answer.says == "Both come to the same val_loss 0.21"
    assert not found.mix.differs


def test_added_and_removed_parameters_and_what_is_of_the_run(tmp_path: Path) -> None:
    write(tmp_path, "old")
    file = SWEEP.replace("fixed: {width: 16}", "fixed: {width: 32}").replace(
        "batch_size: {choice: [32, 64, 128]}", "dropout: {float: [0, 0.5], default: 0.1}"
    )
    file = file.replace("seed: 7", "seed: 8\ndata: {dir: elsewhere}").replace("max_epochs: 9", "max_epochs: 18")
    file = file.replace("trials: 12,", "trials: 12, warm_start: [old],")
    dropout = {"name": "dropout", "kind": "float", "low": 0, "high": 0.5}
    sweep = lines("new", parameters=(LR, dropout))
    write(tmp_path, "new", sweep, file=file, commit="ffffffffff", packages={"numpy": "2.0.0", "torch": "2.16.0"})
    found = compared(tmp_path, "old", "new")
    assert list(rows(found.settings)) == [
        "space.batch_size",
        "space.dropout",
        "fixed.width",
        "search.max_epochs",
        "seed",
    ]
    assert rows(found.settings)["space.batch_size"] == ("32, 64 or 128", NOT_THERE)
    assert rows(found.settings)["space.dropout"] == (NOT_THERE, "0 to 0.5, default 0.1")
    assert list(rows(found.of_the_run)) == ["data.dir", "search.warm_start"]
    assert rows(found.conditions) == {"code": ("1a2b3c4", "fffffff")}
    assert rows(found.packages) == {"torch": ("2.15.0", "2.16.0")}


@pytest.mark.parametrize(
    ("one", "other", "level", "leader"),
    [
        ({"seeds": (0.2, 0.21, 0.22)}, {"seeds": (0.4, 0.41, 0.42)}, BETTER, "A"),
        ({"seeds": (0.2, 0.21, 0.22)}, {"seeds": (0.2, 0.22, 0.22)}, TIED, "A"),
        ({"seeds": (0.2, 0.21, 0.22)}, {"floor": 0.5}, BETTER, "A"),
        ({"floor": 0.1}, {"seeds": (0.4, 0.41, 0.42)}, LEADS, "A"),
        ({"floor": 0.1}, {"floor": 0.5, "seed": 1}, LEADS, "A"),
        ({"floor": 0.2}, {"floor": 0.201, "seed": 1, "noise": 0.05}, TIED, None),
        ({"floor": 0.1, "trials": 2}, {"floor": 0.5, "trials": 2}, UNKNOWN, "A"),
        ({"seeds": (0.2, 0.21, 0.22)}, {"seeds": (0.4, 0.41, 0.42), "data": "other"}, LEADS, "A"),
        ({}, {"metric": "val_accuracy", "mode": "max"}, NONE, None),
        ({}, {"trials": 0}, NONE, None),
    ],
)
def test_how_surely_one_is_better(tmp_path: Path, one: dict, other: dict, level: str, leader: str | None) -> None:  # type: ignore[type-arg]
    write(tmp_path, "one", lines("one", **one))
    write(tmp_path, "other", lines("other", **other))
    there, back = compared(tmp_path, "one", "other").answer, compared(tmp_path, "other", "one").answer
    assert there.level == back.level == level
    if leader is not None:
        assert (there.leader, back.leader) == ("A", "B")
    if level == NONE:
        assert there.says.startswith("Which is better cannot be said")
        assert there.leader is None
    assert bool(there.caveat) == (level in (LEADS, UNKNOWN) and "seeds" not in one)


def test_other_tasks_have_no_winner(tmp_path: Path) -> None:
    write(tmp_path, "one")
    sweep = lines("two")
    sweep.lines[0]["task"] = "fashion"
    write(tmp_path, "two", sweep)
    found = compared(tmp_path, "one", "two")
    assert "they learn different tasks: A is digits, B is fashion" in found.answer.says


def test_the_mix_of_verdicts(tmp_path: Path) -> None:
    write(tmp_path, "fine")
    write(tmp_path, "bad", lines("bad", overfitting=9))
    write(tmp_path, "slightly", lines("slightly", overfitting=2))
    there, back = compared(tmp_path, "fine", "bad").mix, compared(tmp_path, "bad", "fine").mix
    assert there.differs
    assert there.chance == back.chance < 0.01
    assert not compared(tmp_path, "fine", "slightly").mix.differs
    assert compared(tmp_path, "fine", "slightly", "bad").mix.differs


def mirrored(found: Comparison) -> dict[str, object]:
    """What is said, by names rather than by letters."""
    names = {side.label: side.name for side in found.sides}
    answer = found.answer
    every = (*found.settings, *found.of_the_run, *found.conditions, *found.packages)
    return {
        "level": answer.level,
        "leader": names.get(answer.leader or ""),
        "pairs": {names[pair.label]: (pair.level, pair.behind, pair.interval) for pair in answer.pairs},
        "differs": {one.what: dict(zip(names.values(), one.told, strict=True)) for one in every},
        "mix": (found.mix.differs, pytest.approx(found.mix.chance)),
    }


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(["a", "b", "c", "d"]))
def test_the_order_of_runs_mirrors_the_answer(tmp_path: Path, order: list[str]) -> None:
    if not (tmp_path / "a").is_dir():
        write(tmp_path, "a", lines("a", seeds=(0.2, 0.21, 0.22)))
        write(tmp_path, "b", lines("b", floor=0.4, seed=1, overfitting=9), file=NARROW, commit="ffffffffff")
        write(tmp_path, "c", lines("c", floor=0.25, seed=2, trials=8), packages={"numpy": "2.1.0"})
        write(tmp_path, "d", lines("d", floor=0.25, seed=3, data="other"), file=SWEEP.replace("seed: 7", "seed: 9"))
    assert mirrored(compared(tmp_path, *order)) == mirrored(compared(tmp_path, "a", "b", "c", "d"))


def test_all_that_cannot_be_compared_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_store(*_: object) -> None:
        raise InputError("mlflow:none", (Fault("--uri", "mlflow.db", "no such MLflow store"),))

    monkeypatch.setattr("tuner.tracking.read_sweep", no_store)
    write(tmp_path, "one")
    for words in ((), ("one",), ("one",) * (MOST + 1)):
        with pytest.raises(InputError, match="name 2 to 10 runs"):
            compared(tmp_path, *words)
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "journal.jsonl").write_text("")
    with pytest.raises(InputError) as caught:
        compared(tmp_path, "one", "gone", "empty", "mlflow:none")
    assert [fault.found for fault in caught.value.faults[:2]] == ["gone", "empty"]
    assert "no such MLflow store" in caught.value.faults[2].cure


def test_a_run_that_has_not_ended_or_whose_sweep_file_is_unreadable_is_compared_all_the_same(tmp_path: Path) -> None:
    sweep = lines("running", parameters=(LR,))
    del sweep.lines[-1]
    write(tmp_path, "running", sweep, file="task: gone:away\nspace: {}\n")
    write(tmp_path, "one")
    found = compared(tmp_path, "running", "one")
    assert len(found.notes) == 2
    assert found.notes[0].startswith("A: its sweep file cannot be read")
    assert found.notes[1] == "A: it has not ended: 12 of 12 trials so far"
    assert rows(found.settings) == {"space.batch_size": (NOT_THERE, "32, 64 or 128")}


def test_a_night_is_the_run_that_it_was(tmp_path: Path) -> None:
    write(tmp_path, "run-of-the-night")
    write(tmp_path, "other")
    night = replace(history(1)[0], run="run-of-the-night", path=str(tmp_path / "run-of-the-night"))
    folder = tmp_path / "digits-nights"
    folder.mkdir()
    (folder / f"{night.id}.json").write_text(json.dumps(night.to_json()))
    for word in (night.id, f"digits-nights/{night.id}", str(folder / f"{night.id}.json")):
        found = compared(tmp_path, word, "other")
        assert [(side.name, side.source) for side in found.sides] == [("run-of-the-night", "night"), ("other", "run")]
    (tmp_path / "other-nights").mkdir()
    (tmp_path / "other-nights" / f"{night.id}.json").write_text(json.dumps(night.to_json()))
    with pytest.raises(InputError, match=f"digits-nights/{night.id}, other-nights/{night.id}"):
        compared(tmp_path, night.id, "other")


def test_bounds_in_words() -> None:
    assert bounds(ParameterRecord("width", "int", 4, 256, log=True)) == "4 to 256 (whole, log)"
    assert bounds(ParameterRecord("lr", "float", 0.1, 0.30000000000000004)) == "0.1 to 0.30000000000000004"
    assert bounds(ParameterRecord("x", "choice", options=("a", 1, True, None))) == "a, 1, true or null"
    assert bounds(ParameterRecord("x", "constant", options=(0.9,))) == "0.9"


def test_sides_without_settings_are_not_said_to_differ(tmp_path: Path) -> None:
    write(tmp_path, "one")
    write(tmp_path, "two", file=NARROW)
    sides = compared(tmp_path, "one", "two").sides
    found = comparison((sides[0], replace(sides[1], settings=None, space={}, code="unknown", packages={})))
    assert not found.differs
    assert same_told(found) == "The same: data. Not known of every run: bounds and settings, code, packages."
