"""The units: as systemd-analyze accepts them, and word for word by systemd's rules of quoting."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from schedule_kit import make, schedules

from tuner.nightly.schedule import Schedule, printed

SYSTEMD = Path("/lib/systemd/systemd")
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")


def files(text: str) -> dict[str, str]:
    """Name -> content, parted as the awk line in the text does."""
    found = re.split(r"^# file: (\S+)\n", text, flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2], strict=True))


def values(unit: str, key: str) -> list[str]:
    """A line that ends in a backslash goes on below; blanks around a value are cut off."""
    joined = re.sub(r"\\\n", " ", unit)
    return [row.partition("=")[2].strip() for row in joined.splitlines() if row.startswith(f"{key}=")]


def unquoted(line: str) -> list[str]:
    """Words by systemd.syntax(7): quotes at a word's begin, C escapes, and `%%` for `%`."""
    out: list[str] = []
    rest = line
    while rest:
        match = re.match(r'(?:"((?:[^"\\]|\\.)*)"|([^\s"\'\\]+))(?:\s+|$)', rest)
        assert match, f"systemd would not split {rest!r}"
        word = re.sub(r"\\(.)", r"\1", match[1]) if match[1] is not None else match[2]
        assert "%" not in word.replace("%%", ""), "a specifier"
        out.append(word.replace("%%", "%"))
        rest = rest[match.end() :]
    return out


def started(unit: str) -> list[str]:
    """The words that the program is started with: in those after the first, `$$` is a dollar sign."""
    (line,) = values(unit, "ExecStart")
    program, *rest = unquoted(line)
    assert all("$" not in word.replace("$$", "") for word in rest), "a variable"
    rest = [word.replace("$$", "$") for word in rest]
    return rest if program == "/usr/bin/env" else [program, *rest]


@given(schedules())
@example(make(folder=Path("/ends with \\"), python=Path("/a$b/%h/bin/python")))
@example(make(folder=Path("/ends with a blank ")))
def test_every_word_arrives(schedule: Schedule) -> None:
    units = files(printed("systemd", schedule))
    name = f"tuner-{schedule.label}"
    assert set(units) == {f"{name}{part}.{kind}" for part in ("", "-stale") for kind in ("service", "timer")}
    for unit, words in ((f"{name}.service", schedule.night), (f"{name}-stale.service", schedule.check)):
        assert started(units[unit]) == [str(schedule.python), *words]
        (folder,) = values(units[unit], "WorkingDirectory")
        assert "%" not in folder.replace("%%", "")
        assert Path(folder.replace("%%", "%")) == schedule.folder
        environment = [word for value in values(units[unit], "Environment") for word in unquoted(value)]
        assert environment[0].startswith(f"PATH={schedule.python.parent}:")
        assert environment[1:] == [f"{key}={value}" for key, value in schedule.carried.items()]


def verify(folder: Path, units: dict[str, str]) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    for name, text in units.items():
        (folder / name).write_text(text, encoding="utf-8")
    paths = [str(folder / name) for name in units]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder), "LC_ALL": "C.UTF-8"}
    command = [str(ANALYZE), "verify", "--user", "--man=no", *paths]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@needs_systemd
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    program = tmp_path / "100% $x" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.symlink_to(sys.executable)
    for name, python in (("plain", Path(sys.executable)), ("wild", program)):
        schedule = make(
            folder=tmp_path / 'it\'s "100%" $HOME',
            python=python,
            arguments=("--set", "x=$HOME %h \\ \"q\" 'r' ü ; ${A}"),
            environment={"TUNER_DATA": "/my %h \\data"},
            hours=None if name == "plain" else 6.5,
        )
        done = verify(tmp_path / name, files(printed("systemd", schedule)))
        assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("Type=oneshot", "Type=twoshot"),
        ("Persistent=", "Persistent=perhaps "),
        ("OnCalendar=*-*-*", "OnCalendar=*-*-*-*"),
        ("KillMode=", "Kill="),
    ],
)
def test_systemd_would_have_complained(right: str, wrong: str, tmp_path: Path) -> None:
    schedule = make(python=Path(sys.executable), arguments=("--set", "x=100%"))
    units = {name: text.replace(right, wrong) for name, text in files(printed("systemd", schedule)).items()}
    assert verify(tmp_path / "units", units).stderr != ""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that others may read: systemd tests no units as root."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "run").mkdir()
        (folder / "run").chmod(0o777)
        yield folder


@pytest.mark.skipif(not SYSTEMD.exists(), reason="systemd is not installed")
def test_systemd_itself_reads_the_same_folder_variables_and_words(open_folder: Path) -> None:
    schedule = make(
        folder=Path('/nowhere/it\'s "100%" $HOME \\x é \\'),
        arguments=("--set", "x=$HOME %h \\% \\n \"q\" 'r' ;", "--set", ";"),
        environment={"TUNER_DATA": "/my %h \\data $x"},
    )
    for name, text in files(printed("systemd", schedule)).items():
        (open_folder / name).write_text(text, encoding="utf-8")
    variables = {"XDG_RUNTIME_DIR": f"{open_folder}/run", "SYSTEMD_UNIT_PATH": f"{open_folder}:", "LC_ALL": "C.UTF-8"}
    command = [str(SYSTEMD), "--test", "--user", "--unit=tuner-digits-mlp.service"]
    given = {"HOME": str(open_folder), "PATH": "/usr/bin:/bin", **variables}
    user = 65534 if os.geteuid() == 0 else None
    done = subprocess.run(command, env=given, user=user, cwd="/", capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"systemd tests no units here: {done.stderr[-200:]}")
    dump = done.stdout.partition("-> Unit tuner-digits-mlp.service:")[2].partition("-> Unit ")[0]
    rows = [row.strip() for row in dump.splitlines()]
    assert f"WorkingDirectory: {schedule.folder}" in rows
    assert "Environment: TUNER_DATA=/my %h \\data $x" in rows
    (line,) = [row.removeprefix("Command Line: ") for row in rows if row.startswith("Command Line: ")]
    words = [word.replace("$$", "$") for word in shlex.split(line.replace("\\$", "$"))]  # as it starts them
    assert words == [str(schedule.python), *schedule.night]


@needs_systemd
def test_systemd_knows_when(tmp_path: Path) -> None:
    units = files(printed("systemd", make(at="03:00", time_zone="Europe/Berlin", hours=6.0)))
    whens = [value for text in units.values() for value in values(text, "OnCalendar")]
    assert whens == ["*-*-* 03:00:00 Europe/Berlin", "*-*-* 12:00:00 Europe/Berlin"]
    command = [str(ANALYZE), "calendar", "--base-time=2026-07-01 12:00:00 UTC", whens[0]]
    done = subprocess.run(command, env={**os.environ, "TZ": "UTC"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "2026-07-02 01:00:00 UTC" in done.stdout


def test_the_awk_line_in_the_text_parts_the_files(tmp_path: Path) -> None:
    text = printed("systemd", make())
    program = re.search(r"awk '(.+?)'\)", text)
    assert program, "the text says no more how to part it"
    subprocess.run(["awk", program[1]], input=text, cwd=tmp_path, text=True, check=True)
    assert {path.name for path in tmp_path.iterdir()} == set(files(text))
    assert "ExecStart=" in (tmp_path / "tuner-digits-mlp.service").read_text()


def test_a_regressed_night_is_a_failure_and_a_stop_is_clean() -> None:
    night = files(printed("systemd", make(hours=6.0)))["tuner-digits-mlp.service"]
    assert values(night, "SuccessExitStatus") == []
    assert values(night, "KillMode") == ["mixed"]
    assert values(night, "TimeoutStartSec") == [str(7 * 3600)]
    unbounded = files(printed("systemd", make(hours=None)))["tuner-digits-mlp.service"]
    assert values(unbounded, "TimeoutStartSec") == ["infinity"]
