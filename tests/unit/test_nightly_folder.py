"""The folder of nights: its lock, its reference, finding a night, and what an accepted night moves."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sweep_kit import read
from test_records_night import NIGHT

from tuner.errors import InputError, RunError
from tuner.nightly.control import accepted, first_reference, frozen, notes_on, settings_tonight
from tuner.nightly.folder import NightsFolder, Reference, Running
from tuner.nightly.history import History, state_after
from tuner.nightly.identity import control_key, control_seeds, date_of, night_hash, search_seed
from tuner.nightly.spent import seconds_spent
from tuner.nightly.stale import age_of, how_stale
from tuner.nightly.tonight import tonights_sweep
from tuner.records.night import (
    IMPROVED,
    INCOMPLETE,
    NOISY,
    OK,
    REGRESSED,
    Conditions,
    Judgement,
    NightBest,
    NightRecord,
)

TEXT = (
    "task: digits\nmodel: mlp\nspace:\n  lr: {float: [1e-4, 1], log: true, default: 0.01}\n"
    "fixed: {dropout: 0.1}\nsearch: {trials: 8, max_epochs: 9}\n"
)
SWEEP = read(TEXT)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()


def night(day: int, verdict: str = OK, **more: object) -> NightRecord:
    at = NOW + 86400 * day
    whole = replace(
        NIGHT,
        id=f"2026-11-{day:02d}-7f3a9c21",
        date=f"2026-11-{day:02d}",
        judgement=Judgement(verdict, "so"),
        state=state_after(verdict, OK),
        state_before=OK,
        started_at=at,
        ended_at=at + 60,
        control={"lr": 0.01},
        best=NightBest("0004", {"lr": 0.02}, 0.19, (0.18, 0.2), "healthy"),
    )
    return replace(whole, **more)  # type: ignore[arg-type]


def test_a_second_start_is_told_who_runs_and_the_lock_is_free_afterwards(tmp_path: Path) -> None:
    folder = NightsFolder(tmp_path, "digits")
    with folder.lock():
        folder.write(night(1))
        with pytest.raises(Running, match=r"pid \d+ on .+, since 20"), NightsFolder(tmp_path, "digits").lock():
            raise AssertionError
    with folder.lock():
        assert [one.id for one in folder.nights()] == ["2026-11-01-7f3a9c21"]


def test_a_night_that_never_began_leaves_no_folder(tmp_path: Path) -> None:
    folder = NightsFolder(tmp_path / "runs", "digits")
    with folder.lock():
        pass
    assert not (tmp_path / "runs").exists()


def test_who_waited_for_a_night_that_never_began_holds_the_lock_of_a_new_folder(tmp_path: Path) -> None:
    folder, began, held = NightsFolder(tmp_path / "runs", "digits"), threading.Event(), threading.Event()

    def wait() -> None:
        began.set()
        with folder.lock(wait=True):
            held.set()
            with pytest.raises(Running), folder.lock():
                raise AssertionError("two have it")
            (folder.path / "2026-11-21-7f3a9c21.md").touch()

    thread = threading.Thread(target=wait)
    with folder.lock():
        thread.start()
        began.wait()
        assert not held.is_set()
        lock = folder.path / "lock"
        while sum(_leads_to(path, lock) for path in Path("/proc/self/fd").iterdir()) < 2:
            pass  # until it has opened the file that this one removes
    thread.join(30)
    assert held.is_set()
    assert sorted(path.name for path in folder.path.iterdir()) == ["2026-11-21-7f3a9c21.md", "lock"]


def _leads_to(descriptor: Path, file: Path) -> bool:
    try:
        return os.readlink(descriptor) == str(file)  # noqa: PTH115  (it may lead to a pipe)
    except OSError:
        return False


def test_records_come_back_oldest_first_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    folder = NightsFolder(tmp_path, "digits")
    with folder.lock():
        for day in (3, 1, 2):
            folder.write(night(day))
        assert [one.date for one in folder.nights()] == ["2026-11-01", "2026-11-02", "2026-11-03"]
        (folder.path / "2026-11-04-7f3a9c21.json").write_text('{"version": 1')
        with pytest.raises(RunError, match="2026-11-04-7f3a9c21"):
            folder.nights()


@pytest.mark.parametrize("wanted", ["2026-11-02-7f3a9c21", "2026-11-02", "last"])
def test_a_night_is_found_by_id_date_or_as_the_last(tmp_path: Path, wanted: str) -> None:
    folder = NightsFolder(tmp_path, "digits")
    with folder.lock():
        folder.write(night(1))
        folder.write(night(2))
        folder.write(night(3, ended_at=None))
    assert folder.find(wanted).date == "2026-11-02"


@pytest.mark.parametrize(("wanted", "cure"), [("2026-12", "no such night"), ("2026-11", "several nights")])
def test_a_night_that_is_not_found_is_told_with_those_that_are(tmp_path: Path, wanted: str, cure: str) -> None:
    folder = NightsFolder(tmp_path, "digits")
    with folder.lock():
        folder.write(night(1))
        folder.write(night(2))
    with pytest.raises(InputError, match=cure) as error:
        folder.find(wanted)
    assert "2026-11-02-7f3a9c21" in str(error.value)


def test_a_reference_comes_back_as_it_was_written(tmp_path: Path) -> None:
    folder = NightsFolder(tmp_path, "digits")
    assert folder.reference() is None
    reference = Reference({"lr": 0.01, "split": (0.8, 0.1, 0.1)}, "the defaults", "n", 3.0, ({"night": "m"},))
    with folder.lock():
        folder.write_reference(reference)
        assert folder.reference() == reference
        (folder.path / "reference.json").write_text(json.dumps({"version": 9}))
        with pytest.raises(RunError, match="version 9"):
            folder.reference()


# --- the control ---------------------------------------------------------------------------------------------------


def test_the_first_control_is_the_files_else_the_defaults_else_nothing_yet() -> None:
    named = read(TEXT + "nightly: {control: {lr: 0.3}}\n")
    assert first_reference(named) == Reference({"model": "mlp", "dropout": 0.1, "lr": 0.3}, "nightly.control")
    assert first_reference(SWEEP) == Reference({"model": "mlp", "dropout": 0.1, "lr": 0.01}, "the defaults")
    assert first_reference(read(TEXT.replace(", default: 0.01", ""))) is None


def test_a_frozen_control_keeps_what_the_file_fixed_then() -> None:
    control = frozen(SWEEP, {"lr": 0.01})
    later = read(TEXT.replace("dropout: 0.1", "dropout: 0.5, schedule: cosine"))
    tonight = settings_tonight(later, control)
    assert tonight["dropout"] == 0.1
    assert tonight["schedule"] == "constant"
    assert not notes_on(later, Reference(control, "x"))


def test_another_control_in_the_file_is_said_and_not_taken() -> None:
    reference = Reference(frozen(SWEEP, {"lr": 0.01}), "the defaults")
    (said,) = notes_on(read(TEXT + "nightly: {control: {lr: 0.3}}\n"), reference)
    assert "--accept" in said


def test_an_accepted_night_moves_the_control_to_its_best_and_begins_a_history() -> None:
    old = Reference({"lr": 0.01}, "the defaults", "2026-11-01-7f3a9c21")
    moved = accepted(SWEEP, old, night(5), keep_control=False, now=NOW)
    assert moved.control == {"model": "mlp", "dropout": 0.1, "lr": 0.02}
    assert moved.night is None
    assert moved.source == "the best of 2026-11-05-7f3a9c21"
    assert moved.before[0]["night"] == "2026-11-01-7f3a9c21"


def test_it_moves_to_the_files_where_the_file_names_one() -> None:
    named = read(TEXT + "nightly: {control: {lr: 0.3}}\n")
    assert accepted(named, None, night(5), keep_control=False, now=NOW).control["lr"] == 0.3


def test_with_keep_control_only_the_reference_moves() -> None:
    kept = accepted(SWEEP, None, night(5), keep_control=True, now=NOW)
    assert (kept.control, kept.night) == ({"lr": 0.01}, "2026-11-05-7f3a9c21")


def test_a_best_that_is_the_control_already_keeps_the_history() -> None:
    same = night(5, control=frozen(SWEEP, {"lr": 0.02}))
    assert accepted(SWEEP, None, same, keep_control=False, now=NOW).night == "2026-11-05-7f3a9c21"


def test_an_incomplete_night_cannot_be_accepted() -> None:
    with pytest.raises(InputError, match="INCOMPLETE"):
        accepted(SWEEP, None, night(5, INCOMPLETE), keep_control=False, now=NOW)


# --- which night it is ---------------------------------------------------------------------------------------------


def test_the_date_is_that_of_the_time_zone() -> None:
    at = datetime(2026, 11, 21, 23, 20, tzinfo=UTC).timestamp()
    assert date_of(at, "UTC") != date_of(at, "Europe/Berlin")
    assert date_of(at, "UTC") == date_of(at, "America/New_York")


def test_the_same_start_is_the_same_night_and_what_changes_no_result_does_not_count() -> None:
    told = Conditions({"commit": "a"}, "d")
    same = read(TEXT + "tracking: {uri: none}\nnightly: {keep: 3, when_running: wait, notify: {command: x}}\n")
    assert night_hash(SWEEP, told) == night_hash(same, told)
    others = [
        night_hash(read(TEXT + "seed: 3\n"), told),
        night_hash(read(TEXT + "nightly: {budget: {trials: 3}}\n"), told),
        night_hash(SWEEP, Conditions({"commit": "b"}, "d")),
        night_hash(SWEEP, Conditions({"commit": "a"}, "e")),
    ]
    assert len({night_hash(SWEEP, told), *others}) == 5


def test_terms_part_what_is_compared_and_a_wider_space_does_not() -> None:
    seeds = control_seeds(SWEEP, 10)
    control = frozen(SWEEP, {"lr": 0.01})
    key = control_key(SWEEP, control, seeds)
    assert control_key(read(TEXT.replace("[1e-4, 1]", "[1e-5, 1]")), control, seeds) == key
    for other in ("max_epochs: 10", "max_epochs: 9}\ndata: {limit: 500"):
        assert control_key(read(TEXT.replace("max_epochs: 9", other)), control, seeds) != key
    assert control_key(SWEEP, {**control, "lr": 0.02}, seeds) != key


def test_more_control_seeds_begin_with_the_same() -> None:
    assert control_seeds(SWEEP, 20)[:10] == control_seeds(SWEEP, 10)
    assert len(set(control_seeds(SWEEP, 20))) == 20


def test_tonights_sweep_divides_the_data_as_ever_and_suggests_anew(tmp_path: Path) -> None:
    one, two = (tonights_sweep(SWEEP, f"2026-11-0{day}-x", [], tmp_path) for day in (1, 2))
    assert one.split_seed == two.split_seed == SWEEP.split_seed
    assert one.seed == search_seed(SWEEP, "2026-11-01-x") != two.seed
    assert one.search.finalists is not None
    assert (one.search.finalists.top, one.search.finalists.seeds) == (3, 3)


def test_the_last_best_is_tried_again_and_earlier_nights_are_told(tmp_path: Path) -> None:
    nights = [night(day, run=f"digits-{day}") for day in range(1, 9)]
    for one in nights[1:]:
        (tmp_path / one.run).mkdir()
        (tmp_path / one.run / "journal.jsonl").touch()
    tonight = tonights_sweep(SWEEP, "2026-11-09-x", nights, tmp_path)
    assert tonight.search.enqueue == ({"lr": 0.02},)
    assert [source.run for source in tonight.search.warm_start] == [f"digits-{day}" for day in (4, 5, 6, 7, 8)]
    grid = read(TEXT.replace("trials: 8", "algorithm: grid"))
    assert tonights_sweep(grid, "2026-11-09-x", nights, tmp_path).search.warm_start == ()


def test_what_won_under_a_fault_is_not_what_is_tried_again(tmp_path: Path) -> None:
    good = night(1, best=NightBest("0004", {"lr": 0.03}, 0.1))
    bad = night(2, REGRESSED, best=NightBest("0004", {"lr": 0.09}, 0.1))
    assert tonights_sweep(SWEEP, "2026-11-09-x", [good, bad], tmp_path).search.enqueue == ({"lr": 0.03},)
    assert tonights_sweep(SWEEP, "2026-11-09-x", [bad], tmp_path).search.enqueue == ({"lr": 0.09},)


def test_a_best_that_the_space_holds_no_more_is_left_out(tmp_path: Path) -> None:
    old = night(1, best=NightBest("0004", {"lr": 7.0}, 0.1))
    assert tonights_sweep(SWEEP, "2026-11-09-x", [old], tmp_path).search.enqueue == ()


def test_the_budget_says_how_many_trials_and_the_finalists_fit_it(tmp_path: Path) -> None:
    small = read(TEXT + "nightly: {budget: {trials: 2}}\n")
    search = tonights_sweep(small, "2026-11-09-x", [], tmp_path).search
    assert (search.trials, search.finalists.top if search.finalists else None) == (2, 2)


# --- what holds ----------------------------------------------------------------------------------------------------


def test_a_noisy_night_leaves_the_state_as_it_was() -> None:
    assert state_after(NOISY, REGRESSED) == REGRESSED
    assert state_after(NOISY, None) == OK
    assert [state_after(one, OK) for one in (OK, REGRESSED, IMPROVED, INCOMPLETE)] == [
        OK,
        REGRESSED,
        IMPROVED,
        INCOMPLETE,
    ]


def test_the_history_has_the_nights_since_the_accepted_one_under_the_same_terms() -> None:
    nights = (night(1), night(2, key="other"), night(3), night(4, INCOMPLETE), night(5, ended_at=None))
    history = History(nights, Reference({}, "x", nights[0].id))
    assert [one.date[-2:] for one in history.comparable(NIGHT.key)] == ["03", "04"]
    assert history.anchor("other") is None
    assert history.comparable("other") == ()
    assert history.state == INCOMPLETE
    assert history.last_good is nights[2]


def test_who_accepts_a_night_says_that_all_is_well() -> None:
    bad = night(3, REGRESSED)
    assert History((bad,), Reference({}, "x", bad.id)).state == REGRESSED
    assert History((bad,), Reference({}, "x", bad.id, accepted_at=NOW + 86400 * 4)).state == OK
    assert History((), None).state is None


@pytest.mark.parametrize(("text", "seconds"), [("26h", 93600), ("90m", 5400), ("2d", 172800), ("1.5 h", 5400)])
def test_an_age_is_read(text: str, seconds: float) -> None:
    assert age_of(text) == seconds


@pytest.mark.parametrize("text", ["", "26", "h", "0h", "1w", "-1h"])
def test_a_bad_age_has_its_cure(text: str) -> None:
    with pytest.raises(InputError, match="26h"):
        age_of(text)


def test_only_a_night_with_a_verdict_keeps_the_dead_man_quiet() -> None:
    now = NOW + 86400 * 2 + 3600
    assert "no night" in how_stale([], 93600, now)
    assert how_stale([night(2)], 93600, now) == ""
    assert "25.0 h" in how_stale([night(1), night(2, INCOMPLETE)], 86400, now)
    assert "no night" in how_stale([night(2, INCOMPLETE)], 86400, now)


def test_hours_are_those_of_the_drivers_not_of_the_pause_between() -> None:
    lines = [
        {"kind": "sweep", "at": 0.0},
        {"kind": "driver", "at": 0.0},
        {"kind": "report", "at": 50.0},
        {"kind": "driver", "at": 1000.0},
        {"kind": "end", "at": 1020.0},
    ]
    assert seconds_spent(lines) == 70.0
    assert seconds_spent([]) == 0.0
