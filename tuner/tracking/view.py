"""How MLflow's UI shows the experiment: which columns its table has, sorted by what, and which metric its charts show.

By default the table has no metric, parameter or tag at all. A saved view of it is kept as a tag of the experiment, and
an address names it: `#/experiments/ID/runs?viewStateShareKey=tuner`. All trials of the experiment are in it, and the
last sweep that was begun says which columns it has.

Format  {name, createdAt (Unix ms), state: JSON as text}, as MLflow 3.17's own page writes one: savedViews in its source
        (mlflow/server/js); filter, order and columns are called as in ExperimentPageUIState and -SearchFacetsState.
"""

from __future__ import annotations

import json
from typing import Any

from tuner.records.journal import Line
from tuner.tracking.mapping import LONGEST_TAG, allowed_name, ms
from tuner.tracking.note import VIEW

_VIEW = f"mlflow.sharedViewState.{VIEW}"
NAME = "Trials, best first"
_PRIMARY = "mlflow.experiment.primaryMetric"
_TAGS = ("tuner.verdict", "tuner.ending", "tuner.reason")


def view_tags(head: Line) -> dict[str, str]:
    """Tags of the experiment, by the journal's first line."""
    best = allowed_name(f"best_{head['metric']}")
    larger = head["mode"] == "max"
    names = [allowed_name(item["name"]) for item in head.get("parameters", ())]
    return {
        _PRIMARY + ".name": best,
        _PRIMARY + ".greaterIsBetter": "true" if larger else "false",
        _VIEW: _fitting(best, allowed_name(f"last_{head['metric']}"), larger, names, ms(head["at"])),
    }


def _fitting(best: str, last: str, larger: bool, names: list[str], at: int) -> str:
    """With as many parameters as a tag has room for, those of the sweep file's beginning."""
    while True:
        state = json.dumps(_state(best, last, larger, names), separators=(",", ":"))
        text = json.dumps({"name": NAME, "createdAt": at, "state": state})
        if len(text) <= LONGEST_TAG or not names:
            return text
        names = names[:-1]


def _state(best: str, last: str, larger: bool, names: list[str]) -> dict[str, Any]:
    columns = [
        _column("attributes", "Description"),
        *(_column("metrics", name) for name in (best, "best_epoch", last, "epochs", "seconds")),
        *(_column("params", name) for name in names),
        *(_column("tags", name) for name in _TAGS),
    ]
    return {
        "searchFilter": "tags.`tuner.trial` LIKE '%'",
        "orderByKey": _column("metrics", best),
        "orderByAsc": not larger,
        "selectedColumns": columns,
    }


def _column(kind: str, name: str) -> str:
    return f"{kind}.`{name}`"
