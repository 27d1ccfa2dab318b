"""scikit-learn's digits: 98 % with the CNN, on digits that no trial saw."""

from collections.abc import Mapping

import numpy as np
from catalogue_row import Row, Run, flat_splits
from sklearn.linear_model import LogisticRegression

from tuner.api.final_test import final_test
from tuner.training.plan import TrainingPlan


def logistic(plan: TrainingPlan) -> Mapping[str, float]:
    x, y, val_x, val_y = flat_splits(plan)
    model = LogisticRegression(max_iter=2000).fit(x, y)
    share = model.predict_proba(val_x)[np.arange(len(val_y)), val_y.astype(int)]
    return {"logistic regression": float(-np.log(np.maximum(share, 1e-12)).mean())}


def held_out(runs: Mapping[str, Run]) -> tuple[tuple[str, bool], ...]:
    run = runs["digits_cnn"]
    found = final_test(run.sweep, run.directory).record.final_test
    assert found is not None
    accuracy = found.metrics["test_accuracy"]
    return ((f"{accuracy:.2%} of {found.n_test} held-out digits right with the CNN", accuracy >= 0.98),)


ROW = Row(
    "digits", "1,797 digits of 8×8 pixels", ("digits_mlp", "digits_cnn"), logistic, "logistic regression", held_out
)
