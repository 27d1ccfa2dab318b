"""What a misspelt name may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

CLOSE = 0.66
"""difflib's ratio from which a name is offered: `flop` to `flip` is 0.75, while `bayes` to `cmaes` is 0.6."""


def closest(word: object, words: Iterable[str]) -> str | None:
    """The one of `words` that `word` is most like, upper and lower case alike; None when none is like it."""
    lower = {known.lower(): known for known in words}
    text = str(word).lower()
    plain = text.replace("-", "_")
    if plain in lower:
        return lower[plain]
    found = difflib.get_close_matches(text, lower, n=1, cutoff=CLOSE)
    return lower[found[0]] if found else None


def did_you_mean(word: object, words: Iterable[str], *, at_most: int = 12) -> str:
    """``did you mean `adamw`?``, else the names that there are, as the cure of a fault."""
    known = list(words)
    meant = closest(word, known)
    if meant is not None:
        return f"did you mean `{meant}`?"
    if not known:
        return "leave it out"
    more = f" and {len(known) - at_most} more" if len(known) > at_most else ""
    return f"write one of {', '.join(known[:at_most])}{more}"
