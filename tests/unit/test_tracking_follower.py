"""What the follower writes of a journal, and that no crash, failure or slow server makes it lose or double anything."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from tracking_kit import (
    Crash,
    FailAt,
    Held,
    JournalBuilder,
    MemoryStore,
    catch_up,
    followed,
    follower_of,
    overfitting,
    unreachable,
)

from tuner.tracking import follower as follower_module
from tuner.tracking.follower import Follower
from tuner.tracking.state import TrackingState
from tuner.tracking.store import RUNNING, Point


@pytest.fixture
def journal(tmp_path: Path) -> JournalBuilder:
    return JournalBuilder(tmp_path / "runs")


def test_every_ending_has_its_status_in_mlflow(journal: JournalBuilder) -> None:
    journal.sweep().driver().trial(0, 5).trial(1, 1, "pruned", "3rd of 3").trial(2, 1, "doomed", "NaN")
    journal.trial(3, 2, "failed", "ValueError: no").trial(4, 2, "interrupted", "^C").suggest(5).start(5).report(5, 1)
    store = MemoryStore()
    catch_up(journal.directory, store)
    runs = store.by_trial()
    statuses = {trial: run.status for trial, run in runs.items()}
    assert statuses == {
        "": "RUNNING",
        "0000": "FINISHED",
        "0001": "KILLED",
        "0002": "KILLED",
        "0003": "FAILED",
        "0004": "KILLED",
        "0005": "RUNNING",
    }
    assert [run.tags["tuner.ending"] for trial, run in sorted(runs.items()) if trial] == [
        "completed", "pruned", "doomed", "failed", "interrupted", "running",
    ]  # fmt: skip
    assert runs["0001"].tags["tuner.reason"] == "3rd of 3"


@pytest.mark.parametrize(
    ("status", "expected"), [("finished", "FINISHED"), ("stopped", "KILLED"), ("failed", "FAILED")]
)
def test_the_parent_ends_as_the_sweep_does(journal: JournalBuilder, status: str, expected: str) -> None:
    journal.sweep().driver().trial(0, 2).end(status, "the reason")
    store = MemoryStore()
    catch_up(journal.directory, store)
    parent = store.by_trial()[""]
    assert (parent.status, parent.tags["tuner.status"], parent.tags["tuner.reason"]) == (expected, status, "the reason")
    assert (parent.name, parent.ended_at) == (journal.directory.name, round(journal.at * 1000))


def test_a_child_holds_its_configuration_curves_best_values_and_findings(journal: JournalBuilder) -> None:
    journal.sweep().driver().suggest(0).start(0)
    for epoch, loss in enumerate((0.9, 0.3, 0.5), 1):
        journal.report(0, epoch, train_loss=1.0 / epoch, val_loss=loss, val_accuracy=1.0 - loss, lr=0.1)
    journal.ending(0, "completed", "patience 1", diagnosis=overfitting())
    store = MemoryStore()
    catch_up(journal.directory, store)
    parent, child = store.by_trial()[""], store.by_trial()["0000"]
    run_ids = {held.name: run_id for run_id, held in store.runs.items()}
    assert child.name == "0000"
    assert child.tags["mlflow.parentRunId"] == run_ids[parent.name]
    assert child.params == {"lr": "0.003", "optimizer": "sgd", "optimizer.sgd.momentum": "0.9"}
    curve = [(point.step, point.value) for point in child.points if point.name == "val_loss"]
    assert curve == [(1, 0.9), (2, 0.3), (3, 0.5)]
    times = [point.at for point in child.points if point.name == "val_loss"]
    assert times == [round(line["at"] * 1000) for line in journal.lines if line["kind"] == "report"]
    at_best = {point.name: (point.value, point.step) for point in child.points if point.name.startswith("best_")}
    last = [(point.value, point.step) for point in child.points if point.name == "last_val_loss"]
    assert last == [(0.5, 3)]
    assert at_best == {
        "best_epoch": (2.0, 2),
        "best_val_loss": (0.3, 2),
        "best_val_accuracy": (0.7, 2),
        "best_train_loss": (0.5, 2),
    }
    assert child.tags["tuner.verdict"] == "overfitting"
    assert child.tags["tuner.finding.overfitting"] == "0.90 since epoch 3: validation loss rose from 0.3 to 0.5"


def test_the_parent_holds_code_versions_dataset_and_artifacts(journal: JournalBuilder) -> None:
    there = journal.directory
    there.environment.write_text('{"git": {"commit": "abc123", "dirty": true}, "versions": {"torch": "2.15.0"}}')
    there.sweep.write_text("search: {algorithm: tpe, trials: 4}\nfixed: {schedule: cosine, split: [0.8, 0.2]}\n")
    there.summary.write_text("{}")
    there.report.write_text("<html>")
    for table in (there.trials, there.curves, there.findings):
        table.write_bytes(b"PAR1")
    journal.keep_weights("0000", 1)
    journal.keep_weights("0001", 5)
    journal.sweep().driver().trial(0, 1).trial(1, 5).end()
    store = MemoryStore()
    catch_up(there, store)
    parent = store.by_trial()[""]
    assert parent.tags["mlflow.source.git.commit"] == "abc123"
    assert (parent.tags["tuner.git.dirty"], parent.tags["tuner.version.torch"]) == ("true", "2.15.0")
    assert (parent.params["fixed.schedule"], parent.params["search.algorithm"]) == ("cosine", "tpe")
    assert parent.datasets == {"digits " + "5f" * 16}
    assert parent.artifacts == {"sweep.yaml", "environment.json", "summary.json", "report.html"} | {
        "trials.parquet", "curves.parquet", "findings.jsonl",
    }  # fmt: skip
    assert (parent.models, store.by_trial()["0000"].models) == ({"0001 epoch 5"}, {"0000 epoch 1"})
    assert parent.tags["tuner.best_trial"] == "0001"
    assert parent.tags["mlflow.note.content"].startswith("**Trial 0001 is the best**")
    numbers = {point.name: point.value for point in parent.points}
    assert (numbers["best_epoch"], numbers["seconds"], numbers["trials_completed"]) == (5.0, 1.0, 2.0)


def test_what_is_measured_beside_the_journal_goes_to_the_sweeps_run_while_it_runs(journal: JournalBuilder) -> None:
    store, asked = MemoryStore(), []

    def measured(began: float) -> list[Point]:
        asked.append(began)
        return [Point("system/cpu_utilization_percentage", 50.0, len(asked), 1000 * len(asked))]

    state = TrackingState("memory", "digits")
    follower = Follower(journal.directory, store, state, lambda _: None, measured=measured)
    journal.sweep().driver().trial(0, 1)
    began = journal.lines[0]["at"]
    follower.step()
    follower.step()
    journal.end()
    follower.step()
    assert asked == [began, began]
    shown = [point for point in store.by_trial()[""].points if point.name.startswith("system/")]
    assert [point.step for point in shown] == [1, 2]
    assert store.by_trial()[""].tags["tuner.status"] == "finished"


def test_of_a_loop_of_ones_own_the_file_that_it_kept_is_copied(journal: JournalBuilder) -> None:
    folder = journal.directory.trial_checkpoints("0000")
    folder.mkdir(parents=True)
    (folder / "best.ckpt").write_bytes(b"weights")
    journal.sweep(task=None).driver().trial(0, 1).end()
    store = MemoryStore()
    catch_up(journal.directory, store)
    assert store.by_trial()[""].artifacts == {"best_checkpoint/best.ckpt"}
    assert store.by_trial()[""].models == set()


def test_a_model_that_is_refused_is_said_and_tried_again_by_the_next_follower(journal: JournalBuilder) -> None:
    journal.keep_weights("0000", 1)
    journal.sweep().driver().trial(0, 1).end()
    store = MemoryStore(refuses_models=True)
    state = catch_up(journal.directory, store).state
    assert (state.complete, state.problem) == (False, "the best model: too old a server")
    assert store.by_trial()["0000"].status == "FINISHED"
    store.refuses_models = False
    state = catch_up(journal.directory, store).state
    assert (state.complete, state.problem) == (True, "")
    assert store.by_trial()[""].models == {"0000 epoch 1"}


def test_weights_that_cannot_be_read_are_said_and_cost_nothing_else(journal: JournalBuilder) -> None:
    journal.keep_weights("0000", 1).write_bytes(b"half of a fi")
    journal.sweep().driver().trial(0, 1).end()
    store = MemoryStore()
    state = catch_up(journal.directory, store).state
    assert "best.safetensors: is no file of weights" in state.problem
    assert store.by_trial()[""].status == "FINISHED"


def test_a_sweep_that_went_on_to_a_better_one_has_both_models(journal: JournalBuilder) -> None:
    journal.keep_weights("0000", 1)
    journal.sweep().driver().trial(0, 1).end()
    store = MemoryStore()
    catch_up(journal.directory, store)
    journal.keep_weights("0001", 5)
    journal.driver(2).trial(1, 5).end()
    catch_up(journal.directory, store)
    assert store.by_trial()[""].models == {"0000 epoch 1", "0001 epoch 5"}


def test_nan_stays_nan_and_an_infinity_is_said_in_a_tag(journal: JournalBuilder) -> None:
    journal.sweep().driver().suggest(0).start(0).report(0, 1, val_loss=math.nan).report(0, 2, val_loss=math.inf)
    store = MemoryStore()
    catch_up(journal.directory, store)
    child = store.by_trial()["0000"]
    assert [point.step for point in child.points if point.name == "val_loss" and math.isnan(point.value)] == [1, 2]
    assert child.tags["tuner.infinite"] == "val_loss at epoch 2"


def test_without_curves_only_the_closing_values_are_sent(journal: JournalBuilder) -> None:
    journal.sweep().driver().trial(0, 5).end()
    store = MemoryStore()
    catch_up(journal.directory, store, curves="none")
    names = {point.name for point in store.by_trial()["0000"].points}
    assert "val_loss" not in names
    assert "best_val_loss" in names


def test_a_resumed_trial_runs_again_and_then_ends(journal: JournalBuilder) -> None:
    store = MemoryStore()
    journal.sweep().driver().trial(0, 2, "interrupted", "stopped by SIGINT").end("stopped", "stopped by SIGINT")
    catch_up(journal.directory, store)
    assert {run.status for run in store.by_trial().values()} == {"KILLED"}
    journal.driver(2).start(0, 2, 2).report(0, 3)
    follower = catch_up(journal.directory, store)
    assert {run.status for run in store.by_trial().values()} == {"RUNNING"}
    assert "tuner.reason" not in store.by_trial()["0000"].tags
    assert not follower.state.complete
    journal.report(0, 4).ending(0, "completed").end()
    assert catch_up(journal.directory, store).state.complete
    assert {run.status for run in store.by_trial().values()} == {"FINISHED"}
    child = store.by_trial()["0000"]
    assert [point.step for point in child.points if point.name == "val_loss"] == [1, 2, 3, 4]


def test_what_a_dead_driver_left_running_is_killed_and_runs_again_when_resumed(journal: JournalBuilder) -> None:
    store = MemoryStore()
    journal.sweep().driver().trial(0, 2).suggest(1).start(1).report(1, 1)
    last = round(journal.at * 1000)
    catch_up(journal.directory, store).abandon()
    runs = store.by_trial()
    assert (runs[""].status, runs["0000"].status, runs["0001"].status) == ("KILLED", "FINISHED", "KILLED")
    assert (runs["0001"].ended_at, runs[""].ended_at) == (last, last)
    assert runs["0001"].tags["tuner.ending"] == "abandoned"
    journal.driver(2).start(1, 2, 1)
    catch_up(journal.directory, store)
    runs = store.by_trial()
    assert (runs[""].status, runs["0000"].status, runs["0001"].status) == ("RUNNING", "FINISHED", "RUNNING")
    assert "tuner.reason" not in runs["0001"].tags


def whole_story(journal: JournalBuilder) -> list[Callable[[], object]]:
    """A sweep that is stopped, resumed and finished, in the pieces in which a follower might come to see it."""
    return [
        lambda: journal.sweep().driver().suggest(0).start(0).report(0, 1).suggest(1).start(1),
        lambda: journal.report(1, 1).report(0, 2).ending(1, "pruned", "2nd of 2").trial(2, 3).report(0, 3),
        lambda: journal.ending(0, "interrupted", "^C").end("stopped", "^C"),
        lambda: journal.driver(2).start(0, 2, 3).report(0, 4).trial(3, 1, "failed", "ValueError: no"),
        lambda: journal.report(0, 5).ending(0, "completed", "", diagnosis=overfitting()).end(),
    ]


def tell(runs: Path, store: MemoryStore, batch_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The story with a follower that is started anew whenever it crashes, and steps again when MLflow fails."""
    monkeypatch.setattr(follower_module, "BATCH_BYTES", batch_bytes)
    journal = JournalBuilder(runs)
    (journal.directory.path / "sweep.yaml").write_text("name: digits\n")
    state = followed(journal.directory, store, whole_story(journal))
    assert state.complete and state.problem == ""
    assert state.offset == journal.directory.journal.stat().st_size


@pytest.mark.parametrize("error", [Crash, unreachable])
@pytest.mark.parametrize("batch_bytes", [300, 1 << 18])
def test_a_failure_at_any_call_loses_nothing_and_doubles_nothing(
    tmp_path: Path, error: Callable[[], BaseException], batch_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed, or refused, before, after and in the middle of each call to MLflow and each writing of the state."""
    count = FailAt(1 << 30, Crash)
    calm = MemoryStore(fail=count)
    tell(tmp_path / "calm", calm, batch_bytes, monkeypatch)
    expected = calm.content()
    assert {trial: run.status for trial, run in expected.items()} == {
        "": "FINISHED", "0000": "FINISHED", "0001": "KILLED", "0002": "FINISHED", "0003": "FAILED",
    }  # fmt: skip
    assert count.moments > 50
    for moment in range(count.moments):
        fail = FailAt(moment, error)
        store = MemoryStore(fail=fail)
        tell(tmp_path / str(moment), store, batch_bytes, monkeypatch)
        assert fail.done
        assert store.content() == expected, f"failed at moment {moment}"


def test_a_lost_state_file_makes_no_doubles(journal: JournalBuilder) -> None:
    store = MemoryStore()
    journal.sweep().driver().trial(0, 3).suggest(1).start(1).report(1, 1)
    catch_up(journal.directory, store)
    before = store.content()
    journal.directory.tracking.unlink()
    catch_up(journal.directory, store)
    assert store.content() == before


def test_a_run_that_a_slow_server_made_late_is_taken_away(journal: JournalBuilder) -> None:
    """The request was given up on, nothing was found, a second run was made; then the first turned up."""
    journal.sweep().driver().trial(0, 2).end()
    store = MemoryStore()

    def slow(moment: str, call: str) -> None:
        if (moment, call) == ("before", "create") and "" in store.by_trial():
            store.fail = lambda moment, call: None
            tags = {"tuner.run": journal.directory.name, "tuner.trial": "0000"}
            store.late.append(Held("1", "0000", 0, RUNNING, tags))
            raise unreachable()

    store.fail = slow
    follower = follower_of(journal.directory, store)
    with pytest.raises(Exception, match="no answer"):
        follower.step()
    while follower.step():
        pass
    assert len(store.runs) == 3
    follower.settle()
    assert store.by_trial()["0000"].status == "FINISHED"


def test_a_run_that_somebody_deleted_is_left_alone(journal: JournalBuilder) -> None:
    store = MemoryStore()
    journal.sweep().driver().suggest(0).start(0).report(0, 1).suggest(1).start(1).report(1, 1)
    catch_up(journal.directory, store)
    next(held for held in store.runs.values() if held.name == "0000").deleted = True
    journal.report(0, 2).ending(0, "completed").report(1, 2).ending(1, "completed").end()
    assert catch_up(journal.directory, store).state.complete
    assert set(store.by_trial()) == {"", "0001"}
    assert store.by_trial()["0001"].status == "FINISHED"


def test_a_value_that_mlflow_refuses_costs_nothing_else_and_is_said(journal: JournalBuilder) -> None:
    store = MemoryStore()
    journal.sweep().driver().suggest(0, lr="refused").start(0).report(0, 1).ending(0, "completed").trial(1, 2).end()
    state = catch_up(journal.directory, store).state
    runs = store.by_trial()
    assert [point.step for point in runs["0000"].points if point.name == "val_loss"] == [1]
    assert {run.status for run in runs.values()} == {"FINISHED"}
    assert (state.complete, state.problem) == (False, "trial 0000: lr = refused")


def test_before_a_trial_has_reported_nothing_is_made(journal: JournalBuilder) -> None:
    """A sweep whose input turns out to be wrong with its first trial leaves no MLflow run behind."""
    store = MemoryStore()
    journal.sweep().driver().suggest(0).start(0)
    follower = follower_of(journal.directory, store)
    follower.step(begin=False)
    follower.abandon()
    assert store.runs == {}
    journal.report(0, 1)
    follower.step(begin=False)
    assert set(store.by_trial()) == {"", "0000"}


def test_one_trial_costs_three_requests(journal: JournalBuilder) -> None:
    journal.sweep().driver()
    for number in range(20):
        journal.trial(number, 5)
    few, many = MemoryStore(), MemoryStore()
    catch_up(journal.directory, few)
    for number in range(20, 40):
        journal.trial(number, 5)
    journal.directory.tracking.unlink()
    catch_up(journal.directory, many)
    assert many.calls - few.calls == 3 * 20
