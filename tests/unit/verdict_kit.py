"""Nights to be judged: ten seeds whose values are plain to see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tuner.nightly.verdict.figures import Figures, JudgeRules
from tuner.nightly.verdict.judge import judge
from tuner.records.night import Judgement

RULES = JudgeRules("val_loss", "min")
TEN = (0.212, 0.214, 0.210, 0.216, 0.213, 0.209, 0.217, 0.211, 0.215, 0.213)
"""Middle 0.213, a width of some 0.0025."""


def night(name: str = "2026-11-21", values: Sequence[float] = TEN, shift: float = 0.0, **more: object) -> Figures:
    """`conditions` its own unless given: every seed is a new observation."""
    controls = {seed: round(value + shift, 6) for seed, value in enumerate(values)}
    return replace(Figures(name, controls, conditions=name), **more)  # type: ignore[arg-type]


ANCHOR = night("2026-11-01")


def quiet(count: int, **more: object) -> list[Figures]:
    """Nights of three seeds around the reference."""
    swings = (0.0003, -0.0011, 0.0008, -0.0002, 0.0013, -0.0007)
    return [night(f"2026-11-{2 + i:02d}", TEN[:3], swings[i % 6], **more) for i in range(count)]


def said(tonight: Figures, nights: Sequence[Figures] = (), **more: object) -> Judgement:
    rules = replace(RULES, **{name: more.pop(name) for name in tuple(more) if name != "state"})  # type: ignore[arg-type]
    return judge(tonight, ANCHOR, nights, rules, **more)  # type: ignore[arg-type]


def mirrored(one: Figures) -> Figures:
    return replace(
        one,
        controls={seed: -value for seed, value in one.controls.items()},
        best=None if one.best is None else -one.best,
    )


def changed(one: Figures, factor: float, shift: float) -> Figures:
    """In another unit."""
    controls: Mapping[int, float] = {seed: factor * value + shift for seed, value in one.controls.items()}
    return replace(one, controls=controls, best=None if one.best is None else factor * one.best + shift)
