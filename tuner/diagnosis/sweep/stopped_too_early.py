"""Stopped too early: ranks at the first rung do not predict ranks later.

Question  Does the scheduler prune before it can know?
Formula   rho = rank correlation between the metric at the lowest rung's epoch r and at a later epoch R, over the trials
          that went on from r to R; R is the latest epoch, twice r or more, that ENOUGH of them reached.
Units     rho: no unit.
Hit       ENOUGH trials went on and the upper end of rho's 90 % interval is below PREDICTS. Only trials that went on can
          be compared, and these are alike at r, which lowers rho somewhat by itself: hence a low bar and many trials.
          Diverged trials and those that raised are left out: they did not lose to the rung.
Source    Li et al. (2020), ASHA: a rung is worth as much as its ranks; Spearman (1904).
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis.sweep.standing import at_epochs, correlation_bounds, rank_correlation
from tuner.records.finding import Finding, Remedy
from tuner.records.trial import COMPLETED, PRUNED, SweepRecord

ENOUGH = 10
PREDICTS = 0.6
WELL = 0.8
"""A rank correlation from which a rung is good enough."""


def find(record: SweepRecord) -> list[Finding]:
    rungs = {rung.epoch for trial in record.trials for rung in trial.rungs}
    if not rungs:
        return []
    rung = min(rungs)
    curves = [at_epochs(t, record.metric) for t in record.trials if t.ending in (COMPLETED, PRUNED)]
    curves = [curve for curve in curves if rung in curve]
    later = [e for e in range(2 * rung, record.max_epochs + 1) if sum(e in curve for curve in curves) >= ENOUGH]
    if not later:
        return []
    end = later[-1]
    went = [curve for curve in curves if end in curve]
    rho = _rho(went, rung, end)
    low, high = correlation_bounds(rho, len(went))
    if high >= PREDICTS:
        return []
    between = [e for e in range(rung + 1, end) if all(e in curve for curve in went)]
    good = [e for e in between if _rho(went, e, end) >= WELL]
    # Three times at most, and half of the epochs: a rung near the end would stop nothing. The next sweep may ask again.
    new = max(rung + 1, min(good[0] if good else 3 * rung, 3 * rung, record.max_epochs // 2))
    says = f"ranks at epoch {rung} hardly predict those at epoch {end}: correlation {rho:.2f} over {len(went)} trials"
    return [
        Finding(
            "stopped_too_early",
            0.85 if high < 0.4 else 0.7,
            says,
            evidence={"correlation": rho, "low": low, "high": high, "trials": len(went), "rung": rung, "later": end},
            remedies=(Remedy("search.scheduler.grace", says, "Li et al. (2020)", rung, new),),
        )
    ]


def _rho(curves: list[dict[int, float]], early: int, late: int) -> float:
    return rank_correlation(np.array([c[early] for c in curves]), np.array([c[late] for c in curves]))
