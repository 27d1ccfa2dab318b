"""What the follower reads of the files beside the journal."""

from __future__ import annotations

import json
from typing import Any

import yaml

from tuner.records.run_directory import RunDirectory


def environment_of(run_dir: RunDirectory) -> dict[str, Any]:
    try:
        data = json.loads(run_dir.environment.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return data if isinstance(data, dict) else {}


def sweep_file_of(run_dir: RunDirectory) -> dict[str, Any]:
    """The resolved sweep, every value as the text it was written as."""
    try:
        data = yaml.load(run_dir.sweep.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    except FileNotFoundError:
        return {}
    return data if isinstance(data, dict) else {}
