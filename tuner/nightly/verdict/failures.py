"""Whether a night is whole enough to be judged: its controls ended, and its search did not fail for some new reason."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.nightly.verdict.figures import Figures
from tuner.nightly.verdict.wording import of
from tuner.records.counts import chance_of_more

LEVEL = 1e-4
"""Failures come in crowds (one full disk, one lost node), which Fisher's test does not know: far out, therefore."""
SHARE, TIMES = 0.2, 2.0
"""What is called far more: a fifth of the trials, and twice the usual share."""
HALF = 0.5
"""Of a search that nothing is known of."""


def controls_missing(tonight: Figures) -> str | None:
    """Why nothing can be said of the model."""
    ended, failed = len(tonight.controls), tonight.controls_failed
    if ended >= 2 and failed <= ended:
        return None
    if failed:
        return f"{of(failed, ended + failed)} controls failed: nothing can be said of the model"
    return f"{ended or 'none'} of the controls ended: two are needed to say anything of the model"


def search_failed(tonight: Figures, nights: Sequence[Figures]) -> str | None:
    """`nights`: comparable ones. Why the search's best says nothing."""
    if not tonight.trials:
        return None
    share = tonight.failed / tonight.trials
    trials, failed = sum(night.trials for night in nights), sum(night.failed for night in nights)
    told = f"{of(tonight.failed, tonight.trials)} trials of the search failed"
    if not trials:
        return f"{told}, and there are no nights to compare with" if share >= HALF else None
    chance = chance_of_more(tonight.failed, tonight.trials, failed, trials)
    if share < max(SHARE, TIMES * failed / trials) or (chance > LEVEL and not (share >= HALF and chance < 0.01)):
        return None
    return f"{told}, in the comparable nights {of(failed, trials)}"
