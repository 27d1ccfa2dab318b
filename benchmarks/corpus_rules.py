"""When a planted cause is visible, and which other verdicts a fair reader would accept: numbers fixed beforehand.

The rules read what no detector sees: the losses in evaluation mode on the whole training sample and on a large clean
held-out sample, and what happened after the history was cut. Each cause has a strength: 1 is clearly visible, LOOSE is
where a fair reader may name it too. They were written before the detectors were tuned and know nothing of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LOOSE = 0.6
HEALTHY_BELOW = 0.7
"""A planted healthy run is kept when no cause is stronger than this."""


@dataclass(frozen=True)
class Seen:
    """One run, cut after `cut` epochs; arrays hold one value an epoch and may go on after the cut."""

    train: np.ndarray
    """Evaluation mode, whole training sample."""
    held_out: np.ndarray
    """Evaluation mode, a large clean sample of what validation was drawn from."""
    shown_train: np.ndarray
    shown_val: np.ndarray
    epoch_mean: np.ndarray
    """Training loss in training mode, the mean over the epoch."""
    reference: float
    initial: float
    dropped: np.ndarray
    """`train` had the learning rate been divided by ten at the cut."""
    scheduled: bool
    """The learning rate ended with the run: there is no going on."""
    dropout: bool

    @property
    def cut(self) -> int:
        return len(self.shown_train)


def strengths(seen: Seen) -> dict[str, float]:
    """Cause -> strength. A run that is not finite is diverged and nothing else."""
    n = seen.cut
    shown = seen.shown_train
    if not np.isfinite(shown).all() or not np.isfinite(seen.train[:n]).all():
        return {"diverged": 2.0}
    tr, va = _smooth(seen.train[:n]), _smooth(seen.held_out[:n])
    ref, start = seen.reference, seen.initial
    best, last = float(va.min()), float(np.median(seen.held_out[:n][-max(1, n // 10) :]))
    t_best, t_last = float(tr.min()), float(np.median(seen.train[:n][-max(1, n // 10) :]))
    unit = max(abs(best), 0.2 * (ref - best))
    t_gain = max(ref, float(shown[0])) - t_best
    t_unit = max(abs(t_best), 0.2 * t_gain)
    learnt = (ref - t_last) / abs(ref)
    at = int(va.argmin())
    rise, fall = (last - best) / unit, (tr[at] - t_last) / max(abs(tr[at]), 1e-9)
    gap = (last - t_last) / unit
    to_come_t, to_come_v = (
        _to_come(seen.train, n, seen.scheduled) / t_unit,
        _to_come(seen.held_out, n, seen.scheduled) / unit,
    )
    out: dict[str, float] = {}

    excess = (float(np.median(shown[-max(1, n // 10) :])) - max(start, ref)) / max(abs(start), abs(ref))
    out["diverged"] = excess
    out["overfitting"] = rise / 0.10 if fall > 0.02 or t_last < 0.5 * last else 0.0
    level = int(np.argmax(va <= last + 0.03 * unit))
    since = (tr[level] - t_last) / max(abs(tr[level]), 1e-9)
    long = n - level >= 0.3 * n
    out["memorisation"] = min(since / 0.3, gap / 0.3) if long and rise < 0.10 else 0.0
    half = n // 2
    gap_half = (va[half] - tr[half]) / unit
    moved = (tr[half] - t_last) / max(abs(tr[half]), 1e-9)
    improved = (max(ref, float(va[0])) - best) > 0.1 * abs(ref)
    steady = rise < 0.05 and min(gap, gap_half) > 0.3 * max(gap, gap_half) and improved
    out["unrepresentative_training_data"] = gap / 0.5 * (1.0 if moved < 0.3 else 0.6) if steady else 0.0
    flat = to_come_t < 0.05
    out["underfitting"] = 1 + (0.45 - learnt) / 0.2 if flat and gap < 0.5 and learnt > 0.02 else 0.0
    out["undertrained"] = min(to_come_t, to_come_v) / 0.06
    span = slice(n // 3, None)
    jump_v, jump_t = _jumps(seen.shown_val[span]) / unit, _jumps(shown[span]) / t_unit
    out["noisy_validation"] = jump_v / 0.08 if jump_v > 3 * jump_t and n >= 8 else 0.0
    below = (seen.train[:n] - seen.shown_val)[span]
    out["easy_validation"] = float(np.median(below)) / unit / 0.10 if np.mean(below > 0) > 0.8 else 0.0
    low = np.minimum.accumulate(shown)
    up = np.sort((shown - low)[1:])[::-1]
    late = _jumps(shown[half:]) / max(t_gain, 1e-9) if n >= 8 else 0.0
    lost = float(up[: max(3, n // 20)].mean()) if n > 4 else 0.0
    out["unstable"] = max(lost / max(t_gain, 1e-9) / 0.15, late / 0.06) if t_gain > 0.05 * abs(ref) else 0.0
    t_learnt = (ref - t_best) / abs(ref)
    out["not_learning"] = 1 + (0.03 - t_learnt) / 0.03 if excess < 1 else 0.0
    down = tr[0] - t_last
    going = (tr[half] - t_last) > 0.25 * down and down > 0
    out["slow_learning"] = 1 + (0.3 - learnt) / 0.2 if going and not seen.scheduled and rise < 0.05 else 0.0
    out["bad_initialisation"] = (start / ref - 1) / 1.5 if ref > 0 else 0.0
    third = max(n // 3, 3)
    stalled = abs(float(np.median(tr[-third : -third // 2]) - t_last)) < 0.05 * t_unit and learnt > 0.2
    drop = (t_last - float(seen.dropped.min())) / t_unit if len(seen.dropped) else 0.0
    out["plateau"] = max(drop / 0.15 if stalled else 0.0, _stall_before_drop(tr, t_unit))
    mean = float(np.median((seen.train[:n] - seen.epoch_mean[:n])[half:])) / t_unit
    out["train_eval_mismatch"] = mean / 0.25
    return {cause: float(min(max(value, 0.0), 9.9)) for cause, value in out.items()}


def accepted(cause: str, found: dict[str, float], learnt: float) -> list[str]:
    """The verdicts that a fair reader would accept, the planted one first."""
    others = {name for name, strength in found.items() if strength >= LOOSE and name != cause}
    if cause == "healthy" or (cause == "plateau" and learnt > 0.7):
        others.add("healthy")
    if cause in ("slow_learning", "undertrained", "not_learning") and found.get("undertrained", 0) >= LOOSE:
        others.add("undertrained")
    if cause == "slow_learning":
        others.add("undertrained")
    if cause == "plateau" and learnt < 0.65:
        others.add("underfitting")
    if cause == "overfitting" and found.get("overfitting", 0) < 1.5:
        others.add("memorisation")
    if cause in ("memorisation", "unrepresentative_training_data"):
        others |= {"memorisation", "unrepresentative_training_data"}
    others.discard(cause)
    return [cause, *sorted(others)]


def visible(cause: str, found: dict[str, float]) -> bool:
    if cause == "healthy":
        return max(found.values()) < HEALTHY_BELOW
    if cause != "diverged" and found.get("diverged", 0) > 1:
        return False
    return found.get(cause, 0.0) >= 1.0


def _smooth(curve: np.ndarray) -> np.ndarray:
    if len(curve) < 5:
        return curve
    padded = np.concatenate([curve[:1], curve, curve[-1:]])
    middle = np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0)
    padded = np.concatenate([middle[:1], middle, middle[-1:]])
    return (padded[:-2] + padded[1:-1] + padded[2:]) / 3


def _jumps(curve: np.ndarray) -> float:
    """Noise scale: 1.4826 MAD of second differences / sqrt 6."""
    return float(1.4826 * np.median(np.abs(np.diff(curve, 2))) / 6**0.5) if len(curve) >= 4 else 0.0


def _to_come(curve: np.ndarray, n: int, scheduled: bool) -> float:
    """What half as many epochs again still brought."""
    if scheduled or len(curve) <= n + n // 4:
        return 0.0
    later = _smooth(curve[: n + n // 2])
    return float(np.median(curve[:n][-max(1, n // 10) :]) - later[-max(1, n // 10) :].min())


def _stall_before_drop(tr: np.ndarray, unit: float) -> float:
    """A quarter of the epochs without progress, then a fall within a tenth of them."""
    n, best = len(tr), 0.0
    flat, fast = max(n // 4, 3), max(n // 10, 2)
    for at in range(flat, n - fast):
        stall = abs(tr[at] - tr[at - flat]) / unit
        fall = (tr[at] - tr[at + fast]) / unit
        if stall < 0.1 and fall > 3 * stall:
            best = max(best, fall / 0.2)
    return best
