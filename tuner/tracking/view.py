"""How MLflow's UI shows the experiment: two saved views of its runs, and which metric its charts show first.

By default the table has no metric, parameter or tag at all, and the charts begin with what MLflow finds first in the
alphabet. Saved views of them are kept as tags of the experiment, and an address names one:
`#/experiments/ID/runs?viewStateShareKey=tuner`. All trials of the experiment are in them, and the last sweep that was
begun says which columns they have.

Format  {name, createdAt (Unix ms), state: JSON as text}, as MLflow 3.17's own page writes one: savedViews in its source
        (mlflow/server/js); filter, order, columns, groups and charts are called as in ExperimentPageUIState and
        -SearchFacetsState, a chart as in RunsChartsCardConfig.
"""

from __future__ import annotations

import json
from typing import Any

from tuner.records.journal import Line
from tuner.tracking.mapping import LONGEST_TAG, allowed_name, ms

BEST_FIRST, BY_VERDICT = "tuner", "tuner-verdicts"
"""The views' keys in an address."""
KIND = "mlflow.experimentKind"
"""What the experiment is for; where nothing says it, MLflow's page shows what is there for language models."""
_VIEW = "mlflow.sharedViewState."
_NAMES = {BEST_FIRST: "Trials, best first", BY_VERDICT: "Trials by verdict"}
_PRIMARY = "mlflow.experiment.primaryMetric"
_VERDICT, _ENDING, _REASON = "tuner.verdict", "tuner.ending", "tuner.reason"
_FIRST_COLUMNS = ("1", "attributes.`Run Name`", "runDateAndNestInfo")
"""Those that the page keeps at the left."""
_WIDTHS = {"tags.`tuner.verdict`": 150, "tags.`tuner.ending`": 105}
_NAME_WIDTHS = {BEST_FIRST: 120, BY_VERDICT: 240}
"""Pixels: a trial's number, and `Group: noisy_validation` with how many there are."""
_SECTION = "tuner-curves"
_LOSSES = ("train_loss", "val_loss")


def view_tags(head: Line) -> dict[str, str]:
    """Tags of the experiment, by the journal's first line."""
    larger = head["mode"] == "max"
    return {
        KIND: "custom_model_development",
        _PRIMARY + ".name": allowed_name(f"best_{head['metric']}"),
        _PRIMARY + ".greaterIsBetter": "true" if larger else "false",
        _VIEW + BEST_FIRST: _fitting(head, BEST_FIRST),
        _VIEW + BY_VERDICT: _fitting(head, BY_VERDICT),
    }


def address(experiment_id: str, key: str, *, charts: bool = False) -> str:
    """Of a view, from the page's own root; `charts`: its curves in place of its table."""
    mode = "&compareRunsMode=CHART" if charts else ""
    return f"#/experiments/{experiment_id}/runs?viewStateShareKey={key}&workflowType=machine_learning{mode}"


def _fitting(head: Line, key: str) -> str:
    """With as many parameters as a tag has room for, those of the sweep file's beginning."""
    names = [allowed_name(item["name"]) for item in head.get("parameters", ())]
    while True:
        state = json.dumps(_state(head, names, grouped=key == BY_VERDICT), separators=(",", ":"))
        text = json.dumps({"name": _NAMES[key], "createdAt": ms(head["at"]), "state": state})
        if len(text) <= LONGEST_TAG or not names:
            return text
        names = names[:-1]


def _state(head: Line, names: list[str], *, grouped: bool) -> dict[str, Any]:
    metric = allowed_name(head["metric"])
    best, last = allowed_name(f"best_{metric}"), allowed_name(f"last_{metric}")
    verdict, ending, reason = (_column("tags", name) for name in (_VERDICT, _ENDING, _REASON))
    values = [_column("metrics", name) for name in (best, "best_epoch", last, "epochs")]
    rest = [_column("metrics", "seconds"), *(_column("params", name) for name in names), reason]
    group = {"aggregateFunction": "average", "groupByKeys": [{"mode": "tag", "groupByData": _VERDICT}]}
    return {
        "searchFilter": "tags.`tuner.trial` LIKE '%'",
        "orderByKey": _column("metrics", best),
        "orderByAsc": head["mode"] != "max",
        "selectedColumns": [verdict, *values, ending, *rest],
        "columnOrder": [*_FIRST_COLUMNS, verdict, *values, ending],
        "columnWidths": {"attributes.`Run Name`": _NAME_WIDTHS[BY_VERDICT if grouped else BEST_FIRST], **_WIDTHS},
        "groupBy": group if grouped else None,
        "compareRunSections": [
            {"uuid": _SECTION, "name": "Curves", "display": True, "isReordered": True},
            {"uuid": "tuner-all", "name": "Model metrics", "display": False, "isReordered": False},
        ],
        "isAccordionReordered": True,  # as they stand here, not by the alphabet
        "compareRunCharts": _charts(metric),
    }


def _charts(metric: str) -> list[dict[str, Any]]:
    """The sweep's metric, and of each trial both losses in one chart: where they part it overfits."""
    return [_chart(number, names) for number, names in enumerate(([metric], [*_LOSSES]))]


def _chart(number: int, names: list[str]) -> dict[str, Any]:
    """One outlier among the trials does not flatten the others."""
    return {
        "type": "LINE",
        "uuid": f"tuner-{number}",
        "metricSectionId": _SECTION,
        "deleted": False,
        "isGenerated": False,
        "runsCountToCompare": 10,
        "metricKey": names[0],
        "selectedMetricKeys": names,
        "lineSmoothness": 0,
        "xAxisScaleType": "linear",
        "scaleType": "log" if all(name.endswith("loss") for name in names) else "linear",
        "range": {},
        "xAxisKey": "step",
        "selectedXAxisMetricKey": "",
        "displayPoints": False,
        "yAxisKey": "metric",
        "yAxisExpressions": [],
        "ignoreOutliers": True,
        "useGlobalXaxisKey": True,
        "useGlobalLineSmoothing": True,
    }


def _column(kind: str, name: str) -> str:
    return f"{kind}.`{name}`"
