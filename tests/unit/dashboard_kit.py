"""The queries of dashboards/tuner.json, as Grafana would send them with every sweep and run chosen."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DASHBOARDS = Path(__file__).parents[2] / "dashboards"
BOARD: dict[str, Any] = json.loads((DASHBOARDS / "tuner.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Query:
    panel: str
    text: str


def queries(interval: str) -> list[Query]:
    """Every query of every panel; `interval` stands for Grafana's `$__rate_interval`, such as `1m`."""
    out = []
    for panel in BOARD["panels"]:
        for target in panel["targets"]:
            text = target["expr"].replace("$__rate_interval", interval)
            text = text.replace("$sweep", ".*").replace("$run", ".*")
            assert "$" not in text, f"{panel['title']}: a variable that nothing stands for: {text}"
            out.append(Query(panel["title"], text))
    return out
