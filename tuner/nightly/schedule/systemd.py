"""Unit files: a service and a timer for the night, and the same for the dead man's switch.

Source  systemd.service(5) "Command lines", systemd.unit(5) "Specifiers", systemd.time(7) "Calendar events".
"""

from __future__ import annotations

from collections.abc import Sequence

from tuner.nightly.schedule.plan import GRACE_SECONDS, Schedule


def text(schedule: Schedule) -> str:
    """Four files, each behind a line `# file: NAME`."""
    name, check = f"tuner-{schedule.label}", f"tuner-{schedule.label}-stale"
    deadline = "infinity" if schedule.deadline_seconds is None else str(schedule.deadline_seconds)
    secrets = ", ".join(schedule.withheld) or "passwords and tokens"
    head = [
        f"# The nightly sweep {schedule.label}: four units of your user. To write them, and start the timers:",
        "#   mkdir -p ~/.config/systemd/user",
        "#   tuner nightly ... --print systemd | (cd ~/.config/systemd/user && awk '/^# file: /{f=$3} f{print > f}')",
        f"#   systemctl --user daemon-reload && systemctl --user enable --now {name}.timer {check}.timer",
        "#   loginctl enable-linger        # or they run only while you are logged in",
        "# As units of the system: into /etc/systemd/system instead, with User= and Group= in both [Service] sections,",
        "# %h (root's home there) written out, and systemctl without --user.",
        f"# Secrets ({secrets}) are read from ~/.config/tuner/{schedule.label}.env, a line each: NAME='value'.",
        f"# What a night said: journalctl --user -u {name}; when the next one is: systemctl --user list-timers",
        *(f"# {sentence}" for sentence in schedule.left_out),
    ]
    night = [
        *_unit(f"Nightly sweep {schedule.label}"),
        "# Exit codes 2 (wrong input), 3 (INCOMPLETE) and 4 (REGRESSED) are failures: OnFailure= fires.",
        "# OnFailure=a-unit-that-tells-you.service",
        "",
        *_service(schedule, schedule.night),
        "# Beyond the budget and an hour it hangs, and is stopped.",
        f"TimeoutStartSec={deadline}",
        "# A clean stop: SIGTERM to tuner alone, which ends its trials itself; the night can be resumed.",
        "KillMode=mixed",
        "KillSignal=SIGTERM",
        f"TimeoutStopSec={GRACE_SECONDS}",
        "Nice=10",
    ]
    stale = [
        *_unit(f"Has the nightly sweep {schedule.label} run?"),
        f"# Exit code 3 when the last night is older than {schedule.stale}.",
        "# OnFailure=a-unit-that-tells-you.service",
        "",
        *_service(schedule, schedule.check),
        "TimeoutStartSec=600",
    ]
    files = {
        f"{name}.service": night,
        f"{name}.timer": _timer(
            schedule, f"{schedule.start:%H:%M}", f"Nightly sweep {schedule.label}", persistent=True
        ),
        f"{check}.service": stale,
        f"{check}.timer": _timer(
            schedule, f"{schedule.check_at:%H:%M}", f"Has the nightly sweep {schedule.label} run?", persistent=False
        ),
    }
    parts = ["\n".join(head), *("\n".join([f"# file: {file}", *rows]) for file, rows in files.items())]
    return "\n\n".join(parts) + "\n"


def argument(word: str) -> str:
    """One word of ExecStart=: `%` begins a specifier and `$` a variable, so both are doubled; quoted as in C."""
    return _quoted(word).replace("$", "$$")


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _raw(path: str) -> str:
    """A path where systemd takes the rest of the line as it is, but cuts blanks off; a last `\\` would continue it."""
    guarded = f"{path}/" if path != path.strip() or path.endswith("\\") else path
    return guarded.replace("%", "%%")


def _unit(title: str) -> list[str]:
    return ["[Unit]", f"Description={title}"]


def _service(schedule: Schedule, words: Sequence[str]) -> list[str]:
    python = str(schedule.python)
    # Of the program's own path `$$` would stay: where there is a `$` in it, env starts it.
    program = [f'"{python}"'.replace("%", "%%")] if _is_plain(python) else ["/usr/bin/env", argument(python)]
    variables = {"PATH": schedule.path, **schedule.carried}
    return [
        "[Service]",
        "Type=oneshot",
        f"WorkingDirectory={_raw(str(schedule.folder))}",
        *(f"Environment={_quoted(f'{name}={value}')}" for name, value in variables.items()),
        f"EnvironmentFile=-%h/.config/tuner/{schedule.label}.env",
        " ".join([f"ExecStart={program[0]}", *program[1:], *(argument(word) for word in words)]),
    ]


def _is_plain(path: str) -> bool:
    return not set(path) & set('$"\\')


def _timer(schedule: Schedule, at: str, title: str, *, persistent: bool) -> list[str]:
    return [
        "[Unit]",
        f"Description={title}",
        "",
        "[Timer]",
        f"OnCalendar=*-*-* {at}:00 {schedule.time_zone}",
        *(
            ["# A night that was missed, the machine being off, is made up for."]
            if persistent
            else ["# Not made up for: at start-up the night itself is."]
        ),
        f"Persistent={'true' if persistent else 'false'}",
        "AccuracySec=1min",
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]
