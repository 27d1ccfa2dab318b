"""Which numeric parameters move the value most, so far as ranks alone tell: enough to choose what to draw.

It is Spearman's rank correlation, which sees rising and falling trends and misses a valley in the middle; nobody is
told this number.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tuner.records.trial import SweepRecord

TRIALS_NEEDED = 4
"""With fewer, every correlation is luck."""


def rank_correlations(record: SweepRecord) -> dict[str, float]:
    """Numeric parameter -> absolute rank correlation with the value, over the trials that have both."""
    pairs: dict[str, list[tuple[float, float]]] = {}
    for trial in record.trials:
        for name, setting in trial.config.items():
            if trial.value is not None and type(setting) in (int, float):
                pairs.setdefault(name, []).append((float(setting or 0), trial.value))
    return {name: _correlation(np.array(rows)) for name, rows in pairs.items() if len(rows) >= TRIALS_NEEDED}


def _correlation(rows: npt.NDArray[np.float64]) -> float:
    ranks = np.stack([_ranks(rows[:, 0]), _ranks(rows[:, 1])])
    if (ranks.std(axis=1) == 0).any():
        return 0.0
    return float(np.abs(np.asarray(np.corrcoef(ranks))[0, 1]))


def _ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Equals share the mean of their ranks."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[places], np.float64)
