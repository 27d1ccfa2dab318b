"""No progress: the searcher beats nothing that its first trials had found.

Question  Is the search still finding anything?
Formula   early = the first fifth of the comparable trials, ten at least; p = chance that the later ones score so much
          better than the early ones, were there no progress (rank correlation of score with trial number's half).
Units     p: probability.
Hit       by a searcher that learns (tpe, gp, cmaes), over FEW trials or more, LATER times as many later ones as early
          ones: the best of all is an early one, and the later ones do not even score better as a whole (p above
          CHANCE): what is searched makes no difference that could be learnt.
          Enqueued trials and defaults count as early ones: they were there before the searcher.
Source    Bergstra and Bengio (2012): random search as the measure of any other.
"""

from __future__ import annotations

import numpy as np

from tuner.diagnosis.sweep.standing import correlation_chance, rank_correlation, standing
from tuner.records.finding import Finding, Remedy
from tuner.records.trial import SweepRecord

LEARNING = ("tpe", "gp", "cmaes")
EARLY = 10
FEW = 40
LATER = 3
CHANCE = 0.1


def find(record: SweepRecord) -> list[Finding]:
    stood = standing(record)
    total = len(stood.trials)
    early = max(EARLY, total // 5)
    if total < FEW or total - early < LATER * early or sum(t.origin in LEARNING for t in stood.trials) < total / 2:
        return []
    numbers = [t.number for t in stood.trials]
    border = sorted(numbers)[early]
    late = np.array([float(number >= border) for number in numbers])
    chance = correlation_chance(rank_correlation(late, stood.score), total)
    best = record.best
    if best is None or best.number >= border or chance < CHANCE:
        return []
    return [
        Finding(
            "no_progress",
            min(0.9, 0.6 + chance / 3),
            f"the best trial is {best.trial}, one of the first {early}; the {total - early} after it are no better "
            "as a whole",
            evidence={"early": early, "later": total - early, "chance": chance},
            remedies=(
                Remedy("stop", "more trials of this space find nothing", "Bergstra and Bengio (2012)"),
                Remedy("a larger space", "what was searched makes no difference", "Bergstra and Bengio (2012)"),
            ),
        )
    ]
