"""Schedules for tests: a plain one, and wild words for those that hypothesis makes."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tuner.nightly.schedule import Schedule

WILD = [
    "a b",
    "it's",
    '"q"',
    "100%",
    "%h",
    r"a\%b",
    r"\\x\\",
    "$HOME",
    "${HOME}",
    "$$",
    "$(date)",
    "`id`",
    "Büro é 日本",
    "y",
    "-n",
    ";",
]
words = st.one_of(
    st.sampled_from(WILD),
    st.text(st.characters(blacklist_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=12),
    st.text(alphabet="a \\%$'\"(){};&|~#*", min_size=1, max_size=12),
)
parts = words.filter(lambda text: "/" not in text and text not in (".", ".."))


def make(**changes: Any) -> Schedule:
    given: dict[str, Any] = {
        "sweep": "digits_mlp",
        "name": "digits-mlp",
        "folder": Path("/nowhere/project"),
        "python": Path("/nowhere/venv/bin/python"),
        "time_zone": "Europe/Berlin",
        "hours": 6.0,
        "secrets": ("SLACK_WEBHOOK",),
        "today": date(2026, 11, 21),
    }
    return Schedule(**{**given, **changes})


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    settings = draw(st.lists(words, max_size=3))
    return make(
        sweep=draw(words),
        name=draw(st.one_of(words, st.text(min_size=1, max_size=80))),
        folder=Path("/") / draw(parts) / draw(parts),
        python=Path("/") / draw(parts) / "bin" / "python",
        arguments=tuple(word for setting in settings for word in ("--set", f"x={setting}")),
        runs=draw(words),
        environment={"TUNER_DATA": "/" + draw(words)},
    )
