"""A line: slope and intercept to three digits."""

from collections.abc import Mapping

from catalogue_row import Row, Run, least_squares

from tuner.training.weights import read_weights


def recovered(runs: Mapping[str, Run]) -> tuple[tuple[str, bool], ...]:
    kept = runs["line"].directory.best_checkpoint(runs["line"].directory.record())
    assert kept is not None
    state = read_weights(kept[1])
    slope, intercept = (float(next(v for k, v in state.items() if k.endswith(end))) for end in ("weight", "bias"))
    right = abs(slope - 2) < 0.005 and abs(intercept + 1) < 0.005
    return ((f"w = {slope:.4f} and b = {intercept:.4f}: three digits", right),)


ROW = Row(
    "line",
    "f(x) = 2x − 1 with noise of deviation 0.05",
    ("line",),
    lambda plan: {"least squares": least_squares(plan), "within 1 % of least squares": 1.01 * least_squares(plan)},
    "within 1 % of least squares",
    recovered,
)
