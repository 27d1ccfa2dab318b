"""The verdict on a night. Pure: figures in, a judgement out.

In this order, and the first that has something to say decides: were there controls enough; is there anything to
compare with; do tonight's controls repeat a good night bit for bit; tonight's controls beside the reference; drift;
what held before; failures of the search; its best. docs/nightly_verdict.md has the whole of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tuner.nightly.verdict.best import best_figures
from tuner.nightly.verdict.case import Case, looks_unusual
from tuner.nightly.verdict.failures import controls_missing, search_failed
from tuner.nightly.verdict.figures import Figures, JudgeRules
from tuner.nightly.verdict.history import ENOUGH
from tuner.nightly.verdict.levels import levels
from tuner.nightly.verdict.noise import noise_width
from tuner.nightly.verdict.ranks import centre
from tuner.nightly.verdict.remarks import remarks
from tuner.nightly.verdict.said import of_controls
from tuner.nightly.verdict.wording import Scale, counted
from tuner.records.night import IMPROVED, INCOMPLETE, OK, REGRESSED, Judgement


def judge(
    tonight: Figures, reference: Figures | None, nights: Sequence[Figures], rules: JudgeRules, state: str | None = None
) -> Judgement:
    """`reference`: the accepted night, None on a first night; `nights`: comparable ones since then, oldest first, all
    verdicts; `state`: what held before tonight."""
    whole = [night for night in nights if night.is_comparable]
    noticed = remarks(tonight, whole[-rules.window :])
    missing = controls_missing(tonight)
    if missing:
        return Judgement(INCOMPLETE, missing, by="failures", remarks=noticed)
    known = whole if reference is None else [reference, *whole]
    failed = search_failed(tonight, known[-rules.window :])
    if reference is None or not reference.controls:
        said = _first(tonight, rules)
    else:
        case = Case.of(tonight, reference, nights, rules)
        said = of_controls(case, state)
        if case.strays:
            told = "nights of the same code, data, packages and machine repeated each other bit for bit"
            noticed = (f"{told}, and tonight's controls did not", *noticed)
    if failed and said.verdict != REGRESSED:
        said = replace(said, verdict=INCOMPLETE, why=failed, by="failures")
    elif said.verdict not in (REGRESSED, IMPROVED):
        said = _with_best(said, tonight, known, rules, state)
    return replace(said, remarks=(*said.remarks, *noticed))


def asks_for_more(
    controls: Mapping[int, float],
    reference: Figures | None,
    nights: Sequence[Figures],
    rules: JudgeRules,
    state: str | None = None,
    conditions: str = "",
) -> bool:
    """Whether tonight's first controls (seed -> value) look so unusual, or the state is such, that the further control
    seeds are to be trained before anything is said. Also True where the noise floor is to be measured anew.
    `conditions`: tonight's, as in Figures."""
    if reference is None or not reference.controls or not controls:
        return True
    case = Case.of(Figures("tonight", controls, conditions=conditions), reference, nights, rules)
    if case.past.needs_floor or len(case.past.reference) < ENOUGH:
        return True
    return case.repeats is None and looks_unusual(case, state)


def _first(tonight: Figures, rules: JudgeRules) -> Judgement:
    sign = 1.0 if rules.mode == "min" else -1.0
    values = sign * np.array([tonight.controls[seed] for seed in sorted(tonight.controls)])
    noise = noise_width([values])
    told = Scale.of(rules.metric, noise).width(noise, len(values)).replace(", ", " from ")
    return Judgement(OK, f"a first night: {told}; nothing to compare with", noise=noise, tonight=sign * centre(values))


def _with_best(
    said: Judgement, tonight: Figures, known: Sequence[Figures], rules: JudgeRules, state: str | None
) -> Judgement:
    sign = 1.0 if rules.mode == "min" else -1.0
    found = best_figures(tonight, known, sign)
    if found is None:
        return said
    level = levels(rules.false_alarms)
    least = max(rules.minimum_effect or 0.0, (rules.minimum_share or 0.0) * abs(found.usual))
    said = replace(said, best_effect=found.effect)
    chance, verdict = min((found.worse, REGRESSED), (found.better, IMPROVED))
    if chance > (level.stay if state == verdict else level.best) or abs(found.effect) < least:
        return said
    scale = Scale.of(rules.metric, found.noise, found.effect)
    value, usual = scale.number(tonight.best or 0.0), scale.number(found.usual)
    change = scale.change(sign * found.effect, found.usual)
    if verdict == IMPROVED and found.found:
        told = f"the search found a better configuration: {rules.metric} {value}, {change} the usual {usual}"
        return replace(said, remarks=(f"{told}; the control is as it was", *said.remarks))
    told = f"the search's best {rules.metric} is {value}, {change} the usual {usual}"
    told = f"{told} of {counted(found.nights, 'night')}, which lie {scale.number(found.noise)} apart"
    return replace(said, verdict=verdict, why=f"{told}; the control is as it was", by="best")
