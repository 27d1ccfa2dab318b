"""Control trials: one frozen configuration on fixed seeds, trained before anything else, which no search hears of.

A sweep of every night compares them with those of other nights. The first few are always trained; whoever compares them
says then whether they look so unusual that the others are to be trained as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tuner.control.trials import ENDED, LiveTrial
from tuner.records.trial import COMPLETED, CONTROL, DOOMED, INTERRUPTED
from tuner.records.values import Config


@dataclass(frozen=True)
class Controls:
    """What is asked for."""

    config: Config
    """Whole settings by recorded name: they lie over what the sweep fixes."""
    seeds: tuple[int, ...]
    first: int
    """So many of the seeds are trained in any case."""
    more: Callable[[Mapping[int, float]], bool]
    """Asked once, when the first ones have ended, with seed -> value (infinitely bad where it diverged; none where
    it failed): whether the other seeds are to be trained too. A function of its argument alone."""


class ControlTrials:
    """Those of one controller; its state follows from the journal's lines and the controls' endings."""

    def __init__(self, controls: Controls | None, mode: str) -> None:
        self._controls, self._worst = controls, math.inf if mode == "min" else -math.inf
        self._live: list[LiveTrial] = []
        self.wanted = 0 if controls is None else min(controls.first, len(controls.seeds))
        self.asked = controls is None or self.wanted == len(controls.seeds)
        """Whether it is decided how many there are to be."""

    def add(self, live: LiveTrial) -> None:
        self._live.append(live)

    def next(self) -> LiveTrial | None:
        """The next one to be entered; None when there is none for now."""
        done = len(self._live)
        if self._controls is None or done >= self.wanted:
            return None
        nth = done + 1
        return LiveTrial(
            f"{CONTROL}-{nth}", done, self._controls.config, CONTROL, self._controls.seeds[done], nth=nth, control=True
        )

    def decide(self) -> dict[str, Any] | None:
        """The journal's line that says how many are wanted, once the first ones have ended."""
        if self.asked or self._controls is None or len(self._live) < self.wanted:
            return None
        if any(live.state != ENDED or live.ending == INTERRUPTED for live in self._live):
            return None
        more = self._controls.more(self.values())
        line = {"kind": "controls", "wanted": len(self._controls.seeds) if more else self.wanted}
        self.on_line(line)
        return line

    def on_line(self, line: Mapping[str, Any]) -> None:
        """Also what a replay calls."""
        self.wanted, self.asked = line["wanted"], True

    def values(self) -> dict[int, float]:
        """Seed -> value of those that say something."""
        found: dict[int, float] = {}
        for live in self._live:
            if live.ending == DOOMED:
                found[live.seed] = self._worst
            elif live.ending == COMPLETED and live.value is not None:
                found[live.seed] = live.value
        return found

    @property
    def left(self) -> bool:
        """Whether some are to be begun yet, or may be."""
        return not self.asked or len(self._live) < self.wanted


def control_line(live: LiveTrial) -> dict[str, Any]:
    return {
        "kind": CONTROL,
        "trial": live.trial,
        "nth": live.nth,
        "config": dict(live.config),
        "seed": live.seed,
    }


def control_from_line(line: Mapping[str, Any]) -> LiveTrial:
    """The inverse, for a replay."""
    nth = line["nth"]
    return LiveTrial(line["trial"], nth - 1, line["config"], CONTROL, line["seed"], nth=nth, control=True)
