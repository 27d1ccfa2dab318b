"""What every form shares: names, times of day, secrets, and bad input said all at once."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from schedule_kit import make

from tuner.errors import InputError
from tuner.nightly.schedule import FORMS, printed
from tuner.nightly.schedule.clock import in_utc, later, missing, time_of_day


@pytest.mark.parametrize("text", ["25:00", "24:00", "02:60", "2", "02:00:00", "", "two", "-1:00", "٠٢:٠٠x"])
def test_no_time_of_day(text: str) -> None:
    assert time_of_day(text) is None
    with pytest.raises(InputError, match=r"--at = .*00:00 to 23:59"):
        make(at=text)


def test_a_form_that_there_is_not() -> None:
    with pytest.raises(InputError, match="--print = 'anacron': write one of cron, systemd, kubernetes"):
        printed("anacron", make())


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InputError) as told:
        make(at="25:00", time_zone="Europe/Berlinn", sweep="a\nb", folder=Path("here"), secrets=("https://x.y",))
    where = [fault.where for fault in told.value.faults]
    assert where == ["SWEEP", "--at", "nightly.time_zone", "folder", "nightly.notify"]
    assert told.value.exit_code == 2


@pytest.mark.parametrize("zone", ["../etc/passwd", "/etc/localtime", "", "Europe", "Mars/Olympus"])
def test_no_time_zone(zone: str) -> None:
    with pytest.raises(InputError, match="IANA name"):
        make(time_zone=zone)


@given(st.text(min_size=1, max_size=200))
def test_any_name_makes_a_label_that_dns_allows(name: str) -> None:
    label = make(name=name).label
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", label)
    assert len(f"tuner-{label}-stale") <= 52, "the longest name of a CronJob"


def test_long_names_stay_apart() -> None:
    long = "a-sweep-with-a-name-that-goes-on-and-on-and-on"
    one, two = make(name=f"{long}-one").label, make(name=f"{long}-two").label
    assert one != two
    assert make(name="日本").label != make(name="中国").label
    assert make(name="Digits MLP").label == "digits-mlp"


def test_times_move_on_over_midnight() -> None:
    assert later(time(22, 30), 9.25) == time(7, 45)
    assert make(at="03:00", hours=6.0).check_at == time(12)
    assert make(at="03:00", hours=None).check_at == time(15)
    assert make(at="03:00", hours=30.0).check_at == time(2), "before the next night, at the latest"


def test_the_days_without_that_time() -> None:
    berlin, today = ZoneInfo("Europe/Berlin"), date(2026, 11, 21)
    assert missing(time(2, 30), berlin, today) == (date(2027, 3, 28),)
    assert missing(time(3), berlin, today) == ()
    assert missing(time(2, 30), ZoneInfo("UTC"), today) == ()


def test_the_time_in_utc() -> None:
    today = date(2026, 11, 21)
    assert in_utc(time(3), ZoneInfo("Europe/Berlin"), today) == (time(1), time(2))
    assert in_utc(time(3), ZoneInfo("Asia/Kolkata"), today) == (time(21, 30),)


@pytest.mark.parametrize("form", FORMS)
def test_no_password_is_printed(form: str) -> None:
    environment = {
        "MLFLOW_TRACKING_URI": "https://ada:lovelace@mlflow.example",
        "MLFLOW_TRACKING_PASSWORD": "lovelace",
        "SLACK_WEBHOOK": "https://hooks.example/lovelace",
        "MLFLOW_EXPERIMENT_NAME": "nights",
    }
    text = printed(form, make(environment=environment))
    assert "lovelace" not in text
    assert "SLACK_WEBHOOK" in text
    assert "nights" in text


def test_a_time_that_clocks_jump_over_is_told_of_where_it_costs_a_night() -> None:
    schedule = make(at="02:30")
    sentence = "On 2027-03-28 there is no 02:30 in Europe/Berlin"
    assert sentence in printed("systemd", schedule)
    assert sentence in printed("kubernetes", schedule)
    assert sentence not in printed("systemd", make(at="03:30"))


def test_printing_imports_nothing_heavy() -> None:
    code = (
        "import sys, tuner.nightly.schedule; "
        "print([m for m in ('torch', 'ray', 'mlflow', 'optuna', 'pandas') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
