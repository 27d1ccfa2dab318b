"""What the shown curves alone say for each cause: the half of the rules that knows no more than a reader does.

`evidence` grades each cause as `corpus_rules.truth` does, from the losses and the facts that the history holds. A fall
or a rise counts by its size in units of the loss and by its error, which the curve's own noise gives: a reader cannot
tell a fall of one error from none. A baseline that is not given is replaced by the highest first value that is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Shown:
    """What a reader gets out of one history."""

    points: int
    evidence: dict[str, float] = field(default_factory=dict)
    learnt: float = 0.0
    """Share of the baseline that the last training loss is below it."""
    moved: float = 0.0
    """Share by which training fell in the second half."""
    moved_of_gap: float = 0.0
    """Fall of training since validation has been level, as a share of the last gap: what a linear axis shows."""
    ragged: float = 0.0
    """Noise of the training curve, as a share of its whole fall."""
    trend: float = 0.0
    """The whole fall of training over its error."""
    flat: bool = False
    jump_v: float = 0.0
    jump_ratio: float = 0.0
    """Validation's noise over training's, each in its own unit."""


def read(item: Mapping[str, Any]) -> Shown:
    """Grade each cause from what the history shows."""
    t, v = _curve(item, "train_loss"), _curve(item, "val_loss")
    n = len(t)
    if not (np.isfinite(t).all() and np.isfinite(v).all()):
        return Shown(n, {"diverged": 2.0})
    e = _curve(item, "train_eval_loss") if "train_eval_loss" in item else t
    measured = "train_eval_loss" in item or item["train_eval"] == "after_epoch"
    first = float(max(t[0], v[0]))
    initial = item.get("initial_loss")
    known = item.get("baseline_loss") or (math.log(item["num_classes"]) if "num_classes" in item else None)
    ref = known or (max(first, initial) if initial and initial < 1.5 * first else first)
    tr, va, w, half = smooth(e), smooth(v), max(2, n // 10), n // 2
    last, t_last = float(np.median(v[-w:])), float(np.median(e[-w:]))
    best, t_best = float(va.min()), float(tr.min())
    noise_v, noise_t, noise_e = jumps(v), jumps(t), jumps(e)
    unit, t_gain = max(abs(best), 0.2 * (ref - best)), max(ref, float(t[0])) - t_best
    t_unit = max(abs(t_best), 0.2 * t_gain)
    # spikes count here: a level of two or three points next to one is not sure
    wild = max(noise_v, float(np.sqrt(np.mean(np.diff(v, 2) ** 2) / 6)) if n >= 4 else 0.0)
    at, error = int(va.argmin()), wild * math.sqrt(1 / w + 1 / 3)
    rise, gap, learnt = (last - best) / unit, (last - t_last) / unit, (ref - t_last) / abs(ref)
    real = rise * unit > 2 * error
    fall_t, sure_t = _fall(e, max(4, n // 3))
    fall_v, sure_v = _fall(v, max(4, n // 3))
    _, trend = _fall(e, n)
    flat = all(f < 0.05 * u or sure < 2.5 for f, u, sure in ((fall_t, t_unit, sure_t), (fall_v, unit, sure_v)))
    out: dict[str, float] = {}

    excess = (float(np.median(t[-w:])) - max(initial or ref, ref)) / max(abs(initial or ref), abs(ref))
    out["diverged"] = excess
    falling = (tr[at] - t_last) > 0.02 * abs(tr[at]) or t_last < 0.5 * last
    out["overfitting"] = min(rise / 0.08, rise * unit / (3 * error + 1e-12)) if falling and at < n - w else 0.0
    level = int(np.argmax(va <= last + 0.03 * unit + error))
    since = (tr[level] - t_last) / max(abs(tr[level]), 1e-9)
    calm = rise < 0.05 or not real
    settled = abs(fall_v) < 0.05 * unit or abs(sure_v) < 2
    sure = (tr[level] - t_last) > 3 * noise_e / math.sqrt(w)
    resting = n - level >= 0.3 * n and settled and sure and (rise < 0.10 or not real)
    out["memorisation"] = min(since / 0.25, gap / 0.25) if resting else 0.0
    gap_half = (va[half] - tr[half]) / unit
    moved = (tr[half] - t_last) / max(abs(tr[half]), 1e-9)
    stays = min(gap, gap_half) > 0.3 * max(gap, gap_half) and gap * unit > 3 * max(noise_v, noise_e)
    improved = max(ref, float(v[0])) - best > 0.1 * abs(ref)
    little = moved < 0.3 or (tr[half] - t_last) < 0.3 * gap * unit
    out["unrepresentative_training_data"] = gap / 0.4 * (1.0 if little else 0.6) if calm and stays and improved else 0.0
    out["underfitting"] = 1 + (0.45 - learnt) / 0.2 if flat and gap < 0.5 and learnt > 0.02 else 0.0
    out["undertrained"] = min(fall_t / t_unit / 0.05, fall_v / unit / 0.05, sure_t / 3, sure_v / 2)
    jump_v, jump_t = wobble(v[n // 3 :]) / unit, jumps(t[n // 3 :]) / t_unit
    ratio = jump_v / max(jump_t, 1e-9)
    out["noisy_validation"] = jump_v / 0.08 * (1.0 if ratio > 3 else 0.7) if ratio > 2 and n >= 8 else 0.0
    # the mean over an epoch lags by half an epoch: compare it with the next one's too
    below = (e - v)[n // 3 :] if measured else ((t[:-1] + t[1:]) / 2 - v[:-1])[n // 3 :]
    out["easy_validation"] = float(np.median(below)) / unit / 0.08 if np.mean(below > 0) > 0.8 else 0.0
    up = np.sort((t - np.minimum.accumulate(t))[1:])[::-1]
    lost = float(up[: max(3, n // 20)].mean()) if n > 4 else 0.0
    late = wobble(t[half:]) if n >= 8 else 0.0
    out["unstable"] = max(lost / t_gain / 0.15, late / t_gain / 0.06) if ref - t_best > 0.1 * abs(ref) else 0.0
    top = min(ref, initial) if initial else min(ref, float(t[0])) if t[0] > 0.9 * ref else ref
    out["not_learning"] = 1 + (0.03 - (top - t_best) / abs(ref)) / 0.03 if excess < 1 else 0.0
    going = 0 < 0.25 * (tr[0] - t_last) < tr[half] - t_last and max(sure_t, trend) >= 3
    out["slow_learning"] = 1 + (0.3 - learnt) / 0.2 if going and calm else 0.0
    out["bad_initialisation"] = (initial / known - 1) / 1.5 if initial and known and known > 0 else 0.0
    ragged = noise_t / max(t_gain, 1e-9)
    stalled = flat and learnt > 0.2 and abs(fall_t) < 0.05 * t_unit and n >= 14 and abs(moved) < 0.15
    stall = min(ragged / 0.025, 0.85) if stalled else 0.0
    out["plateau"] = max(stall_before_drop(smooth(t), t_unit, max(ref, first)), stall)
    both = "train_eval_loss" in item and item["train_eval"] == "epoch_mean"
    lagged = (e[:-1] - (t[:-1] + t[1:]) / 2)[half:]
    out["train_eval_mismatch"] = float(np.median(lagged)) / t_unit / 0.25 if both else 0.0
    clipped = {cause: float(min(max(value, 0.0), 9.9)) for cause, value in out.items()}
    moved_of_gap = (tr[level] - t_last) / max(gap * unit, 1e-9)
    return Shown(n, clipped, learnt, moved, moved_of_gap, ragged, trend, flat, jump_v, ratio)


def smooth(curve: np.ndarray) -> np.ndarray:
    """Median of three, then mean of three."""
    if len(curve) < 5:
        return curve
    padded = np.concatenate([curve[:1], curve, curve[-1:]])
    middle = np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0)
    padded = np.concatenate([middle[:1], middle, middle[-1:]])
    return (padded[:-2] + padded[1:-1] + padded[2:]) / 3


def jumps(curve: np.ndarray) -> float:
    """Noise scale: 1.4826 MAD of second differences / sqrt 6."""
    return float(1.4826 * np.median(np.abs(np.diff(curve, 2))) / 6**0.5) if len(curve) >= 4 else 0.0


def wobble(curve: np.ndarray) -> float:
    """The noise scale of a curve that goes up and down; 0 where four fifths of its steps go one way: it only bends."""
    steps = np.diff(curve)
    return jumps(curve) if min(np.mean(steps > 0), np.mean(steps < 0)) >= 0.2 else 0.0


def stall_before_drop(tr: np.ndarray, unit: float, top: float) -> float:
    """A quarter of the epochs (five at least) without progress after a fall from `top`, then a fall within a tenth."""
    n, best = len(tr), 0.0
    flat, fast = max(n // 4, 5), max(n // 10, 2)
    for at in range(flat, n - fast):
        stall = abs(tr[at] - tr[at - flat]) / unit
        fall = (tr[at] - tr[at + fast]) / unit
        fallen = (top - tr[at]) > 0.25 * (top - tr.min())
        if stall < 0.1 and fall > 3 * stall and fallen and np.ptp(tr[at - flat : at + 1]) < 0.3 * unit:
            best = max(best, fall / 0.2)
    return best


def _fall(curve: np.ndarray, count: int) -> tuple[float, float]:
    """How far the last `count` values fall along their straight line, and that over its error."""
    y = curve[-count:]
    x = np.arange(len(y)) - (len(y) - 1) / 2
    slope = float((x * y).sum() / (x**2).sum())
    left = y - y.mean() - slope * x
    scale = max(math.sqrt(float((left**2).sum()) / max(len(y) - 2, 1)), 1e-6 * abs(float(y.mean())))
    return -slope * (len(y) - 1), -slope / (scale / math.sqrt(float((x**2).sum())))


def _curve(item: Mapping[str, Any], name: str) -> np.ndarray:
    return np.array([float(value) for value in item[name]])
