"""Parameter idle: a parameter explains nothing within noise, and need not be searched any longer.

Question  Does it matter at all where in its range this parameter lies?
Formula   the importance of the parameter in a small forest that predicts the trials' scores (compared at equal epochs),
          with a 90 % interval; q = chance of so strong a rank correlation with the score, were there none, for numbers
          directly and folded at the middle of the range (a bowl), for choices of each option against the rest.
          And r = chance of so good a fit of the better half's scores by the parameter and its square (an option: its
          indicator) beside those of all others, were its values shuffled: what matters only among good trials, too,
          is not idle.
Units     importance: share of the score's variance; q, r: probability.
Hit       with FEW trials or more that have the parameter, spread over its range, and a forest that explains EXPLAINED
          of the variance (otherwise nothing would look important): the interval's upper end is below IDLE, and no q and
          no r is below TREND. Diverged trials count, with the worst score.
Source    Breiman (2001), permutation importance; Hutter et al. (2014), an efficient approach for assessing
          hyperparameter importance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tuner.diagnosis.sweep.forest import Importance, importances
from tuner.diagnosis.sweep.placing import of
from tuner.diagnosis.sweep.standing import Standing, correlation_chance, rank_correlation, standing
from tuner.records.finding import Finding, Remedy
from tuner.records.trial import ParameterRecord, SweepRecord, TrialRecord

FEW = 30
LARGE = 300
EXPLAINED = 0.35
IDLE = 0.03
TREND = 0.1
SHUFFLINGS = 200
THIRD = 0.15
"""Share of the trials that each third of the range, or each option, must hold: else it was hardly tried."""


@dataclass(frozen=True)
class Judged:
    """The forest's word on a sweep; its columns are the searched parameters."""

    searched: list[ParameterRecord]
    stood: Standing
    x: npt.NDArray[np.float64]
    """Trials by parameters, as `_code` writes them."""
    found: Importance


def judged(record: SweepRecord) -> Judged | None:
    """None with fewer than FEW trials to compare, or fewer than two parameters that are searched."""
    searched = [p for p in record.parameters if _searched(p)]
    stood = _thinned(standing(record))
    if len(searched) < 2 or len(stood.trials) < FEW or not np.ptp(stood.score):
        return None
    x = np.stack([[_code(t, p) for p in searched] for t in stood.trials])
    return Judged(searched, stood, x, importances(x, stood.score))


def find(record: SweepRecord) -> list[Finding]:
    whole = judged(record)
    if whole is None or whole.found.explained < EXPLAINED:
        return []
    searched, stood, x, found = whole.searched, whole.stood, whole.x, whole.found
    return [
        _finding(parameter, found, column, stood)
        for column, parameter in enumerate(searched)
        if found.high[column] < IDLE
        and not any(other.parent == parameter.name for other in record.parameters)
        and _is_quiet(x[:, column], stood.score, parameter)
        and _chance_among_the_good(x, stood.score, searched, column) >= TREND
    ]


def _searched(parameter: ParameterRecord) -> bool:
    if parameter.kind in ("float", "int"):
        return parameter.low is not None and parameter.high is not None and parameter.low < parameter.high
    return parameter.kind == "choice" and len(parameter.options) > 1


def _thinned(stood: Standing) -> Standing:
    if len(stood.trials) <= LARGE:
        return stood
    keep = np.linspace(0, len(stood.trials) - 1, LARGE).astype(int)
    return Standing(tuple(stood.trials[i] for i in keep), stood.score[keep])


def _code(trial: TrialRecord, parameter: ParameterRecord) -> float:
    """The place on the axis, the option's number, or -1 where the parameter is not active."""
    if parameter.name not in trial.config:
        return -1.0
    if parameter.kind == "choice":
        value = trial.config[parameter.name]
        same = [i for i, o in enumerate(parameter.options) if type(o) is type(value) and o == value]
        return float(same[0]) if same else -1.0
    place = of(trial, parameter)
    return -1.0 if place is None else place


def _is_quiet(codes: npt.NDArray[np.float64], score: npt.NDArray[np.float64], parameter: ParameterRecord) -> bool:
    """Tried all over its range, and no trend in sight."""
    active = codes >= 0
    values, scores = codes[active], score[active]
    count = len(values)
    if count < FEW:
        return False
    if parameter.kind == "choice":
        columns = [(values == option).astype(float) for option in range(len(parameter.options))]
        if min(column.mean() for column in columns) < THIRD / max(1, len(columns) - 2):
            return False
    else:
        shares = [float(np.mean((values >= k / 3) & (values <= (k + 1) / 3))) for k in range(3)]
        if min(shares) < THIRD:
            return False
        columns = [values, np.abs(values - 0.5)]
    return all(2 * correlation_chance(abs(rank_correlation(column, scores)), count) >= TREND for column in columns)


def _chance_among_the_good(
    x: npt.NDArray[np.float64], score: npt.NDArray[np.float64], searched: list[ParameterRecord], column: int
) -> float:
    """The share of shufflings of the column that fit the better trials as well as it does itself."""
    blocks = [_terms(x[:, i], p) for i, p in enumerate(searched)]
    columns = 1 + sum(block.shape[1] for block in blocks)
    better = score >= np.median(score)
    if better.sum() < 2 * columns:
        better[:] = True
    y, mine = score[better], blocks[column][better]
    others = np.hstack([np.ones((len(y), 1)), *(block[better] for i, block in enumerate(blocks) if i != column)])
    rng = np.random.default_rng(0)
    own = _error(np.hstack([others, mine]), y)
    mixed = [_error(np.hstack([others, mine[rng.permutation(len(y))]]), y) for _ in range(SHUFFLINGS)]
    return float(np.mean([error <= own for error in mixed]))


def _terms(codes: npt.NDArray[np.float64], parameter: ParameterRecord) -> npt.NDArray[np.float64]:
    if parameter.kind == "choice":
        return np.stack([codes == option for option in range(1, len(parameter.options))], axis=1).astype(float)
    centred = np.where(codes >= 0, codes - 0.5, 0.0)
    return np.stack([centred, centred**2], axis=1)


def _error(columns: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    left = y - columns @ np.linalg.lstsq(columns, y, rcond=None)[0]
    return float(left @ left)


def _finding(parameter: ParameterRecord, found: Importance, column: int, stood: Standing) -> Finding:
    middle, high = max(0.0, float(found.middle[column])), max(0.0, float(found.high[column]))
    best = next((t for t in stood.ranked if parameter.name in t.config), None)
    value = best.config[parameter.name] if best is not None else None
    if isinstance(value, float):
        value = float(f"{value:.2g}")
        value = min(max(value, parameter.low or value), parameter.high or value)
    says = f"{parameter.name} explains {100 * middle:.1f} % of how the trials rank, at most {100 * high:.1f} %"
    return Finding(
        "parameter_idle",
        0.9 if found.explained > 0.6 and len(stood.trials) >= 2 * FEW else 0.75,
        says,
        evidence={
            "importance": middle,
            "importance_high": high,
            "explained": found.explained,
            "trials": len(stood.trials),
        },
        remedies=(
            Remedy(
                f"space.{parameter.name}", f"{says}: fixed at the best trial's value", "Breiman (2001)", None, value
            ),
        ),
    )
