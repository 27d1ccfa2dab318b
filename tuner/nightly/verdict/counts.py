"""Is a share larger than it was? Fisher's exact test (1934), one-sided: of all ways to spread the hits over all trials,
those that give tonight as many."""

from __future__ import annotations

import math


def chance_of_more(hits: int, trials: int, before: int, trials_before: int) -> float:
    """One-sided p-value of `hits` of `trials` tonight beside `before` of `trials_before`; 1 without trials."""
    everyone, marked = trials + trials_before, hits + before
    if not trials or not trials_before:
        return 1.0
    top = min(trials, marked)
    whole = _log_ways(everyone, trials)
    terms = [
        math.exp(_log_ways(marked, k) + _log_ways(everyone - marked, trials - k) - whole)
        for k in range(hits, top + 1)
        if trials - k <= everyone - marked
    ]
    return min(1.0, math.fsum(terms))


def _log_ways(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
