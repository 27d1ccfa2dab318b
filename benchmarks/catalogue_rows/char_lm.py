"""What a network that writes text has to beat: counting which character came after which.

n-grams with interpolated Witten-Bell smoothing (Witten & Bell 1991; Chen & Goodman 1998, section 2.6): after the
context h, seen c(h) times and followed by t(h) distinct characters,

    p(a | h) = (c(h a) + t(h) · p(a | h without its first character)) / (c(h) + t(h)),

and below the empty context all characters are alike. The counts are those of the training split; contexts reach back
over the ends of windows, which is more than a network sees at the start of one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from catalogue_row import Row

from tuner.training.data import find_task
from tuner.training.division import divide
from tuner.training.plan import TrainingPlan
from tuner.training.tasks import Task

Tokens = npt.NDArray[np.int64]
ORDERS = {1: "one character alone", 2: "2-gram", 3: "3-gram", 5: "5-gram", 7: "7-gram"}


def baselines(plan: TrainingPlan) -> dict[str, float]:
    """Name -> val_bits, bits for a character of the validation split."""
    task = find_task(str(plan.task), plan.folder, plan.fixed)
    assert isinstance(task, Task)
    examples = task.load(Path(plan.data_dir) if plan.data_dir else None)
    assert examples.y is not None
    train, val, _ = (np.sort(rows) for rows in divide(plan, examples, task.split, classes=False))
    learnt, judged = (np.append(examples.x[rows], examples.y[rows[-1], -1]) for rows in (train, val))
    return {name: bits(learnt, judged, order, examples.vocabulary) for order, name in ORDERS.items()}


def bits(learnt: Tokens, judged: Tokens, order: int, vocabulary: int) -> float:
    """Of each character of `judged` but the first, by the `order - 1` before it; `judged` follows `learnt`."""
    text = np.concatenate([learnt, judged])
    first = len(learnt) + 1
    shares = np.full(len(judged) - 1, 1 / vocabulary)
    for length in range(order):
        context, pair = _numbers(text, length, vocabulary), _numbers(text, length + 1, vocabulary)
        # Place i of a run of k characters stands for those from i on; the k-th is that at i + k - 1.
        seen, counts = np.unique(context[: len(learnt) - length], return_counts=True)
        pairs, pair_counts = np.unique(pair[: len(learnt) - length], return_counts=True)
        followers = np.bincount(np.searchsorted(seen, pairs // vocabulary), minlength=len(seen))
        wanted = slice(first - length, len(text) - length)
        c, t = _found(seen, counts, context[wanted]), _found(seen, followers, context[wanted])
        both = _found(pairs, pair_counts, pair[wanted])
        shares = np.where(c > 0, (both + t * shares) / np.maximum(c + t, 1), shares)
    return float(-np.log2(shares).mean())


def _numbers(text: Tokens, length: int, vocabulary: int) -> Tokens:
    """One number for each run of so many characters, by the place of its first; the last character counts least."""
    if vocabulary**length > np.iinfo(np.int64).max:
        raise ValueError(f"runs of {length} of {vocabulary} characters have no numbers of 64 bits")
    places = len(text) - length + 1
    found = np.zeros(places, np.int64)
    for step in range(length):
        found = found * vocabulary + text[step : step + places]
    return found


def _found(keys: Tokens, values: Tokens, wanted: Tokens) -> Tokens:
    """`values` at `wanted`; 0 where it is no key. `keys` rise."""
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[places] == wanted, values[places], 0)


ROW = Row(
    "char_lm",
    "which character comes next: 1.1 million characters of Shakespeare's plays, in bits for a character",
    ("char_lm",),
    baselines,
    ORDERS[5],
)
