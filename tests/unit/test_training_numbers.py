"""The rows that learn numbers: a line, a wave and houses; polynomials; gaps in a table."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tuner.errors import InputError
from tuner.training.data import Splits, load_splits, raw
from tuner.training.models import polynomial
from tuner.training.plan import TrainingPlan
from tuner.training.task_info import TaskInfo
from tuner.training.tasks import Examples, Housing, Line, Task, Wave

DATA = Path(__file__).parents[1] / "data"


def test_the_line_has_its_slope_and_the_wave_its_noise() -> None:
    line = Line().load(None)
    slope, intercept = np.polyfit(line.x[:, 0], np.asarray(line.y), 1)
    assert (slope, intercept) == (pytest.approx(2, abs=0.005), pytest.approx(-1, abs=0.005))
    wave = Wave().load(None)
    assert len(wave.x) == 840
    rest = np.asarray(wave.y) - wave.x[:, 0] - np.sin(1.5 * np.pi * wave.x[:, 0])
    assert rest.std() == pytest.approx(0.3, abs=0.03)


def test_legendres_polynomials_by_hand() -> None:
    x = torch.tensor([[0.5]])
    # P1 = x, P2 = (3x² − 1)/2, P3 = (5x³ − 3x)/2
    assert polynomial.Legendre(3)(x).tolist() == [pytest.approx([0.5, -0.125, -0.4375])]
    assert polynomial.Legendre(1)(x).tolist() == [[0.5]]
    assert polynomial.build(TaskInfo("t", (2,), 0, 9, outputs=1), degree=4)(torch.zeros(5, 2)).shape == (5, 1)
    with pytest.raises(InputError, match="rows of numbers"):
        polynomial.build(TaskInfo("t", (1, 8, 8), 10, 9), degree=4)


def test_houses_are_read_with_their_gaps() -> None:
    houses = Housing().load(DATA)
    assert houses.x.shape == (710, 13)
    assert np.isnan(houses.x).sum() >= 10
    assert (houses.x[:, 8:].sum(1) == 1).all()  # one place each
    assert np.asarray(houses.y).min() > 10_000


@pytest.mark.parametrize("text", ["", "longitude,median_house_value\n1,x\n", "a,b\n1,2\n"])
def test_another_file_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "california_housing.csv").write_text(text)
    with pytest.raises(InputError, match=r"california_housing\.csv"):
        Housing().load(tmp_path)


def test_no_file_says_where_it_belongs(tmp_path: Path) -> None:
    for folder in (None, tmp_path):
        with pytest.raises(InputError, match="TUNER_DATA"):
            Housing().load(folder)


class Gaps(Task):
    kind = "values"

    def load(self, folder: Path | None) -> Examples:
        x = np.arange(40.0).reshape(20, 2)
        x[::3, 1] = np.nan
        return Examples(x, x[:, 0])


@pytest.mark.parametrize("standardise", [True, False])
def test_gaps_become_the_training_mean(standardise: bool, tmp_path: Path) -> None:
    sys.modules["gap_tasks"] = sys.modules[__name__]
    splits = load_splits(TrainingPlan("gap_tasks:Gaps", str(tmp_path)))
    assert isinstance(splits, Splits)
    x = raw(splits.inputs(splits.train_x, standardise=True), splits)
    gaps = x[:, 0] % 6 == 0
    assert gaps.any()
    known = x[~gaps, 1].mean()
    assert x[gaps, 1] == pytest.approx(np.full(gaps.sum(), known), rel=1e-5)
    assert np.isfinite(splits.inputs(splits.val_x, standardise=standardise)).all()
