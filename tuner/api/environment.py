"""Where and with what a sweep ran: environment.json in the run directory."""

from __future__ import annotations

import os
import platform
import re
import socket
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

PACKAGES = ("tuner", "torch", "torchvision", "ray", "optuna", "mlflow", "numpy", "pandas", "scikit-learn")
"""Those that a result hangs on most."""
_SECRET = re.compile(r"(://)[^/@\s]+@")
"""User and password in an address: never written down."""
_SEPARATORS = re.compile(r"[-_.]+")
_QUIET_GIT = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
"""Reading the state of the code takes no lock that a person at work there would meet."""
_LARGEST_DIFF = 1 << 20
"""Bytes of `git diff` that are kept; a longer one is cut, and says so."""


def environment(folder: Path) -> dict[str, Any]:
    """Versions, host and the state of the code in `folder`. No environment variables: they may hold secrets."""
    packages = installed()
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "cpus": os.cpu_count(),
        "command": [Path(sys.argv[0]).name, *(mask_addresses(word) for word in sys.argv[1:])],
        "versions": {name: packages[name] for name in PACKAGES if name in packages},
        "packages": packages,
        "git": git_state(folder),
    }


def installed() -> dict[str, str]:
    """Every installed distribution by its normalised name (`scikit-learn`) -> version, sorted by name.

    Of two on the path under one name the first counts, as for `import`.
    """
    found: dict[str, str] = {}
    for item in distributions():
        words = item.metadata
        if "Name" in words and "Version" in words:  # what a broken uninstall leaves behind has neither
            found.setdefault(_SEPARATORS.sub("-", words["Name"]).lower(), words["Version"])
    return dict(sorted(found.items()))


def mask_addresses(text: str) -> str:
    """Without the user and password of any address in it."""
    return _SECRET.sub(r"\1***@", text)


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit and what differs from it; None outside a repository or without git."""
    commit = ask_git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    diff = ask_git(folder, "diff", "HEAD") or ""
    if len(diff) > _LARGEST_DIFF:
        diff = diff[:_LARGEST_DIFF] + f"\n[cut here: the diff has {len(diff)} characters]\n"
    return {"commit": commit.strip(), "dirty": bool(diff), "diff": diff}


def ask_git(folder: Path, *words: str) -> str | None:
    """What git prints; None where there is no git, no repository, or no answer in 20 s.

    Bytes that are no UTF-8 become U+FFFD: a diff may hold any.
    """
    try:
        done = subprocess.run(
            ["git", *words],
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=20,
            check=False,
            env=os.environ | _QUIET_GIT,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
