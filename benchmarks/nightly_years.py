"""Simulated nights for `nightly.py`, made of recorded trainings, and judged as `tuner nightly` judges.

Each history draws its anchor from one half of the recorded seeds and its nights from the other half; the halves are
drawn anew for every history, so that no unlucky half is shared.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np

from tuner.nightly.verdict.figures import Figures, JudgeRules
from tuner.nightly.verdict.judge import asks_for_more, judge
from tuner.nightly.verdict.noise import noise_width
from tuner.records.night import OK, STATES

FILE = Path(__file__).with_name("nightly_trainings.json")
FIRST, ALL = 3, 10
"""Control seeds of every night, and of one that is looked at closely."""
DRAWS = 16
"""Configurations of a night's search, whose best is the night's."""


@dataclass(frozen=True)
class World:
    """What quiet nights are like."""

    name: str
    pool: str = "mlp"
    metric: str = "val_loss"
    changes: float = 1.0
    """Chance that tonight's code or packages are others, which gives every seed a new value."""
    harmless: float = 0.0
    """Chance that they are others and every value is the same bit for bit."""
    jitter: float = 0.0
    """Width of what differs from night to night under the same conditions, in noise widths: a GPU's."""
    diverge: float = 0.0
    """Share of trainings that diverge, besides those of the pool."""


@dataclass(frozen=True)
class Plant:
    """What is wrong from some night on."""

    name: str
    step: float = 0.0
    """Noise widths by which the control is worse."""
    slope: float = 0.0
    """Noise widths a night."""
    pool: str | None = None
    """Real trainings with something changed."""
    best: float = 0.0
    """Widths of the bests by which the search's best is worse."""
    failed: float | None = None
    """Share of the search's trials that fail."""
    nights: int = 30
    """How long it is looked for."""


@cache
def recorded() -> dict[str, dict[str, np.ndarray]]:
    """Badness: larger is worse. Diverged: infinite."""
    told = json.loads(FILE.read_text())
    return {
        pool: {metric: _badness(values, metric) for metric, values in metrics.items()} for pool, metrics in told.items()
    }


def _badness(values: list[float | None], metric: str) -> np.ndarray:
    known = np.array([np.nan if value is None else value for value in values])
    return np.where(np.isnan(known), np.inf, known if metric == "val_loss" else -known)


@dataclass
class Told:
    """One night, as it ran."""

    verdict: str
    by: str
    first: float
    """Mean badness of its first controls, those that ended: what the rivals look at."""
    trained: int


@dataclass
class Year:
    """One history: an accepted night, then nights."""

    world: World
    rng: np.random.Generator
    false_alarms: float = 0.01
    judged: bool = True
    nights: list[Figures] = field(default_factory=list)
    state: str = OK
    told: list[Told] = field(default_factory=list)
    champion: Hashable = None
    """The configuration that was the best of the last good night, and is trained again."""

    def __post_init__(self) -> None:
        values = recorded()[self.world.pool][self.world.metric]
        order = self.rng.permutation(values)
        self.anchors, self.fresh = order[: len(order) // 2], order[len(order) // 2 :]
        self.width = noise_width([values]) or 0.0
        searched = self.rng.permutation(recorded()["mlp_search"]["val_loss"])
        self.searched = searched[len(searched) // 2 :]
        seeds = recorded()["mlp"]["val_loss"]
        self.seed_effects = seeds - np.median(seeds)
        self.best_width = noise_width([np.array([self._best()[0] for _ in range(200)])]) or 0.0
        self.sign = 1.0 if self.world.metric == "val_loss" else -1.0
        self.rules = JudgeRules(self.world.metric, "min" if self.sign > 0 else "max", self.false_alarms)
        self.conditions, self.seeds = 0, self._draw(self.anchors)
        controls = self._controls(self.seeds, ALL)
        self.reference = self._figures(controls, Plant("quiet"))
        self.champion = self.reference.best_config

    def run(self, nights: int, plant: Plant = Plant("quiet")) -> list[Told]:
        """The next nights, with `plant` from the first of them on."""
        return [self._night(plant, number) for number in range(nights)]

    def _night(self, plant: Plant, number: int) -> Told:
        starts = plant.name != "quiet" and number == 0
        if starts or self.rng.random() < self.world.changes:
            self.conditions += 1
            self.seeds = self._draw(self.fresh if plant.pool is None else self._planted(plant.pool))
        elif self.rng.random() < self.world.harmless:
            self.conditions += 1
        worse = self.width * (plant.step + plant.slope * number)
        values = self._controls(self.seeds + worse, ALL)
        first = {seed: values[seed] for seed in range(FIRST)}
        given = (self.reference, self.nights[-60:], self.rules, self.state)
        more = asks_for_more(first, *given, conditions=str(self.conditions))
        tonight = self._figures(values if more else first, plant)
        said = judge(tonight, *given)
        self.nights.append(replace(tonight, verdict=said.verdict))
        if self.nights[-1].is_comparable:
            self.champion = tonight.best_config
        if said.verdict in STATES:
            self.state = said.verdict
        ended = [self.sign * value for value in first.values() if np.isfinite(value)]
        told = Told(said.verdict, said.by, float(np.mean(ended)) if ended else np.inf, ALL if more else FIRST)
        self.told.append(told)
        return told

    def _draw(self, pool: np.ndarray) -> np.ndarray:
        drawn = self.rng.choice(pool, ALL)
        return np.where(self.rng.random(ALL) < self.world.diverge, np.inf, drawn)

    def _planted(self, name: str) -> np.ndarray:
        return recorded()[name][self.world.metric]

    def _controls(self, badness: np.ndarray, count: int) -> dict[int, float]:
        if self.world.jitter:
            badness = badness + self.world.jitter * self.width * self.rng.standard_normal(ALL)
        return {seed: float(self.sign * badness[seed]) for seed in range(count)}

    def _best(self) -> tuple[float, int]:
        """The best badness and the place of its configuration: new ones, and the champion on another seed."""
        places = self.rng.choice(len(self.searched), DRAWS)
        values = self.searched[places]
        if self.champion is not None:
            again = self.searched[self.champion] + self.rng.choice(self.seed_effects)
            places, values = np.append(places, self.champion), np.append(values, again)
        won = int(np.argmin(values))
        return float(values[won]), int(places[won])

    def _figures(self, controls: dict[int, float], plant: Plant) -> Figures:
        failed = 0.02 if plant.failed is None else plant.failed
        best, place = self._best()
        best += plant.best * self.best_width
        return Figures(
            night=f"night-{len(self.nights)}",
            controls=controls,
            best=self.sign * best,
            best_config=place,
            conditions=str(self.conditions),
            trials=30,
            failed=round(30 * failed) if plant.failed is not None else int(self.rng.binomial(30, failed)),
            verdicts={"overfitting": int(self.rng.binomial(30, 0.1)), "healthy": 20},
            seconds_per_epoch=float(self.rng.normal(1, 0.03)),
            training_seconds=float(self.rng.normal(100, 5)),
        )


Rule = Callable[[list[float]], bool]


def worse_than_yesterday(means: list[float]) -> bool:
    """By 1 % of yesterday's value."""
    return len(means) > 1 and means[-1] - means[-2] > 0.01 * abs(means[-2])


def three_sigma(means: list[float]) -> bool:
    """Above the mean of the last 14 nights by three of their standard deviations."""
    last = means[-15:-1]
    known = [mean for mean in last if np.isfinite(mean)]
    return len(last) == 14 and means[-1] > np.mean(known) + 3 * np.std(known, ddof=1)


RIVALS: dict[str, Rule] = {"1 % on yesterday": worse_than_yesterday, "3 sigma of 14 nights": three_sigma}
