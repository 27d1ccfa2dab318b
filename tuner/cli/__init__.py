"""The command line: one thin file a command; each imports what it needs when it is called."""

from __future__ import annotations

import sys
from importlib import import_module

import typer

from tuner.errors import TunerError

COMMANDS = {
    "run": "tuner.cli.run",
    "watch": "tuner.cli.watch",
    "check": "tuner.cli.check",
    "submit": "tuner.cli.submit",
    "jobs": "tuner.cli.jobs",
    "train": "tuner.cli.train",
    "lr-range": "tuner.cli.lr_range",
    "next": "tuner.cli.next",
    "export": "tuner.cli.export",
    "generate": "tuner.cli.generate",
    "report": "tuner.cli.report",
    "compare": "tuner.cli.compare",
    "track": "tuner.cli.track",
    "ui": "tuner.cli.ui",
    "nightly": "tuner.cli.nightly",
    "nights": "tuner.cli.nights",
    "diagnose": "tuner.cli.diagnose",
    "schema": "tuner.cli.schema",
}
"""Name -> module whose `command` it is."""


def app() -> typer.Typer:
    made = typer.Typer(
        name="tuner",
        help="Tune any PyTorch model, and be told why each trial went wrong and what to try next.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    for name, module in COMMANDS.items():
        made.command(name)(import_module(module).command)
    return made


def main() -> None:
    """Run the command line; errors of the user's or the run's end with one message and their exit code."""
    sys.path.insert(0, "")  # the user's modules are found as `python` would find them
    try:
        app()(standalone_mode=True)
    except TunerError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone; nothing is left to say
        sys.exit(0)
