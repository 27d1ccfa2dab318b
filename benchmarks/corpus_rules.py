"""When a planted cause is there, and which other verdicts a fair reader would accept: numbers fixed beforehand.

Two grades for each cause, 1 is clear, LOOSE is where a fair reader may name it too. `truth` (here) reads what no
detector sees: the losses in evaluation mode on the training sample and on a large clean held-out sample, and what came
after the cut. `evidence` (`corpus_shown.py`) reads the history as it is shown, and asks of every trend that it stands
out of the shown noise. A planted run is kept where both are 1: the cause is there, and it can be seen.

Accepted beside the planted cause is a verdict that
* the shown curves make plain (evidence 1): the reader sees nothing else;
* is a boundary case in both (truth and evidence LOOSE; in curves of 12 points and fewer 0.5 of either is enough,
  because there a few points carry every trend), or true (truth 1) and hinted at (evidence 0.4);
* shades into the planted cause, by the numbers of `_neighbours`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from corpus_shown import Shown, jumps, smooth, stall_before_drop, wobble

LOOSE = 0.6
HINTED = 0.4
SHORT, LOOSE_IF_SHORT = 12, 0.5
HEALTHY_BELOW, HEALTHY_SHOWN_BELOW = 0.7, 0.9
"""A planted healthy run is kept where no cause is truer than the one, none more evident than the other."""

UNSTABLE_RATHER = 2.0
"""A stall that jumps about more than this is called unstable, not a plateau."""


@dataclass(frozen=True)
class Seen:
    """One run, cut after `cut` epochs; arrays hold one value an epoch and may go on after the cut."""

    cut: int
    train: np.ndarray
    """Evaluation mode, whole training sample."""
    held_out: np.ndarray
    """Evaluation mode, a large clean sample of what validation was drawn from."""
    shown_train: np.ndarray
    shown_val: np.ndarray
    epoch_mean: np.ndarray
    """Training loss in training mode, the mean over the epoch."""
    reference: float
    """The best constant predictor's loss."""
    initial: float
    scheduled: bool
    """The learning rate ended with the run: there is no going on."""
    dropped_at: int
    """Epochs before the schedule's drop of the learning rate; 0 where there is none."""


def truth(seen: Seen) -> dict[str, float]:
    """Cause -> strength. A run that is not finite is diverged and nothing else."""
    n, shown = seen.cut, seen.shown_train[: seen.cut]
    if not np.isfinite(shown).all() or not np.isfinite(seen.train[:n]).all():
        return {"diverged": 2.0}
    tr, va = smooth(seen.train[:n]), smooth(seen.held_out[:n])
    ref, start, half = seen.reference, seen.initial, n // 2
    best, last = float(va.min()), _level(seen.held_out[:n])
    t_best, t_last = float(tr.min()), _level(seen.train[:n])
    unit = max(abs(best), 0.2 * (ref - best))
    t_gain = max(ref, float(shown[0])) - t_best
    t_unit = max(abs(t_best), 0.2 * t_gain)
    learnt = (ref - t_last) / abs(ref)
    at = int(va.argmin())
    rise, fall = (last - best) / unit, (tr[at] - t_last) / max(abs(tr[at]), 1e-9)
    gap = (last - t_last) / unit
    to_come_t = _to_come(seen.train, n, seen.scheduled) / t_unit
    to_come_v = _to_come(seen.held_out, n, seen.scheduled) / unit
    out: dict[str, float] = {}

    excess = (_level(shown) - max(start, ref)) / max(abs(start), abs(ref))
    out["diverged"] = excess
    out["overfitting"] = rise / 0.10 if fall > 0.02 or t_last < 0.5 * last else 0.0
    level = int(np.argmax(va <= last + 0.03 * unit))
    since = (tr[level] - t_last) / max(abs(tr[level]), 1e-9)
    out["memorisation"] = min(since / 0.3, gap / 0.3) if n - level >= 0.3 * n and rise < 0.10 else 0.0
    gap_half = (va[half] - tr[half]) / unit
    moved = (tr[half] - t_last) / max(abs(tr[half]), 1e-9)
    improved = (max(ref, float(va[0])) - best) > 0.1 * abs(ref)
    steady = rise < 0.05 and min(gap, gap_half) > 0.3 * max(gap, gap_half) and improved
    out["unrepresentative_training_data"] = gap / 0.5 * (1.0 if moved < 0.3 else 0.6) if steady else 0.0
    flat = to_come_t < 0.05
    out["underfitting"] = 1 + (0.45 - learnt) / 0.2 if flat and gap < 0.5 and learnt > 0.02 else 0.0
    out["undertrained"] = min(to_come_t, to_come_v) / 0.06
    jump_v, jump_t = wobble(seen.shown_val[n // 3 : n]) / unit, jumps(shown[n // 3 :]) / t_unit
    out["noisy_validation"] = jump_v / 0.08 if jump_v > 3 * jump_t and n >= 8 else 0.0
    below = (seen.train[:n] - seen.shown_val[:n])[n // 3 :]
    out["easy_validation"] = float(np.median(below)) / unit / 0.10 if np.mean(below > 0) > 0.8 else 0.0
    up = np.sort((shown - np.minimum.accumulate(shown))[1:])[::-1]
    late = wobble(shown[half:]) / max(t_gain, 1e-9) if n >= 8 else 0.0
    lost = float(up[: max(3, n // 20)].mean()) if n > 4 else 0.0
    out["unstable"] = max(lost / max(t_gain, 1e-9) / 0.15, late / 0.06) if ref - t_best > 0.1 * abs(ref) else 0.0
    top = min(ref, start)  # a first guess may be a little better than the constant
    out["not_learning"] = 1 + (0.03 - (top - t_best) / abs(ref)) / 0.03 if excess < 1 else 0.0
    down = tr[0] - t_last
    going = (tr[half] - t_last) > 0.25 * down and down > 0
    out["slow_learning"] = 1 + (0.3 - learnt) / 0.2 if going and not seen.scheduled and rise < 0.05 else 0.0
    out["bad_initialisation"] = (start / ref - 1) / 1.5 if ref > 0 else 0.0
    stalls = [stall_before_drop(curve, t_unit, max(ref, start)) for curve in (tr, smooth(seen.epoch_mean[:n]))]
    out["plateau"] = max(*stalls, _drop_to_come(seen, tr, t_unit, learnt))
    mean = float(np.median((seen.train[:n] - seen.epoch_mean[:n])[half:])) / t_unit
    out["train_eval_mismatch"] = mean / 0.25
    return {cause: float(min(max(value, 0.0), 9.9)) for cause, value in out.items()}


def visible(cause: str, true: dict[str, float], shown: Shown) -> bool:
    """Is the planted cause there, and can it be seen?"""
    if cause == "healthy":
        return max(true.values()) < HEALTHY_BELOW and max(shown.evidence.values()) < HEALTHY_SHOWN_BELOW
    if cause != "diverged" and max(true.get("diverged", 0), shown.evidence.get("diverged", 0)) > 1:
        return False
    strong, seen = true.get(cause, 0.0), shown.evidence.get(cause, 0.0)
    if cause == "plateau" and shown.evidence["unstable"] > UNSTABLE_RATHER:
        return False
    if cause == "plateau" and 0.8 <= seen < 1:  # a ragged stall, cut before the drop, which then brought a fifth
        return strong >= 1.33
    return strong >= 1.0 and seen >= 1.0


def accepted(cause: str, true: dict[str, float], shown: Shown) -> list[str]:
    """The verdicts that a fair reader would accept, the planted one first."""
    if cause == "diverged":  # nothing else is worth saying, unless it may still come back
        back = true["diverged"] < 3 and shown.evidence.get("unstable", 0.0) >= LOOSE
        return [cause, "unstable"] if back else [cause]
    loose = LOOSE_IF_SHORT if shown.points <= SHORT else LOOSE
    others = set(_neighbours(cause, true, shown))
    for name, seen in shown.evidence.items():
        grade = true.get(name, 0.0)
        if seen >= 1 or min(seen, grade) >= loose or (grade >= 1 and seen >= HINTED):
            others.add(name)
    others.discard(cause)
    return [cause, *sorted(others)]


def _neighbours(cause: str, true: dict[str, float], shown: Shown) -> list[str]:
    """What shades into this cause, each with the number up to which the shown curves do not tell the two apart."""
    seen, out = shown.evidence, []

    def also(name: str, where: bool) -> None:
        if where:
            out.append(name)

    match cause:
        case "overfitting":  # a rise that is small, or small against the noise, is a level validation
            also("memorisation", min(seen["overfitting"], true["overfitting"]) < 1.5)
        case "memorisation":
            also("overfitting", seen["overfitting"] >= HINTED)
            # on a linear axis the training curve hardly moves against the gap: the gap stays
            also("unrepresentative_training_data", shown.moved_of_gap < 0.3)
        case "unrepresentative_training_data":
            also("memorisation", shown.moved >= 0.2)  # training has fallen by a fifth while the gap stayed
            also("overfitting", seen["overfitting"] >= HINTED)
        case "underfitting":  # a flat training curve as ragged as this may wait for a lower learning rate
            also("plateau", shown.ragged >= 0.03)
            also("undertrained", seen["undertrained"] >= HINTED)
        case "plateau":  # what was left after the drop is low, or near the baseline
            also("healthy", shown.learnt > 0.65)
            also("underfitting", shown.learnt < 0.65 and shown.flat)
        case "undertrained":  # little has been learnt, and evenly: more epochs, or faster
            also("slow_learning", shown.learnt < 0.45 and seen["slow_learning"] > 0)
            # flattening out: a fall of 5 to 7 % over the last third may be called done
            also("healthy", min(true["undertrained"], seen["undertrained"]) < 1.4 and shown.learnt > 0.5)
        case "slow_learning":  # still falling is what it looks like; below 8 % it has hardly left the baseline
            out.append("undertrained")
            also("not_learning", shown.learnt < 0.08)
        case "not_learning":  # a fall that is tiny but stands out of the noise; a level just below the baseline
            also("slow_learning", shown.trend >= 4)
            also("undertrained", shown.trend >= 4 and seen["undertrained"] >= HINTED)
            also("underfitting", shown.learnt > 0.015)
        case "noisy_validation":  # training jumps a third as much: noise of the run as well as of the sample
            also("unstable", shown.jump_ratio < 4 and seen["unstable"] >= HINTED)
        case "unstable":
            also("noisy_validation", shown.jump_ratio > 2 and shown.jump_v >= 0.08)
    return out


def _level(curve: np.ndarray) -> float:
    return float(np.median(curve[-max(1, len(curve) // 10) :]))


def _to_come(curve: np.ndarray, n: int, scheduled: bool) -> float:
    """What half as many epochs again still brought."""
    if scheduled or len(curve) <= n + n // 4:
        return 0.0
    later = smooth(curve[: n + n // 2])
    return _level(curve[:n]) - float(later[-max(1, n // 10) :].min())


def _drop_to_come(seen: Seen, tr: np.ndarray, unit: float, learnt: float) -> float:
    """Cut while it stalled, before the learning rate was lowered: what that brought, 1 is 0.15 of the unit."""
    n, third = seen.cut, max(seen.cut // 3, 3)
    if n > seen.dropped_at or learnt < 0.2 or len(seen.train) <= seen.dropped_at:
        return 0.0
    if abs(float(np.median(tr[-third : -(third // 2)])) - _level(tr)) > 0.05 * unit:
        return 0.0
    return (_level(tr) - float(np.nanmin(seen.train[seen.dropped_at :]))) / unit / 0.15
