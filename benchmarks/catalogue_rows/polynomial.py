"""A polynomial: too low a degree underfits, too high a one overfits, and the diagnosis says so by degree."""

from collections.abc import Mapping

import numpy as np
from catalogue_row import Row, Run, flat_splits

from tuner.training.plan import TrainingPlan


def line(plan: TrainingPlan) -> Mapping[str, float]:
    x, y, val_x, val_y = flat_splits(plan)

    def error(degree: int) -> float:
        fit = np.polynomial.Legendre.fit(x[:, 0], y[:, 0], degree, domain=[-1, 1])
        return float(np.mean((fit(val_x[:, 0]) - val_y[:, 0]) ** 2))

    return {"least squares, degree 1": error(1), "least squares, degree 22": error(22), "the noise itself": 0.09}


def by_degree(runs: Mapping[str, Run]) -> tuple[tuple[str, bool], ...]:
    found = {int(t.config["degree"]): t.verdict for t in runs["polynomial"].directory.record().trials}
    told = ", ".join(f"{degree}: {verdict}" for degree, verdict in sorted(found.items()))
    low = any(found[degree] in ("underfitting", "not_learning") for degree in (1, 2))
    high = any(found[degree] == "overfitting" for degree in (15, 18, 22))
    return ((f"verdicts by degree: {told}", low and high),)


ROW = Row(
    "polynomial",
    "a line and a sine with noise, 40 examples",
    ("polynomial",),
    line,
    "least squares, degree 1",
    by_degree,
)
