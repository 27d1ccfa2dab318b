"""What the controls say, and in which words."""

from __future__ import annotations

import math

from tuner.nightly.verdict.case import Case
from tuner.nightly.verdict.noise import noise_width
from tuner.nightly.verdict.ranks import centre
from tuner.nightly.verdict.wording import Scale, counted, of
from tuner.records.night import IMPROVED, NOISY, OK, REGRESSED, Judgement

WIDE = 3.0
"""Tonight's seeds lie so many times farther apart than they should: nothing quiet can be said of them."""
DIRECTIONS = ((1.0, REGRESSED), (-1.0, IMPROVED))


def of_controls(case: Case, state: str | None) -> Judgement:
    repeated = case.repeats
    if repeated is not None:
        seeds = counted(len(case.tonight.controls), "seed")
        return _judgement(
            case.whole(), OK, f"the control's {case.scale.metric} is bit for bit that of {repeated.night}, {seeds}"
        )
    found = _sure(case, state)
    if found is not None:
        verdict, by, why = found
        if case.all_seeds:
            return _judgement(case, verdict, why, by)
        return _judgement(case, NOISY, f"{why}: too few to be sure, the further seeds were not trained")
    return _judgement(case, *_unsure(case))


def _sure(case: Case, state: str | None) -> tuple[str, str, str] | None:
    """Verdict, what decided, why. Tests before directions: mirrored figures get the mirrored verdict."""
    level = case.levels
    for direction, verdict in DIRECTIONS:
        if case.counts(case.effect, direction) and case.says(direction).controls <= level.controls:
            return verdict, "controls", _beside(case)
    for direction, verdict in DIRECTIONS:
        if case.counts(case.effect, direction) and case.says(direction).paired <= level.paired:
            return verdict, "controls", f"{_beside(case)}; seed by seed beside nights of the same conditions"
    for direction, verdict in DIRECTIONS:
        if case.counts(case.drifted, direction) and case.says(direction).drift <= level.drift:
            return verdict, "drift", _drift(case)
    for direction, verdict in DIRECTIONS:
        if state == verdict and case.counts(case.effect, direction) and case.says(direction).controls <= level.stay:
            return verdict, "controls", f"still so: {_beside(case)}"
    return None


def _unsure(case: Case) -> tuple[str, str]:
    chance = min(case.worse.controls, case.better.controls)
    stands_out = chance <= case.levels.controls
    if stands_out and not case.counts(case.effect, math.copysign(1.0, case.effect)):
        least = case.scale.number(case.matters)
        return OK, f"{_beside(case)}: it stands out from the noise, and is less than the {least} that matter"
    doubtful = chance <= (case.levels.doubt if case.all_seeds else case.levels.look)
    if doubtful and case.counts(case.effect, math.copysign(1.0, case.effect)):
        if case.all_seeds:
            return NOISY, f"{_beside(case)}: much for noise alone, too little to be sure"
        return NOISY, f"{_beside(case)}: unusual, and the further seeds were not trained"
    width, usual = noise_width([case.ours]), case.past.noise
    if case.all_seeds and usual is not None and (width is None or width > WIDE * usual):
        far = (
            "some diverged" if width is None else f"{case.scale.number(width)} wide, usually {case.scale.number(usual)}"
        )
        return NOISY, f"the control's seeds lie far apart ({far}): {_beside(case)}"
    return OK, f"{_beside(case)}: within the noise"


def _beside(case: Case) -> str:
    """`the control's val_loss is 0.231, 0.018 (8 %) above the reference 0.213; noise width 0.004, 10 seeds`."""
    diverged, before = int((case.ours == math.inf).sum()), int((case.past.reference == math.inf).sum())
    seeds = len(case.ours)
    told = f"; {case.scale.width(case.past.noise, seeds)}"
    if diverged:
        crowd = f"{of(diverged, seeds)} controls diverged, in the reference {of(before, len(case.past.reference))}"
        if not math.isfinite(case.effect):
            return f"{crowd}{told}"
        told = f"; {crowd}{told}"
    return _placed(case, centre(case.ours), centre(case.past.reference), case.effect, "is", "the reference") + told


def _drift(case: Case) -> str:
    late, early = case.past.units([*case.past.late, case.tonight]), case.past.early
    nights = counted(len(case.past.late) + 1, "night")
    told = _placed(case, centre(late), centre(early), case.drifted, f"was over the last {nights}", "where it began,")
    return f"{told}: a drift; {case.scale.width(case.past.noise, len(late))}"


def _placed(case: Case, now: float, then: float, effect: float, verb: str, beside: str) -> str:
    scale, sign = Scale.of(case.scale.metric, case.past.noise, effect), case.past.sign
    change = scale.change(sign * effect, then)
    return (
        f"the control's {scale.metric} {verb} {scale.number(sign * now)}, {change} {beside} {scale.number(sign * then)}"
    )


def _judgement(case: Case, verdict: str, why: str, by: str = "") -> Judgement:
    sign = case.past.sign
    return Judgement(
        verdict,
        why,
        effect=case.drifted if by == "drift" else case.effect,
        interval=case.interval,
        noise=case.past.noise,
        threshold=case.threshold if math.isfinite(case.threshold) else None,
        reference=sign * centre(case.past.reference),
        tonight=sign * centre(case.ours),
        by=by,
    )
