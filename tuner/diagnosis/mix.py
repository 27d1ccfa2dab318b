"""Mix of verdicts: do the trials of some sweeps go wrong in other ways than those of others?

Question  Has one sweep a larger or smaller share of a verdict than the others together, by more than chance?
Formula   Fisher's exact test for each verdict and side (of two, one side), two-sided; Bonferroni over all that were
          looked at.
Hit       the smallest p, so corrected, is below 0.05. Trials count as independent, which those of one searcher are not
          quite: it is a hint.
Source    Fisher (1934); Dunn (1961).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tuner.records.comparison import Mix, Side
from tuner.records.counts import chance_of_difference
from tuner.records.finding import UNKNOWN

LIMIT = 0.05


def verdict_mix(sides: Sequence[Side]) -> Mix:
    """Over the trials of the search."""
    counts = [Counter(trial.verdict or UNKNOWN for trial in side.record.trials) for side in sides]
    totals = [sum(one.values()) for one in counts]
    if sum(total > 0 for total in totals) < 2:
        return Mix(False, 1.0, "too few trials to say")
    verdicts = sorted(set().union(*counts))
    looked = range(1) if len(sides) == 2 else range(len(sides))
    tests = []
    for verdict in verdicts:
        everyone = sum(one[verdict] for one in counts)
        for place in looked:
            hits, others = counts[place][verdict], everyone - counts[place][verdict]
            chance = chance_of_difference(hits, totals[place], others, sum(totals) - totals[place])
            tests.append((chance, verdict, place))
    chance, verdict, place = min(tests)
    chance = min(1.0, chance * len(tests))
    if chance >= LIMIT:
        return Mix(False, chance, "the mix of verdicts does not differ by more than chance")
    shares = ", ".join(
        f"{side.label} {one[verdict]} of {total}" for side, one, total in zip(sides, counts, totals, strict=True)
    )
    return Mix(True, chance, f"the mix of verdicts differs, most in {verdict}: {shares} (p = {chance:.2g})")
