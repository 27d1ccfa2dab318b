"""Is a share larger here than there? Fisher's exact test (1934), one-sided: of all ways to spread the hits over all
trials, those that give as many here."""

from __future__ import annotations

import math


def chance_of_more(hits: int, trials: int, before: int, trials_before: int) -> float:
    """One-sided p-value of `hits` of `trials` here (tonight) beside `before` of `trials_before`; 1 without trials."""
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


def chance_of_difference(hits: int, trials: int, others: int, trials_of_others: int) -> float:
    """Two-sided: twice the smaller of the two one-sided p-values, at most 1."""
    more = chance_of_more(hits, trials, others, trials_of_others)
    fewer = chance_of_more(others, trials_of_others, hits, trials)
    return min(1.0, 2 * min(more, fewer))


def _log_ways(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
