"""What a night runs with: code, data, packages, machine and the sweep's own settings, as JSON would give them back."""

from __future__ import annotations

import json
import os
import platform
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuner.api.environment import installed, mask_addresses
from tuner.nightly.code_state import code_state, own_names
from tuner.records.night import Conditions
from tuner.sweep import Sweep
from tuner.sweep.dump import by_path
from tuner.tracking import masked

_CRON_POD = re.compile(r"-\d{8,}-[a-z0-9]{5}$")
"""What a CronJob of Kubernetes adds to its pods' names: every night another."""
LEFT_OUT = ("nightly.notify",)
"""Who is told changes no result, and a command may hold what is nobody's business."""


def conditions(sweep: Sweep, folder: Path, data_hash: str | None, device: str | None) -> Conditions:
    """Of a night that starts now, with the user's code in `folder`.

    `device`: what trials train on, `NVIDIA H200`; None for this machine's CPU. Nothing in it holds a secret: of
    addresses user, password and token are masked, and no variable of the environment is read.
    """
    return Conditions(
        code=code_state(folder, own_names(sweep)),
        data_hash=data_hash,
        packages={"python": platform.python_version(), **installed()},
        machine={
            "host": _CRON_POD.sub("", socket.gethostname()),
            "platform": platform.platform(),
            "device": device or _processor(),
        },
        settings=settings_of(sweep),
    )


def settings_of(sweep: Sweep) -> dict[str, Any]:
    """Path in the file -> value, as JSON would give it back."""
    told = {path: value for path, value in by_path(sweep).items() if not _is_left_out(path)}
    plain: dict[str, Any] = json.loads(json.dumps(told))
    return {path: _without_secrets(value) for path, value in plain.items()}


def _is_left_out(path: str) -> bool:
    return any(path == place or path.startswith(f"{place}.") for place in LEFT_OUT)


def _without_secrets(value: Any) -> Any:
    if isinstance(value, str):
        return mask_addresses(masked(value)) if "://" in value else value
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _without_secrets(item) for key, item in value.items()}
    return value


def _processor() -> str:
    """`Intel(R) Xeon(R) Platinum 8488C, 2 cores`."""
    told = Path("/proc/cpuinfo")  # Linux has it; elsewhere what Python knows has to do
    rows = told.read_text(encoding="utf-8", errors="replace").splitlines() if told.is_file() else []
    models = [" ".join(row.partition(":")[2].split()) for row in rows if row.startswith("model name")]
    model = models[0] if models else platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores"
