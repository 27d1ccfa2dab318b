"""Batch and lr coupled: the best learning rate moves with the batch size.

Question  Does comparing batch sizes at one learning rate mislead here?
Formula   score = a + b x + c x² + d x z + e z + f z², x = ln learning rate, z = ln batch size (both centred), fitted by
          least squares to the scores of the trials (compared at equal epochs) that did not diverge; the best learning
          rate moves as x* = -(b + d z) / 2c, so the slope is -d / 2c. Its interval from resampling the trials.
Units     slope: powers; 1 means that twice the batch wants twice the learning rate, 0.5 the square root of that.
Hit       FEW trials or more on two or more batch sizes, of which two hold EACH or more; c is negative (there is a best
          learning rate) and the slope is above LEAST in 98 % of the resampled fits.
Source    Boudart, course 2 §4.2; Google's tuning playbook: do not tune the batch size without tuning the learning rate
          again; Krizhevsky (2014) for the slopes.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tuner.diagnosis.sweep.placing import learning_rates, number, short
from tuner.diagnosis.sweep.standing import standing
from tuner.records.finding import Finding, Remedy
from tuner.records.trial import DOOMED, ParameterRecord, SweepRecord

FEW = 24
EACH = 8
LEAST = 0.1
SURE = 0.98
RESAMPLES = 500
STEEP = 4.0
"""No fit steeper than this is believed: its bowl is too flat to have a place."""


def find(record: SweepRecord) -> list[Finding]:
    batches = [p for p in record.parameters if short(p) == "batch_size" and p.kind in ("choice", "int")]
    return [finding for rate in learning_rates(record) for batch in batches for finding in _of(rate, batch, record)]


def _of(rate: ParameterRecord, batch: ParameterRecord, record: SweepRecord) -> list[Finding]:
    stood = standing(record)
    rows = []
    for trial, score in zip(stood.trials, stood.score, strict=True):
        lr, size = number(trial.config.get(rate.name)), number(trial.config.get(batch.name))
        if trial.ending != DOOMED and lr is not None and size is not None and lr > 0 and size > 0:
            rows.append((math.log(lr), math.log(size), float(score)))
    data = np.array(rows).reshape(-1, 3)
    sizes, counts = np.unique(data[:, 1], return_counts=True)
    if len(data) < FEW or len(sizes) < 2 or np.sort(counts)[-2] < EACH:
        return []
    data[:, :2] -= data[:, :2].mean(axis=0)
    rng = np.random.default_rng(0)
    slopes = np.array([_slope(data[rng.integers(0, len(data), len(data))]) for _ in range(RESAMPLES)])
    slope, sure = _slope(data), float(np.mean(slopes > LEAST))
    if not LEAST < slope < STEEP or sure < SURE:
        return []
    low, high = (float(v) for v in np.quantile(slopes[np.isfinite(slopes)], [0.05, 0.95]))
    best = next((t for t in stood.ranked if batch.name in t.config), None)
    says = (
        f"the best {rate.name} grows with {batch.name} to the power {slope:.2g} ({low:.2g} to {high:.2g}): "
        f"at one {rate.name}, batch sizes cannot be compared"
    )
    return [
        Finding(
            "batch_and_lr_coupled",
            min(0.95, sure - 0.05),
            says,
            evidence={"slope": slope, "slope_low": low, "slope_high": high, "trials": len(data)},
            remedies=(
                Remedy(
                    f"space.{batch.name}",
                    f"{says}; {rate.name} is tuned at one batch size",
                    "Google's tuning playbook",
                    None,
                    best.config[batch.name] if best is not None else None,
                ),
            ),
        )
    ]


def _slope(data: npt.NDArray[np.float64]) -> float:
    """-d / 2c; minus infinity where there is no best learning rate."""
    x, z, y = data.T
    columns = np.stack([np.ones_like(x), x, x * x, x * z, z, z * z], axis=1)
    _, _, c, d, _, _ = np.linalg.lstsq(columns, y, rcond=None)[0]
    return float(-d / (2 * c)) if c < 0 else -math.inf
