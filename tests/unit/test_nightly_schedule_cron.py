"""The crontab: as crontab(1) and a parser read it, word for word, and as sh runs it."""

from __future__ import annotations

import json
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from crontab import CronTab
from hypothesis import assume, example, given
from schedule_kit import make, schedules

from tuner.errors import InputError
from tuner.nightly.schedule import Schedule, printed

PRINT_ALL = """#!{python}
import json, os, sys
from pathlib import Path
Path("seen.json").write_text(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]))
print("the log's last line")
sys.exit(int(os.environ.get("CODE", "0")))
"""


def commands(text: str) -> list[str]:
    """The commands of both lines, as they are written."""
    rows = [row for row in text.splitlines() if row and not row.startswith(("#", "CRON_TZ="))]
    return [row.split(maxsplit=5)[5] for row in rows]


def handed_to_sh(command: str) -> str:
    """What cron hands to sh: a transcript of `do_command` in cronie's source. A bare % would end the command."""
    out, escaped = [], False
    for letter in command:
        if escaped:
            if letter == "%":
                out.pop()
            escaped = False
        elif letter == "\\":
            escaped = True
        else:
            assert letter != "%", "cron cuts the command here"
        out.append(letter)
    return "".join(out)


def the_stricter_cron(command: str) -> str:
    """As `handed_to_sh`, but for crons that also halve a doubled backslash."""
    out, escaped = [], False
    for letter in command:
        if escaped and letter in "%\\":
            out.pop()
        escaped = letter == "\\" and not escaped
        out.append(letter)
    return "".join(out)


def words(command: str) -> list[str]:
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    return list(lexer)


def following(found: list[str], before: str, count: int) -> list[str]:
    at = found.index(before) + 1
    return found[at : at + count]


@given(schedules())
@example(make(sweep="a\\%b", folder=Path("/x\\\\%/y\\"), arguments=("--set", "x=\\\\%\\")))
@example(make(sweep="it's \\' %"))
def test_every_word_arrives(schedule: Schedule) -> None:
    try:
        night, check = commands(printed("cron", schedule))
    except InputError as error:
        assert "bytes of a line" in str(error)
        assume(False)
    python = str(schedule.python)
    for cron in (handed_to_sh, the_stricter_cron):
        found = words(cron(night))
        assert following(found, "--", 1) == [str(schedule.folder)]
        assert {f"{name}={value}" for name, value in schedule.carried.items()} <= set(found)
        assert following(found, python, len(schedule.night)) == list(schedule.night)
        assert following(words(cron(check)), python, len(schedule.check)) == list(schedule.check)


def fake_python(folder: Path) -> Path:
    program = folder / "ve nv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text(PRINT_ALL.format(python=sys.executable))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def run(command: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}
    shell = ["/bin/sh", "-c", handed_to_sh(command)]
    return subprocess.run(shell, env=environment, cwd=home, capture_output=True, text=True, check=False)


def test_sh_runs_the_night_there_with_its_words_and_secrets(tmp_path: Path) -> None:
    folder = tmp_path / "100% 'new' $HOME"
    folder.mkdir()
    schedule = make(
        sweep="a b%.yaml",
        folder=folder,
        python=fake_python(tmp_path),
        arguments=("--set", r"x=\%h `id` $(id) ü"),
        runs="the runs",
        environment={"TUNER_DATA": "/my data"},
    )
    secrets = tmp_path / ".config" / "tuner" / "digits-mlp.env"
    night, _ = commands(printed("cron", schedule))
    assert run(night, tmp_path).returncode == 0, "the secrets' file need not be there"
    secrets.parent.mkdir(parents=True)
    secrets.write_text("SLACK_WEBHOOK='https://hooks.example/a&b'\n")
    done = run(night, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), "a good night sends no mail"
    argv, where, environment = json.loads((folder / "seen.json").read_text())
    assert argv == list(schedule.night)
    assert where == str(folder)
    assert environment["SLACK_WEBHOOK"] == "https://hooks.example/a&b"
    assert environment["TUNER_DATA"] == "/my data"
    assert environment["PATH"].split(":")[0] == str(schedule.python.parent)
    assert (folder / "the runs" / "tuner-digits-mlp.log").read_text() == "the log's last line\n" * 2


def test_a_bad_night_and_a_stale_one_send_mail_and_keep_their_exit_code(tmp_path: Path) -> None:
    schedule = make(folder=tmp_path, python=fake_python(tmp_path))
    secrets = tmp_path / ".config" / "tuner" / "digits-mlp.env"
    secrets.parent.mkdir(parents=True)
    night, check = commands(printed("cron", schedule))
    secrets.write_text("CODE=4\n")
    done = run(night, tmp_path)
    assert (done.returncode, done.stdout) == (4, "exit code 4\nthe log's last line\n")
    secrets.write_text("CODE=3\n")
    done = run(check, tmp_path)
    assert (done.returncode, done.stdout) == (3, "the log's last line\n")
    secrets.write_text("CODE=0\n")
    assert run(check, tmp_path).stdout == ""


def test_a_parser_of_crontabs_reads_both_lines() -> None:
    table = CronTab(tab=printed("cron", make(at="23:05", hours=3.5)))
    night, check = [job for job in table if job.is_enabled()]
    assert night.is_valid() and check.is_valid()
    assert (str(night.slices), str(check.slices)) == ("5 23 * * *", "35 5 * * *")
    assert table.env["CRON_TZ"] == "Europe/Berlin"


def test_crontab_itself_accepts_it(tmp_path: Path) -> None:
    program = shutil.which("crontab")
    if program is None:
        pytest.skip("crontab is not installed")
    usage = subprocess.run([program, "-h"], capture_output=True, text=True, check=False)
    flag = next((flag for flag in ("-T", "-n") if f"{flag} " in usage.stderr or f"{flag}]" in usage.stderr), None)
    if flag is None:
        pytest.skip("this crontab has no dry run")
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text(printed("cron", make(arguments=("--set", "x=100% $a 'b'"))))
    bad.write_text(good.read_text().replace(" * * * ", " * * ", 1).replace("0 3 * * ", "0 33 * * "))
    assert subprocess.run([program, flag, str(good)], capture_output=True, check=False).returncode == 0
    assert subprocess.run([program, flag, str(bad)], capture_output=True, check=False).returncode != 0


def test_a_line_longer_than_cron_reads_is_refused() -> None:
    with pytest.raises(InputError, match="998 bytes of a line"):
        printed("cron", make(arguments=("--set", "x=" + "9" * 900)))


def test_the_hours_are_told_in_utc_too() -> None:
    text = printed("cron", make(at="03:00"))
    assert "03:00 Europe/Berlin is 01:00 or 02:00 UTC" in " ".join(text.split())
