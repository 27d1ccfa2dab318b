"""`tracking: {curves: top}`: whose epochs are in MLflow, however often and wherever the follower was killed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tracking_kit import Crash, FailAt, JournalBuilder, MemoryStore, catch_up, followed, overfitting, unreachable

from tuner.tracking import catch_up as catch_up_module
from tuner.tracking import follower as follower_module
from tuner.tracking import interest
from tuner.tracking.catch_up import opened


@pytest.fixture
def journal(tmp_path: Path) -> JournalBuilder:
    return JournalBuilder(tmp_path / "runs")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for two of each kind."""
    for name in ("BEST", "FEW", "FAILURES"):
        monkeypatch.setattr(interest, name, 2)


def one(journal: JournalBuilder, number: int, values: list[float], ending: str = "completed", **more: Any) -> None:
    journal.suggest(number).start(number)
    for epoch, value in enumerate(values, 1):
        journal.report(number, epoch, val_loss=value, train_loss=value / 2)
    journal.ending(number, ending, "", **more)


def shown(store: MemoryStore) -> dict[str, list[int]]:
    """Trial -> the epochs of its curve, for those that have one."""
    curves = {
        trial: [point.step for point in held.points if point.name == "val_loss"]
        for trial, held in sorted(store.by_trial().items())
    }
    return {trial: steps for trial, steps in curves.items() if steps}


def test_who_is_among_the_best_as_it_ends_has_its_curve(journal: JournalBuilder, few: None) -> None:
    journal.sweep().driver()
    for number, value in enumerate((0.5, 0.4, 0.9, 0.3, 0.45)):
        one(journal, number, [1.0, value])
    store = MemoryStore()
    catch_up(journal.directory, store, "top")
    assert shown(store) == {"0000": [1, 2], "0001": [1, 2], "0003": [1, 2]}
    left_out = store.by_trial()["0002"]
    assert left_out.tags["tuner.curves"] == "curves.parquet of the parent run"
    assert {"best_val_loss", "last_val_loss", "epochs", "seconds"} <= {point.name for point in left_out.points}
    assert "tuner.curves" not in store.by_trial()["0003"].tags


def test_larger_is_better_where_the_sweep_says_so(journal: JournalBuilder, few: None) -> None:
    journal.sweep().driver()
    journal.directory.journal.write_text(journal.directory.journal.read_text().replace('"min"', '"max"'))
    for number, value in enumerate((0.5, 0.4, 0.3, 0.9)):
        one(journal, number, [0.1, value])
    store = MemoryStore()
    catch_up(journal.directory, store, "top")
    assert set(shown(store)) == {"0000", "0001", "0003"}


def test_points_are_those_that_all_curves_would_have_been(journal: JournalBuilder) -> None:
    """The same name, value, step and time: what another follower sent already is one point with them."""
    journal.sweep().driver()
    one(journal, 0, [0.9, 0.5, 0.4])
    journal.end()
    every, top = MemoryStore(), MemoryStore()
    catch_up(journal.directory, every, "all")
    journal.directory.tracking.unlink()
    catch_up(journal.directory, top, "top")
    assert sorted(top.by_trial()["0000"].points) == sorted(every.by_trial()["0000"].points)


def test_a_few_of_each_symptom_and_of_the_failed_ones(journal: JournalBuilder, few: None) -> None:
    journal.sweep().driver()
    for number in range(3):
        one(journal, number, [0.1, 0.1 + 0.01 * number])
    for number in range(3, 6):
        one(journal, number, [0.9, 0.95], diagnosis=overfitting())
    for number in range(6, 9):
        one(journal, number, [0.9], "failed")
    store = MemoryStore()
    catch_up(journal.directory, store, "top")
    assert set(shown(store)) == {"0000", "0001", "0003", "0004", "0006", "0007"}


def test_the_clearest_of_a_symptom_has_its_curve_when_the_sweep_ends(journal: JournalBuilder, few: None) -> None:
    journal.sweep().driver()
    for number in range(2):
        one(journal, number, [0.1])
    for number, confidence in ((2, 0.6), (3, 0.7), (4, 0.99)):
        diagnosis = overfitting()
        diagnosis["findings"][0]["confidence"] = confidence
        one(journal, number, [0.9, 0.95, 0.99], diagnosis=diagnosis)
    store = MemoryStore()
    catch_up(journal.directory, store, "top")
    assert "0004" not in shown(store)
    assert "tuner.curves" in store.by_trial()["0004"].tags
    journal.end()
    catch_up(journal.directory, store, "top")
    assert shown(store)["0004"] == [1, 2, 3]
    assert "tuner.curves" not in store.by_trial()["0004"].tags
    closing = [point for point in store.by_trial()["0004"].points if point.name == "epochs"]
    assert len(closing) == 1


def test_finalists_seeds_and_control_trials_are_seen_while_they_run(journal: JournalBuilder) -> None:
    journal.sweep().driver()
    journal.append("control", trial="control-1", nth=1, config={"lr": 0.1}, seed=1)
    journal.append("start", trial="control-1", attempt=1, after_epoch=0)
    one(journal, 0, [0.9, 0.5])
    journal.append("finalists", trials=["0000"], seeds=3)
    keys = {"of": "0000", "nth": 2, "number": 0, "config": {"lr": 0.003}, "origin": "finalist", "seed": 3}
    journal.append("further_seed", trial="0000-2", **keys)
    journal.append("start", trial="0000-2", attempt=1, after_epoch=0)
    for trial in ("control-1", "0000-2"):
        journal.report(0, 2)
        line = journal.lines.pop() | {"trial": trial, "epoch": 1}
        text = journal.directory.journal.read_text().splitlines(keepends=True)
        journal.directory.journal.write_text("".join(text[:-1]))
        journal.put(line)
    store = MemoryStore()
    catch_up(journal.directory, store, "top")
    assert shown(store) == {"0000": [1, 2], "0000-2": [1], "control-1": [1]}


def test_one_that_was_chosen_and_goes_on_is_followed_live(journal: JournalBuilder) -> None:
    journal.sweep().driver()
    one(journal, 0, [0.9, 0.5], "interrupted")
    journal.end("stopped")
    store = MemoryStore()
    catch_up(journal.directory, store, "top")
    assert store.by_trial()["0000"].tags["mlflow.note.content"].startswith("Interrupted")
    journal.driver(2).start(0, 2, 2).report(0, 3, val_loss=0.4)
    catch_up(journal.directory, store, "top")
    assert shown(store) == {"0000": [1, 2, 3]}
    assert store.by_trial()["0000"].tags["mlflow.note.content"] == "It goes on."


def story(journal: JournalBuilder) -> list[Callable[[], object]]:
    """Trials that are never interesting, at once, only at the end, and only after a resume."""

    def poor(number: int, confidence: float) -> None:
        diagnosis = overfitting()
        diagnosis["findings"][0]["confidence"] = confidence
        one(journal, number, [0.9, 0.95], diagnosis=diagnosis)

    return [
        lambda: [journal.sweep().driver(), one(journal, 0, [0.2, 0.1]), one(journal, 1, [0.2])],
        lambda: [one(journal, 2, [0.8, 0.7]), poor(3, 0.6), poor(4, 0.6)],
        lambda: [one(journal, 5, [0.9, 0.8], "interrupted"), poor(6, 0.9), journal.end("stopped", "^C")],
        lambda: [journal.driver(2).start(5, 2, 2), journal.report(5, 3, val_loss=0.05)],
        lambda: [journal.ending(5, "completed", "").end()],
    ]


def tell(runs: Path, store: MemoryStore) -> None:
    journal = JournalBuilder(runs)
    state = followed(journal.directory, store, story(journal), "top")
    assert state.complete


@pytest.mark.parametrize("error", [Crash, unreachable])
@pytest.mark.parametrize("batch_bytes", [300, 1 << 18])
def test_killed_at_any_call_the_same_curves_come_to_be_there(
    tmp_path: Path, error: Callable[[], BaseException], batch_bytes: int, monkeypatch: pytest.MonkeyPatch, few: None
) -> None:
    monkeypatch.setattr(follower_module, "BATCH_BYTES", batch_bytes)
    count = FailAt(1 << 30, Crash)
    calm = MemoryStore(fail=count)
    tell(tmp_path / "calm", calm)
    assert shown(calm) == {
        "0000": [1, 2], "0001": [1], "0003": [1, 2], "0004": [1, 2], "0005": [1, 2, 3], "0006": [1, 2],
    }  # fmt: skip
    expected = calm.content()
    assert count.moments > 50
    for moment in range(count.moments):
        store = MemoryStore(fail=FailAt(moment, error))
        tell(tmp_path / str(moment), store)
        assert store.content() == expected, f"failed at moment {moment}"


def test_the_batches_do_not_say_who_is_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: None) -> None:
    found = []
    for size in (1, 1 << 18):
        monkeypatch.setattr(follower_module, "BATCH_BYTES", size)
        store = MemoryStore()
        tell(tmp_path / str(size), store)
        found.append(shown(store))
    assert found[0] == found[1]


def test_of_a_thousand_random_trials_about_a_hundred_are_chosen(journal: JournalBuilder) -> None:
    """20 · (1 + ln(1000 / 20)) = 98 by the theory of records."""
    import numpy as np

    from tuner.records.trial import TrialRecord

    chosen, values = interest.Interest(), np.random.default_rng(3).random(1000)
    trials = [TrialRecord(f"{n:04d}", n, {}, "random", "completed", value=float(v)) for n, v in enumerate(values)]
    amount = sum(chosen.ended(trial, 1.0) for trial in trials)
    assert 75 <= amount <= 125


def test_a_trial_costs_three_requests_with_or_without_its_curve(journal: JournalBuilder, few: None) -> None:
    calls = []
    for upto in (20, 40):
        for number in range(upto - 20, upto):
            if number == 0:
                journal.sweep().driver()
            one(journal, number, [1.0, 0.5 + number])
        journal.directory.tracking.unlink(missing_ok=True)
        store = MemoryStore()
        catch_up(journal.directory, store, "top")
        calls.append(store.calls)
    assert calls[1] - calls[0] == 3 * 20


def test_another_choice_of_curves_goes_over_the_journal_again(
    journal: JournalBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.sweep().driver()
    one(journal, 0, [0.9, 0.5])
    journal.end()
    store = MemoryStore()
    store.close = lambda: None  # type: ignore[attr-defined]
    monkeypatch.setattr(catch_up_module, "MlflowStore", lambda uri, place: store)
    for curves, expected in (("none", {}), ("top", {"0000": [1, 2]}), ("all", {"0000": [1, 2]})):
        with opened(journal.directory, "sqlite:////nowhere/mlflow.db", "digits", curves) as follower:
            while follower.step():
                pass
        assert shown(store) == expected
        assert follower.state.complete
