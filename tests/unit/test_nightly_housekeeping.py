"""Which checkpoints go when a night is old, and the check of free disk."""

from __future__ import annotations

import shutil
import tempfile
from collections import namedtuple
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.night_kit import night
from tests.unit.tracking_kit import JournalBuilder
from tuner.errors import RunError
from tuner.nightly.housekeeping import LEAST_NEEDED, Tidied, disk_needed, free_disk, in_bytes, kept_whole, size_of, tidy
from tuner.records.epochs import EpochMetrics
from tuner.records.fold import report_line
from tuner.records.journal import Journal
from tuner.records.night import OK, REGRESSED, SKIPPED, STATES, ControlResult, NightBest, NightRecord
from tuner.records.run_directory import RunDirectory

KIB = 1024


def ran(
    runs: Path, record: NightRecord, values: Sequence[float] = (0.4, 0.3, 0.5), again: Sequence[float] = ()
) -> Path:
    """A run directory of trials 0000, 0001, ... with checkpoints of 1 KiB each, `again` on further seeds of 0001."""
    journal = JournalBuilder(runs, record.run)
    journal.sweep().driver()
    for number, value in enumerate(values):
        journal.suggest(number).start(number).report(number, 1, val_loss=value)
        _end(journal, f"{number:04d}", value)
    if again:
        journal.append("finalists", trials=["0001"], seeds=len(again))
    for nth, value in enumerate(again, 2):
        further = {"trial": f"0001-{nth}", "of": "0001", "nth": nth, "number": len(values) + nth, "seed": nth}
        journal.append("further_seed", **further, config={"lr": 0.003}, origin="finalist")
        journal.put(report_line(EpochMetrics(1, {"val_loss": value}, 0.5), f"0001-{nth}", 1, journal.at))
        _end(journal, f"0001-{nth}", value)
    names = [f"{number:04d}" for number in range(len(values))] + [f"0001-{nth}" for nth in range(2, 2 + len(again))]
    for name in [*names, "control-1"]:
        weights(journal.directory.path / "checkpoints" / name)
    journal.end()
    return journal.directory.path


def _end(journal: JournalBuilder, trial: str, value: float) -> None:
    journal.append("ending", trial=trial, attempt=1, ending="completed", reason="", value=value, best_epoch=1)


def weights(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "best.safetensors").write_bytes(b"w" * KIB)


def kept(run: Path) -> list[str]:
    return sorted(path.name for path in (run / "checkpoints").iterdir())


def nights(count: int, **more: Any) -> list[NightRecord]:
    return [
        night(f"2026-11-{number:02d}", **({"state_before": OK if number > 1 else None} | more))
        for number in range(1, count + 1)
    ]


def test_an_old_night_keeps_its_best_and_its_controls(tmp_path: Path) -> None:
    history = nights(3)
    runs = [ran(tmp_path, one) for one in history]
    told = tidy(history, 1, tmp_path)
    assert [kept(run) for run in runs] == [["0001", "control-1"]] * 2 + [["0000", "0001", "0002", "control-1"]]
    assert (told.freed, told.folders, told.nights) == (4 * KIB, 4, (history[0].id, history[1].id))
    assert told.notes == ("deleted the checkpoints of 4 trials of 2 older nights: 4.0 KiB freed",)
    assert all((run / name).exists() for run in runs for name in ("journal.jsonl", "logs"))
    assert tidy(history, 1, tmp_path) == Tidied()
    assert Tidied().notes == ()


def test_the_best_of_the_record_stays_with_all_its_seeds(tmp_path: Path) -> None:
    history = nights(2)
    run = ran(tmp_path, history[0], again=(0.2, 0.6))
    history[0] = replace(history[0], best=NightBest("0000", {"lr": 0.1}, 0.4))
    tidy(history, 1, tmp_path)
    assert kept(run) == ["0000", "0001", "0001-2", "0001-3", "control-1"], "the journal's best and the record's"


def test_nights_that_changed_the_state_and_the_accepted_one_stay_whole() -> None:
    history = nights(9)
    history[2] = replace(history[2], state=REGRESSED)
    history[3] = replace(history[3], state_before=REGRESSED)
    history[8] = replace(history[8], reference=history[5].id)
    names = {one.id: number for number, one in enumerate(history)}
    assert {names[one] for one in kept_whole(history, 2)} == {2, 3, 5, 7, 8}
    assert {names[one] for one in kept_whole(history[::-1], 2, [history[0].id])} == {0, 2, 3, 5, 7, 8}
    with pytest.raises(ValueError, match="keep = 0"):
        kept_whole(history, 0)


def test_a_skipped_night_does_not_count() -> None:
    history = nights(3)
    history[2] = replace(history[2], judgement=replace(history[2].judgement, verdict=SKIPPED))
    assert history[1].id in kept_whole(history, 1)


def test_a_night_that_was_tidied_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = nights(2)
    history[0] = replace(history[0], best=NightBest("0001", {"lr": 0.1}, 0.3))
    ran(tmp_path, history[0], again=(0.2, 0.6))
    assert tidy(history, 1, tmp_path).folders == 2

    def read(_: object) -> None:
        raise AssertionError("a history of years would be read anew each night")

    monkeypatch.setattr(RunDirectory, "record", read)
    assert tidy(history, 1, tmp_path) == Tidied()


def test_a_night_that_runs_is_left_alone(tmp_path: Path) -> None:
    history = nights(2)
    run = ran(tmp_path, history[0])
    with Journal(run / "journal.jsonl"):
        assert tidy(history, 1, tmp_path) == Tidied()
    assert tidy(history, 1, tmp_path).folders == 2


def test_a_run_that_two_nights_share_stays_while_one_of_them_does(tmp_path: Path) -> None:
    history = nights(2)
    ran(tmp_path, history[0])
    history[1] = replace(history[1], run=history[0].run)
    assert tidy(history, 1, tmp_path) == Tidied()


def test_a_run_that_is_gone_or_has_no_checkpoints_is_nothing_to_do(tmp_path: Path) -> None:
    history = nights(3)
    shutil.rmtree(ran(tmp_path, history[0]) / "checkpoints")
    assert tidy(history, 1, tmp_path) == Tidied()
    assert tidy([], 3, tmp_path) == Tidied()


@pytest.mark.parametrize("damage", ["not json\n", '{"kind": "sweep", "version": 99}\n', '{"kind": "ending"}\n', None])
def test_a_journal_that_cannot_be_read_keeps_everything(tmp_path: Path, damage: str | None) -> None:
    """Nobody knows which the best is."""
    history = nights(2)
    run = ran(tmp_path, history[0])
    if damage is None:
        (run / "journal.jsonl").unlink()
    else:
        (run / "journal.jsonl").write_text(damage)
    told = tidy(history, 1, tmp_path)
    assert len(kept(run)) == 4
    assert "its checkpoints stay" in told.notes[0]


@pytest.mark.parametrize("name", ["", ".", "..", "../outside", "a/b", "/etc"])
def test_a_record_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    outside = ran(tmp_path, night(id="outside", run="outside"))
    weights(tmp_path / "checkpoints" / "0000")
    history = [replace(nights(1)[0], run=name, path=str(outside)), night("2026-11-30", state_before=OK)]
    assert tidy(history, 1, runs) == Tidied()
    assert len(kept(outside)) == 4


def test_links_are_not_followed(tmp_path: Path) -> None:
    runs, outside = tmp_path / "runs", tmp_path / "outside"
    history = nights(4)
    run = ran(runs, history[0])
    weights(outside / "0000")
    shutil.rmtree(run / "checkpoints" / "0000")
    (run / "checkpoints" / "0000").symlink_to(outside / "0000")
    (run / "checkpoints" / "0002" / "link").symlink_to(outside)
    second = ran(runs, history[1])
    shutil.move(second / "checkpoints", outside / "checkpoints")
    (second / "checkpoints").symlink_to(outside / "checkpoints")
    third = ran(outside, history[2])
    (runs / third.name).symlink_to(third)
    told = tidy(history, 1, runs)
    assert (told.nights, told.problems) == ((history[0].id,), ())
    assert kept(run) == ["0000", "0001", "control-1"]
    assert len(kept(second)) == len(kept(third)) == 4
    assert (outside / "0000" / "best.safetensors").exists()


def test_what_is_no_trials_folder_stays(tmp_path: Path) -> None:
    history = nights(2)
    history[0] = replace(history[0], controls=(ControlResult("0002", 5, "completed", 0.5),))
    run = ran(tmp_path, history[0])
    for name in ("mine", "0000-backup", "17", "0000.old"):
        weights(run / "checkpoints" / name)
    (run / "checkpoints" / "0009").write_text("a file")
    tidy(history, 1, tmp_path)
    assert kept(run) == ["0000-backup", "0000.old", "0001", "0002", "0009", "17", "control-1", "mine"]


def test_killed_in_the_middle_and_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = nights(2)
    run = ran(tmp_path, history[0], values=(0.4, 0.3, 0.5, 0.6, 0.7))
    real, calls = shutil.rmtree, []

    def killed(path: Path, **more: Any) -> None:
        calls.append(path)
        if len(calls) == 2:
            (path / "best.safetensors").unlink()
            raise KeyboardInterrupt
        real(path, **more)

    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        tidy(history, 1, tmp_path)
    assert len(kept(run)) == 5, "one is gone, one is empty"
    monkeypatch.setattr(shutil, "rmtree", real)
    assert tidy(history, 1, tmp_path).folders == 3
    assert kept(run) == ["0001", "control-1"]


def test_what_cannot_be_deleted_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = nights(2)
    ran(tmp_path, history[0])
    monkeypatch.setattr(shutil, "rmtree", lambda path, **_: None)
    told = tidy(history, 1, tmp_path)
    assert (told.freed, told.folders) == (0, 0)
    assert all("could not be deleted" in note for note in told.notes)
    assert len(told.notes) == 2


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[NightRecord, list[float], list[float]]]:
    found: list[tuple[NightRecord, list[float], list[float]]] = []
    before = None
    for number in range(1, draw(st.integers(1, 6)) + 1):
        state = draw(st.sampled_from([OK, OK, OK, *STATES]))
        ids = [one.id for one, _, _ in found]
        reference = draw(st.sampled_from([None, *ids]))
        verdict = draw(st.sampled_from([None, None, SKIPPED]))
        record = night(f"2026-11-{number:02d}", state, verdict, state_before=before, reference=reference)
        values = draw(st.lists(st.floats(0.1, 0.9), min_size=2, max_size=5))
        if draw(st.booleans()):
            best = f"{draw(st.integers(0, len(values) - 1)):04d}"
            record = replace(record, best=NightBest(best, {"lr": 0.1}, 0.2))
        found.append((record, values, draw(st.lists(st.floats(0.1, 0.9), max_size=2))))
        before = state
    return found


@settings(max_examples=30)
@given(histories(), st.integers(1, 4), st.booleans())
def test_never_a_best_nor_a_kept_night_nor_anything_else(
    drawn: list[tuple[NightRecord, list[float], list[float]]], keep: int, backwards: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        weights(Path(folder) / "outside" / "0000")
        paths = {record.id: ran(runs, record, values, again) for record, values, again in drawn}
        history = [record for record, _, _ in drawn]
        whole = {one.id for one in history[-keep:]}
        whole |= {one.id for one in history if one.changed_state or one.verdict == SKIPPED}
        whole |= {one.reference for one in history[-keep:] if one.reference is not None}
        before = {name: kept(path) for name, path in paths.items()}
        files = {name: sorted(path.iterdir()) for name, path in paths.items()}
        told = tidy(history[::-1] if backwards else history, keep, runs)
        for record, values, again in drawn:
            stay, path = kept(paths[record.id]), paths[record.id]
            assert sorted(path.iterdir()) == files[record.id]
            assert "control-1" in stay
            if record.id in whole:
                assert stay == before[record.id]
                continue
            seeds = {"0001": again} if again else {}
            best = min(range(len(values)), key=lambda n: values[n]) if not seeds else 1
            assert f"{best:04d}" in stay
            assert record.best is None or record.best.trial in stay
            assert not again or {f"0001-{nth}" for nth in range(2, 2 + len(again))} <= set(stay)
        assert (Path(folder) / "outside" / "0000" / "best.safetensors").exists()
        gone = sum(len(before[name]) - len(kept(path)) for name, path in paths.items())
        assert (told.folders, told.freed) == (gone, gone * KIB)
        assert tidy(history, keep, runs) == Tidied()


# --- free disk ---------------------------------------------------------------------------------------------------

Usage = namedtuple("Usage", "total used free")


def test_too_little_room_is_said_with_its_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def usage(path: Path) -> Usage:
        asked.append(path)
        return Usage(500 * 2**30, 0, 120 * 2**20)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    free_disk(tmp_path, 120 * 2**20)
    with pytest.raises(RunError) as caught:
        free_disk(tmp_path / "not" / "there yet", LEAST_NEEDED)
    for told in (str(tmp_path), "120 MiB", "500 GiB", "256 MiB", "nightly.keep"):
        assert told in str(caught.value)
    assert asked == [tmp_path, tmp_path]


def test_a_night_needs_half_as_much_again_as_the_largest_of_the_last(tmp_path: Path) -> None:
    history = nights(3)
    assert disk_needed(history, tmp_path) == LEAST_NEEDED
    folder = tmp_path / history[1].run
    folder.mkdir()
    with (folder / "sparse").open("wb") as file:
        file.truncate(2**30)
    (folder / "link").symlink_to("/")
    assert disk_needed(history, tmp_path) == pytest.approx(1.5 * 2**30)
    assert disk_needed([*history, *nights(30)[10:]], tmp_path) == LEAST_NEEDED, "it is none of the last ones"


def test_sizes() -> None:
    assert size_of(Path("/no such folder")) == 0
    told = [in_bytes(count) for count in (0, 1023, 1024, 17 * KIB, 312 * 2**20, 3 * 2**29, 2**41)]
    assert told == ["0 bytes", "1023 bytes", "1.0 KiB", "17 KiB", "312 MiB", "1.5 GiB", "2.0 TiB"]
