"""California housing: dollars; better than the linear least-squares solution."""

from collections.abc import Mapping

from catalogue_row import Row, Run, least_squares


def inputs_compared(runs: Mapping[str, Run]) -> tuple[tuple[str, bool], ...]:
    trials = [t for t in runs["housing"].directory.record().trials if t.value is not None]
    best = {
        form: min((float(t.value or 0) for t in trials if t.config["standardise"] is form), default=float("nan"))
        for form in (True, False)
    }
    said = f"best RMSE with standardised inputs {best[True]:,.0f}, with raw ones {best[False]:,.0f}"
    return ((said, best[True] < best[False]),)


ROW = Row(
    "housing",
    "median house values of 20,640 block groups, in dollars; gaps filled with the training mean",
    ("housing",),
    lambda plan: {"least squares": least_squares(plan)},
    "least squares",
    inputs_compared,
)
