"""Nights that repeat each other bit for bit: like is compared with like, whatever seeds were trained."""

from __future__ import annotations

from tuner.nightly.verdict.figures import Figures, JudgeRules
from tuner.nightly.verdict.judge import judge
from tuner.records.night import OK

RULES = JudgeRules("val_loss", "min")
WHOLE = {seed: 0.2 + 0.01 * ((7 * seed) % 10) for seed in range(10)}


def test_three_seeds_that_repeat_an_accepted_night_are_no_better_and_no_worse_than_its_ten() -> None:
    accepted = Figures("a", WHOLE, conditions="c")
    first = {seed: WHOLE[seed] for seed in (0, 3, 6)}
    said = judge(Figures("b", first, conditions="c"), accepted, [], RULES)
    assert said.verdict == OK
    assert (said.effect, said.tonight) == (0.0, said.reference)


def test_they_are_beside_the_reference_as_all_seeds_of_their_own_code_were() -> None:
    accepted = Figures("a", WHOLE, conditions="c")
    moved = Figures("b", {seed: value + 0.005 + 0.001 * (seed % 3) for seed, value in WHOLE.items()}, conditions="d")
    once = judge(moved, accepted, [], RULES)
    assert once.verdict == OK
    again = judge(
        Figures("e", {seed: moved.controls[seed] for seed in (0, 1, 2)}, conditions="d"), accepted, [moved], RULES
    )
    assert "bit for bit" in again.why
    assert again.tonight == once.tonight
