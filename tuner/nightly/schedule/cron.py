"""Lines for a crontab.

Source  crontab(5) of cronie 1.7 and of Debian's cron 3.0: a `%` ends the command unless a backslash stands before it,
        that backslash is taken away, and no other is. Debian's cron reads at most 999 bytes of a command.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from tuner.errors import Fault, InputError
from tuner.nightly.schedule.clock import in_utc
from tuner.nightly.schedule.plan import Schedule

LONGEST_COMMAND = 998


def text(schedule: Schedule) -> str:
    """Two lines and what to know about them. Raises InputError where a line is longer than a cron reads."""
    start, check = schedule.start, schedule.check_at
    utc = " or ".join(f"{there:%H:%M}" for there in in_utc(start, schedule.zone, schedule.today))
    secrets = ", ".join(schedule.withheld) or "passwords and tokens"
    rows = [
        f"# The nightly sweep {schedule.label}. These lines go to the end of a crontab (`crontab -e`).",
        f"# {start:%H:%M} {schedule.time_zone} is {utc} UTC.",
        "# cronie (Fedora, RHEL, SUSE, Arch) knows CRON_TZ, for all the lines below it. The cron of Debian and Ubuntu",
        "# does not: it goes by the machine's clock. Where `date +%Z` says another zone than this one, put that zone's",
        "# hours into the two lines yourself.",
        f"CRON_TZ={schedule.time_zone}",
        "# Cron mails what a line prints. These print only when something is wrong: the night its exit code (2 wrong",
        "# input, 3 INCOMPLETE, 4 REGRESSED) and the end of its log; the check that the last night is too old (3).",
        "# MAILTO=you@example.com",
        f"# Secrets ({secrets}) are read from {_secrets(schedule)}, a line each: NAME='value'.",
        f"{start.minute} {start.hour} * * * {_checked(_night(schedule))}",
        f"{check.minute} {check.hour} * * * {_checked(_check(schedule))}",
    ]
    return "\n".join(rows) + "\n"


def quoted(word: str) -> str:
    """A word for sh within a crontab.

    After each backslash the quotes are closed and opened, so that cron never sees one before `%` or another backslash.
    """
    return shlex.quote(word).replace("\\", "\\''") if "\\" in word else shlex.quote(word)


def _night(schedule: Schedule) -> str:
    log = quoted(f"{schedule.runs}/tuner-{schedule.label}.log")
    return (
        f"{_there(schedule)} && mkdir -p -- {quoted(schedule.runs)} && log={log} && "
        f'{{ {_command(schedule, schedule.night)} >> "$log" 2>&1 '
        f'|| {{ code=$?; echo "exit code $code"; tail -n 30 -- "$log"; exit $code; }}; }}'
    )


def _check(schedule: Schedule) -> str:
    command = _command(schedule, schedule.check)
    return f'{_there(schedule)} && {{ out=$({command} 2>&1) || {{ code=$?; echo "$out"; exit $code; }}; }}'


def _there(schedule: Schedule) -> str:
    file = f'"{_secrets(schedule)}"'
    return f"cd -- {quoted(str(schedule.folder))} && set -a && {{ [ ! -r {file} ] || . {file}; }} && set +a"


def _secrets(schedule: Schedule) -> str:
    return f"$HOME/.config/tuner/{schedule.label}.env"


def _command(schedule: Schedule, words: Sequence[str]) -> str:
    variables = {"PATH": schedule.path, **schedule.carried}
    set_here = [f"{name}={quoted(value)}" for name, value in variables.items()]
    return " ".join([*set_here, *(quoted(word) for word in (str(schedule.python), *words))])


def _checked(command: str) -> str:
    line = command.replace("%", "\\%")
    size = len(line.encode())
    if size > LONGEST_COMMAND:
        cure = (
            f"cron reads {LONGEST_COMMAND} bytes of a line; put settings into the sweep file, or take --print systemd"
        )
        raise InputError("the schedule", (Fault("--print cron", f"a line of {size} bytes", cure),))
    return line
