"""The views of the runs: an envelope as MLflow's page reads it, short enough for a tag."""

from __future__ import annotations

import json

from tuner.tracking.mapping import LONGEST_TAG
from tuner.tracking.view import view_tags

HEAD = {"at": 1.5, "metric": "val_accuracy", "mode": "max", "parameters": [{"name": "lr"}, {"name": "size <b>"}]}


def test_columns_order_and_primary_metric() -> None:
    tags = view_tags(HEAD)
    assert tags["mlflow.experiment.primaryMetric.name"] == "best_val_accuracy"
    assert tags["mlflow.experiment.primaryMetric.greaterIsBetter"] == "true"
    envelope = json.loads(tags["mlflow.sharedViewState.tuner"])
    assert (envelope["name"], envelope["createdAt"]) == ("Trials, best first", 1500)
    state = json.loads(envelope["state"])
    assert (state["orderByKey"], state["orderByAsc"]) == ("metrics.`best_val_accuracy`", False)
    assert state["columnOrder"][3:7] == [
        "tags.`tuner.verdict`", "metrics.`best_val_accuracy`", "metrics.`best_epoch`", "metrics.`last_val_accuracy`"
    ]  # fmt: skip
    assert {"params.`lr`", "params.`size _b_`", *state["columnOrder"][3:]} <= set(state["selectedColumns"])
    assert state["groupBy"] is None


def test_the_second_view_groups_trials_by_their_verdict() -> None:
    envelope = json.loads(view_tags(HEAD)["mlflow.sharedViewState.tuner-verdicts"])
    assert envelope["name"] == "Trials by verdict"
    group = json.loads(envelope["state"])["groupBy"]
    assert group == {"aggregateFunction": "average", "groupByKeys": [{"mode": "tag", "groupByData": "tuner.verdict"}]}


def test_the_curves_come_before_everything_else_and_losses_on_a_logarithmic_scale() -> None:
    state = json.loads(json.loads(view_tags(HEAD)["mlflow.sharedViewState.tuner"])["state"])
    curves, rest = state["compareRunSections"]
    assert (curves["display"], rest["name"], rest["display"]) == (True, "Model metrics", False)
    assert {chart["metricSectionId"] for chart in state["compareRunCharts"]} == {curves["uuid"]}
    drawn = [(chart["selectedMetricKeys"], chart["scaleType"]) for chart in state["compareRunCharts"]]
    assert drawn == [(["val_accuracy"], "linear"), (["train_loss", "val_loss"], "log")]


def test_with_more_parameters_than_fit_the_first_ones_are_shown() -> None:
    names = [{"name": f"a_rather_long_name_of_a_parameter.{i}"} for i in range(300)]
    text = view_tags(HEAD | {"parameters": names})["mlflow.sharedViewState.tuner"]
    columns = json.loads(json.loads(text)["state"])["selectedColumns"]
    shown = [column for column in columns if column.startswith("params.")]
    assert len(text) <= LONGEST_TAG
    assert 10 < len(shown) < 300
    assert shown == [f"params.`{item['name']}`" for item in names[: len(shown)]]
