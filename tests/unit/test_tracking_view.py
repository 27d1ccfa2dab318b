"""The view of the runs' table: an envelope as MLflow's page reads it, short enough for a tag."""

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
    assert state["selectedColumns"][1:4] == [
        "metrics.`best_val_accuracy`", "metrics.`best_epoch`", "metrics.`last_val_accuracy`"
    ]  # fmt: skip
    assert {"params.`lr`", "params.`size _b_`", "tags.`tuner.verdict`"} <= set(state["selectedColumns"])


def test_with_more_parameters_than_fit_the_first_ones_are_shown() -> None:
    names = [{"name": f"a_rather_long_name_of_a_parameter.{i}"} for i in range(300)]
    text = view_tags(HEAD | {"parameters": names})["mlflow.sharedViewState.tuner"]
    columns = json.loads(json.loads(text)["state"])["selectedColumns"]
    shown = [column for column in columns if column.startswith("params.")]
    assert len(text) <= LONGEST_TAG
    assert 20 < len(shown) < 300
    assert shown == [f"params.`{item['name']}`" for item in names[: len(shown)]]
