"""Made-up histories of nights for what draws them: quiet ones, with a step, a diverged one, another control."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from tuner.records.night import (
    IMPROVED,
    INCOMPLETE,
    NOISY,
    OK,
    REGRESSED,
    SKIPPED,
    Change,
    Conditions,
    ControlResult,
    Judgement,
    NightBest,
    NightRecord,
)
from tuner.report.night_history import control

LAST = date(2026, 11, 21)
NOISE, THRESHOLD, LEVEL, SEEDS = 0.004, 0.0065, 0.2315, (11, 12, 13)


def night_id(day: date) -> str:
    return f"{day.isoformat()}-{day.toordinal() * 2654435761 % 2**32:08x}"


def history(amount: int, begin_worse: int = 4, seed: int = 1, mode: str = "min") -> list[NightRecord]:
    """`amount` nights up to the 21st of November, 2026; the last `begin_worse` of them 0.02 worse; every 9th is noisy,
    one in 30 skipped, one in 45 incomplete; the control was another one in the first third of more than 30."""
    numbers = random.Random(seed)
    nights: list[NightRecord] = []
    sign = 1.0 if mode == "min" else -1.0
    for place in range(amount):
        left = amount - place
        worse = amount > 1 and left <= begin_worse
        other = amount > 30 and place < amount / 3
        kind = _kind(left, worse, place == 0)
        level = LEVEL + sign * (0.03 * other + 0.02 * worse)
        nights.append(_night(numbers, nights, LAST - timedelta(days=left - 1), level, kind, other, mode))
    return nights


def _kind(left: int, worse: bool, first: bool) -> str:
    if first:
        return OK
    if left % 30 == 12:
        return SKIPPED
    if left % 45 == 20:
        return INCOMPLETE
    if worse:
        return NOISY if left == 4 else REGRESSED
    if left % 70 == 25:
        return IMPROVED
    return NOISY if left % 9 == 0 else OK


def _night(
    numbers: random.Random, nights: list[NightRecord], day: date, level: float, kind: str, other: bool, mode: str
) -> NightRecord:
    before = nights[-1] if nights else None
    good = [night.id for night in nights if night.verdict in (OK, IMPROVED)]
    values = [level + numbers.gauss(0, NOISE) for _ in SEEDS]
    mean = sum(values) / len(values)
    key = "another-control" if other else "this-control"
    first = before is None or before.key != key
    reference = mean if first or before is None else control(next(n for n in nights if n.id == before.reference))
    state_before = None if before is None else before.state
    state = (state_before or OK) if kind in (NOISY, SKIPPED) else kind
    name = night_id(day)
    effect = None if first or reference is None else (mean - reference) * (1 if mode == "min" else -1)
    judged = Judgement(
        kind,
        _why(kind, effect),
        effect,
        None if effect is None else (effect - 0.0046, effect + 0.0046),
        None if first else NOISE,
        None if first else THRESHOLD,
        reference,
        mean,
        None if effect is None else 0.6 * effect,
        "controls" if kind == REGRESSED else "",
        ("overfitting in 14 of 32 trials, against 3 to 6 in the comparable nights",) if kind == REGRESSED else (),
    )
    controls = tuple(
        ControlResult(f"control-{place}", seed, "completed", value, 0.42 + numbers.random() / 20)
        for place, (seed, value) in enumerate(zip(SEEDS, values, strict=True), 1)
    )
    made = NightRecord(
        id=name,
        date=day.isoformat(),
        sweep="fashion-cnn",
        run=f"fashion-cnn-night-{name}",
        path=f"runs/fashion-cnn-night-{name}",
        metric="val_loss" if mode == "min" else "val_accuracy",
        mode=mode,
        max_epochs=9,
        control={"lr": 0.003, "optimizer": "sgd", "optimizer.sgd.momentum": 0.9, "split": [0.8, 0.1, 0.1]},
        key=key,
        controls=controls,
        best=NightBest("0017", {"lr": 0.0021, "dropout": 0.1}, level - 0.02, (level - 0.021, level - 0.019), "healthy"),
        conditions=Conditions({"commit": name[-8:]}, "d" * 16, {"torch": "2.15.0"}, {"host": "gpu-3"}, {}),
        judgement=judged,
        changes=CHANGES if kind == REGRESSED else (),
        since=good[-1] if good else None,
        reference=name if first or before is None else before.reference,
        state=state,
        state_before=state_before,
        trials={"total": 32, "completed": 5, "pruned": 25, "doomed": 1, "failed": 1},
        verdicts={"healthy": 4, "overfitting": 14 if kind == REGRESSED else 4, "undertrained": 8, "unknown": 6},
        seconds=5520.0,
        training_seconds=5011.5,
        gpu_hours=1.39,
        started_at=1_795_240_260.0 + day.toordinal() * 86400,
    )
    if kind == SKIPPED:
        quiet = Judgement(SKIPPED, "the night before it was still running")
        return replace(
            made, controls=(), best=None, judgement=quiet, trials={}, verdicts={}, seconds=0.2, gpu_hours=0.0
        )
    if kind == INCOMPLETE:
        cut = Judgement(INCOMPLETE, "stopped by SIGTERM after 2 of 3 controls")
        return replace(made, controls=(*controls[:2], replace(controls[2], ending=None, value=None)), judgement=cut)
    return made


def _why(kind: str, effect: float | None) -> str:
    if effect is None:
        return "a first night: nothing to compare with"
    way = "worse" if effect > 0 else "better"
    told = f"the control's val_loss is {abs(effect):.3g} {way} than in the accepted night"
    if kind == REGRESSED:
        return f"{told}, beyond the threshold of {THRESHOLD} (95 %: {effect - 0.0046:.3g} to {effect + 0.0046:.3g})"
    return f"{told}, within the noise of {THRESHOLD}"


CHANGES = (
    Change(
        "code",
        "commits",
        "91be0c2f",
        "4cd443e8",
        (
            "4cd443e Warm the learning rate up over 5 epochs (Ada Lovelace)",
            "d5e3f75 Read images with the new decoder (Grace Hopper)",
            "ca2036d Mention the new decoder in the README (Grace Hopper)",
        ),
    ),
    Change("data", "data hash", "dddddddddddddddd", "e3b0c44298fc1c14"),
    Change("configuration", "fixed.augmentation", "[flip]", "[flip, crop]"),
    Change("packages", "torch", "2.14.1", "2.15.0"),
)


def diverged(nights: list[NightRecord]) -> list[NightRecord]:
    """The last one's control diverged on one seed and failed on another."""
    last = nights[-1]
    controls = (
        replace(last.controls[0], ending="doomed", value=0.61, reason="diverged: training loss is not finite"),
        replace(
            last.controls[1], ending="failed", value=None, seconds_per_epoch=None, reason="RuntimeError: CUDA error"
        ),
        *last.controls[2:],
    )
    worst = math.inf if last.mode == "min" else -math.inf
    judged = replace(
        last.judgement, verdict=REGRESSED, why="the control diverged on 1 of 3 seeds", effect=math.inf, tonight=worst
    )
    return [*nights[:-1], replace(last, controls=controls, judgement=judged, state=REGRESSED)]


def with_text(night: NightRecord, text: str) -> NightRecord:
    """A person's text wherever one can come in."""
    changes = tuple(
        Change(kind, text, text, text, (text,)) for kind in ("code", "data", "configuration", "packages", "machine")
    )
    controls = tuple(replace(one, reason=text, ending="failed") for one in night.controls)
    settings: dict[str, Any] = {text: text}
    judged = replace(night.judgement, why=text, remarks=(text,))
    return replace(
        night,
        sweep=text,
        run=text,
        path=text,
        metric=text,
        since=text,
        control=settings,
        controls=controls,
        best=NightBest(text, settings, 0.2, (), text),
        judgement=judged,
        changes=changes,
        verdicts={text: 3},
        notes=(text,),
    )
