"""The orders that `rung_tpe` keeps up lead to the suggestions that sorting all trials each time would."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest

from tests.contract.searcher import parameter
from tuner.records.values import Config, Scalar
from tuner.search import rung_tpe
from tuner.search.cube import is_active
from tuner.search.rung_tpe import GOOD, MOST, RungTpe, _Density, _groups
from tuner.search.seeds import generator
from tuner.space import Choice, Constant, Float, Int, Space

FLAT = Space(
    (
        parameter("lr", Float(1e-4, 1.0, log=True)),
        parameter("depth", Int(1, 6)),
        parameter("kind", Choice(("a", "b", "c"))),
    )
)
BRANCHES = Space(
    (
        parameter("kind", Choice(("a", "b"))),
        parameter("kind.a.x", Float(0.0, 1.0), of=("kind", "a")),
        parameter("kind.b.x", Float(0.0, 1.0), of=("kind", "b")),
        parameter("kind.b.deep", Choice((True, False)), of=("kind", "b")),
        parameter("kind.b.deep.n", Int(1, 9), of=("kind.b.deep", True)),
        parameter("lr", Float(1e-4, 1.0, log=True)),
        parameter("same", Constant(1)),
    )
)


@dataclass
class Known:
    point: np.ndarray
    epoch: int = 0
    best: float = math.inf
    diverged: bool = False
    ended: bool = False


class Sorting:
    """The same searcher, which keeps nothing but the trials and looks through all of them for each suggestion."""

    def __init__(self, space: Space, *, mode: str, seed: int, startup: int = 10) -> None:
        self.space, self.seed, self.startup = space, seed, startup
        self.sign = {"min": 1.0, "max": -1.0}[mode]
        self.trials: dict[int, Known] = {}

    def suggest(self, number: int) -> Config:
        self.trials.pop(number, None)
        rng = generator(self.seed, number, 0)
        told = [trial for trial in self.trials.values() if trial.epoch or trial.diverged]
        config = self.space.sample(rng) if len(told) < self.startup else self.draw(rng)
        self.trials[number] = Known(self.space.encode(config))
        return config

    def begin(self, number: int, config: Config) -> None:
        self.trials.pop(number, None)
        self.trials[number] = Known(self.space.encode(config))

    def on_trial_result(self, number: int, epoch: int, value: float) -> None:
        trial = self.trials.get(number)
        if trial is not None and not trial.ended and epoch > trial.epoch:
            trial.epoch = epoch
            trial.diverged = trial.diverged or math.isnan(value)
            trial.best = min(trial.best, math.inf if math.isnan(value) else self.sign * value)

    def on_trial_end(self, number: int, ending: str, value: float | None, *, diverged: bool = False) -> None:
        trial = self.trials.get(number)
        if trial is None or trial.ended or ending == "interrupted":
            return
        if ending == "failed" and not diverged:
            del self.trials[number]
            return
        trial.ended = True
        if diverged or (ending == "completed" and (value is None or math.isnan(value))):
            trial.diverged = True
        elif value is not None:
            trial.best, trial.epoch = min(trial.best, self.sign * value), max(trial.epoch, 1)

    def draw(self, rng: np.random.Generator) -> dict[str, Scalar]:
        config: dict[str, Scalar] = {}
        drawn: dict[str, Scalar] = {}
        for item in self.space.parameters:
            if not is_active(item, config):
                continue
            if isinstance(item.domain, Constant):
                config[item.name] = item.domain.value
                continue
            if item.name not in drawn:
                group = _groups(self.space)[item.name]
                columns = list(group.columns)
                trials = [trial for trial in self.trials.values() if not math.isnan(trial.point[columns[0]])]
                told = sorted((t for t in trials if t.epoch or t.diverged), key=rank)
                good = {id(trial) for trial in told[: min(math.ceil(GOOD * len(told)), MOST)]}
                rest = [trial.point[columns] for trial in trials if id(trial) not in good][-rung_tpe.REST :]
                chosen = [trial.point[columns] for trial in trials if id(trial) in good]
                low, high = (_Density(group.items, np.array(p).reshape(len(p), len(columns))) for p in (chosen, rest))
                points = low.sample(rng)
                point = points[int(np.argmax(low.log(points) - high.log(points)))]
                drawn |= {i.name: i.domain.from_unit(float(x)) for i, x in zip(group.items, point, strict=True)}
            config[item.name] = drawn[item.name]
        return config


def rank(trial: Known) -> tuple[bool, int, float]:
    rung = int(math.log(trial.epoch) / math.log(3) + 1e-9) if trial.epoch else 0
    return trial.diverged, -rung, trial.best


@pytest.mark.parametrize("rest", [rung_tpe.REST, 20])
@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("space", [FLAT, BRANCHES], ids=["flat", "branches"])
@pytest.mark.parametrize("seed", range(3))
def test_suggestions_are_those_of_sorting_all_trials_each_time(
    space: Space, mode: str, seed: int, rest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random events: trials that run, wait, end in each way, diverge, come back and begin anew; many equal values."""
    monkeypatch.setattr(rung_tpe, "REST", rest)
    ours, reference = (made(space, mode=mode, seed=seed) for made in (RungTpe, Sorting))
    rng = np.random.default_rng(seed)
    epochs: Counter[int] = Counter()
    asked = 0
    for _ in range(1500):
        number = int(rng.integers(asked)) if asked else 0
        what = rng.choice(["ask", "told", "report", "end", "again"], p=[0.2, 0.08, 0.6, 0.1, 0.02])
        if what == "ask" or (what == "again" and asked):
            number = asked if what == "ask" else number
            assert ours.suggest(number) == reference.suggest(number)
            epochs[number] = 0
            asked = max(asked, number + 1)
        elif what == "told":
            config = space.sample(rng)
            number = asked if rng.random() < 0.8 else number
            for searcher in (ours, reference):
                searcher.begin(number, config)
            epochs[number] = 0
            asked = max(asked, number + 1)
        elif what == "report":
            epochs[number] += int(rng.integers(0, 4))  # the same epoch twice counts once
            value = math.nan if rng.random() < 0.03 else float(rng.integers(-9, 9)) if rng.random() < 0.9 else math.inf
            for searcher in (ours, reference):
                searcher.on_trial_result(number, epochs[number], value)
        else:
            ending = str(rng.choice(["completed", "pruned", "doomed", "failed", "interrupted"]))
            last = [None, math.nan, float(rng.integers(-9, 9))][int(rng.integers(3))]
            for searcher in (ours, reference):
                searcher.on_trial_end(number, ending, last, diverged=bool(number % 7 == 0))
    assert asked > 300
    assert max(epochs.values()) > 9
