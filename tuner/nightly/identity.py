"""Which night it is, and which nights it may be compared with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from tuner.records.night import Conditions
from tuner.sweep import Sweep
from tuner.sweep.dump import as_mapping

_NO_RESULT = ("storage", "tracking", "checkpoints", "retries")
"""Sections that change nothing of what a night comes to."""
_NO_RESULT_OF_A_NIGHT = ("notify", "keep", "when_running")
_CONTROL_SEEDS = 0x6E69676874
"""Apart from the seeds of any trial."""


def date_of(now: float, time_zone: str) -> str:
    """`2026-11-21`, by the clocks of that place."""
    return datetime.fromtimestamp(now, ZoneInfo(time_zone)).date().isoformat()


def night_hash(sweep: Sweep, conditions: Conditions) -> str:
    """Eight hexadecimal digits, of configuration, code and data: the same start is the same night."""
    config = {name: value for name, value in as_mapping(sweep).items() if name not in _NO_RESULT}
    nightly = config.get("nightly") or {}
    config["nightly"] = {name: value for name, value in nightly.items() if name not in _NO_RESULT_OF_A_NIGHT}
    return _digest([config, conditions.code, conditions.data_hash])[:8]


def control_key(sweep: Sweep, control: Mapping[str, Any], seeds: tuple[int, ...]) -> str:
    """Of what a control's value hangs on by design: nights that share it are compared. Code, data and packages are
    not in it: where they differ, that explains a difference."""
    data = {"limit": sweep.data.limit, "split": sweep.fixed.get("split"), "seed": sweep.split_seed}
    what = [sweep.task, sweep.loop, sweep.model, data, sweep.metric.name, sweep.metric.mode, sweep.search.max_epochs]
    return _digest([what, dict(control), list(seeds)])[:16]


def control_seeds(sweep: Sweep, count: int) -> tuple[int, ...]:
    """Fixed from the file's seed; a longer list begins with a shorter one."""
    drawn = np.random.SeedSequence([sweep.seed, _CONTROL_SEEDS]).generate_state(count)
    return tuple(int(seed) for seed in drawn)


def search_seed(sweep: Sweep, night: str) -> int:
    """A night's own, or each would suggest what the last one did."""
    return int(_digest([sweep.seed, night])[:8], 16)


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
