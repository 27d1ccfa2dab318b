"""TPE that learns from every trial with a report, running and paused ones too, in numpy alone.

Optuna's TPE hears of a trial when it has ended. Beside a scheduler that pauses trials, most never end before the sweep
does, and with many workers most of what is known is about trials that still run. So here a trial counts from its first
report. Trials are ranked by how far they came, on the scale on which rungs stand, and by their best value among those
that came as far; diverged ones are last.

Question  Which of some draws from the good trials' density is most typical of them and least of the others?
Formula   argmax over CANDIDATES draws x from g of log g(x) − log b(x); g, b: kernel densities of the best GOOD (at most
          MOST) and of the rest, those that have not reported yet among the rest; each with a prior, even over the space
Kernels   products: a normal cut off at the range's ends in the space's unit cube, with standard deviation
          WIDTH · n^(−1 / (4 + parameters)); for a choice all options share one kernel's worth, the trial's own has
          another n
Source    Bergstra et al. (2011); Falkner et al. (2018), BOHB, for products of kernels and ranking by the longest
          training; weights of old trials and constants from Optuna's TPESampler
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count as counted

import numpy as np

from tuner.records.trial import COMPLETED, DOOMED, INTERRUPTED, PRUNED
from tuner.records.values import Config, Scalar
from tuner.search.cube import is_active
from tuner.search.given import check
from tuner.search.ranking import Array, Ranking, Standing
from tuner.search.seeds import generator
from tuner.space import Choice, Constant, Parameter, Space

CANDIDATES = 24
GOOD, MOST = 0.1, 25
WIDTH, NARROWEST = 0.2, 0.01
RECENT = 25
"""Trials of full weight; of more, the older ones count less, the oldest as one of n."""
REST = 500
"""The rest is told by so many of its latest trials: more would change little and cost time."""
TRIES = 30
"""Draws of a coordinate until one lies in its range."""


class RungTpe:
    """Random for the first `startup` trials that tell something."""

    name = "rung_tpe"

    def __init__(self, space: Space, *, mode: str, seed: int, startup: int = 10) -> None:
        self._space, self._seed, self._startup = space, seed, startup
        self._sign = 1.0 if mode == "min" else -1.0
        self._groups = _groups(space)
        self._begun = counted()
        self._trials: dict[int, Standing] = {}
        self._everyone = Ranking()
        self._rankings = {group.columns: Ranking() for group in self._groups.values()}
        """By a group's columns: the trials in which it was active."""

    def suggest(self, number: int, again: int = 0) -> dict[str, Scalar] | None:
        self._forget(number)  # what was said before
        rng = generator(self._seed, number, again)
        config = self._space.sample(rng) if self._everyone.told < self._startup else self._draw(rng)
        self._begin(number, config)
        return config

    def begin(self, number: int, config: Config) -> None:
        """Raises InputError for a configuration outside the space."""
        check(self._space, number, config)
        self._forget(number)
        self._begin(number, config)

    def on_trial_result(self, number: int, epoch: int, value: float) -> None:
        trial = self._trials.get(number)
        if trial is None or trial.ended or epoch <= trial.epoch:
            return
        with self._changing(trial):
            trial.epoch = epoch
            if math.isnan(value):
                trial.diverged = True
            else:
                trial.best = min(trial.best, self._sign * value)

    def on_trial_end(self, number: int, ending: str, value: float | None, *, diverged: bool = False) -> None:
        trial = self._trials.get(number)
        if trial is None or trial.ended or ending == INTERRUPTED:
            return
        if diverged or (ending == COMPLETED and (value is None or math.isnan(value))):
            with self._changing(trial):
                trial.diverged = trial.ended = True
        elif ending in (COMPLETED, PRUNED, DOOMED):
            with self._changing(trial):
                trial.ended = True
                if value is not None:
                    trial.best = min(trial.best, self._sign * value)
                    trial.epoch = max(trial.epoch, 1)
        else:  # it raised: nothing is known of its region
            self._forget(number)

    def _begin(self, number: int, config: Config) -> None:
        trial = self._trials[number] = Standing(next(self._begun), self._space.encode(config))
        for ranking in self._holding(trial):
            ranking.add(trial)

    def _forget(self, number: int) -> None:
        trial = self._trials.pop(number, None)
        if trial is not None:
            for ranking in self._holding(trial):
                ranking.drop(trial)

    @contextmanager
    def _changing(self, trial: Standing) -> Iterator[None]:
        rankings = self._holding(trial)
        for ranking in rankings:
            ranking.withdraw(trial)
        try:
            yield
        finally:
            for ranking in rankings:
                ranking.place(trial)

    def _holding(self, trial: Standing) -> list[Ranking]:
        """The rankings in which a trial stands."""
        active = [ranking for columns, ranking in self._rankings.items() if not math.isnan(trial.point[columns[0]])]
        return [self._everyone, *active]

    def _draw(self, rng: np.random.Generator) -> dict[str, Scalar]:
        """Group by group, parents first, each from the trials in which the group was active."""
        config: dict[str, Scalar] = {}
        drawn: dict[str, Scalar] = {}
        for item in self._space.parameters:
            if not is_active(item, config):
                continue
            if isinstance(item.domain, Constant):
                config[item.name] = item.domain.value
                continue
            if item.name not in drawn:
                group = self._groups[item.name]
                drawn |= group.draw(rng, self._rankings[group.columns])
            config[item.name] = drawn[item.name]
        return config


@dataclass(frozen=True)
class _Group:
    """Parameters that are active together."""

    items: tuple[Parameter, ...]
    columns: tuple[int, ...]

    def draw(self, rng: np.random.Generator, trials: Ranking) -> dict[str, Scalar]:
        """`trials`: those in which the group was active."""
        good = trials.best(min(math.ceil(GOOD * trials.told), MOST))
        best = self._density(list(good.values()))
        others = self._density(trials.latest(REST, without=good))
        drawn = best.sample(rng)
        point = drawn[int(np.argmax(best.log(drawn) - others.log(drawn)))]
        return {item.name: item.domain.from_unit(float(x)) for item, x in zip(self.items, point, strict=True)}

    def _density(self, trials: list[Standing]) -> _Density:
        if not trials:
            return _Density(self.items, np.empty((0, len(self.items))))
        return _Density(self.items, np.array([trial.point for trial in trials]).take(self.columns, axis=1))


class _Density:
    """A weighted sum of product kernels, one at each point and a prior that is even over the cube."""

    def __init__(self, items: tuple[Parameter, ...], points: Array) -> None:
        count = len(points)
        self._weights = np.append(_weights(count), 1.0)
        self._weights /= self._weights.sum()
        domains = [item.domain for item in items]
        self._options = {at: len(d.options) for at, d in enumerate(domains) if isinstance(d, Choice)}
        self._numbers = [at for at in range(len(items)) if at not in self._options]
        self._points = points
        width = WIDTH * max(count, 1) ** (-1 / (len(items) + 4))
        self._width = max(width, 1 / min(1 / NARROWEST, count + 2))
        self._chances = {at: self._chance(points[:, at], options) for at, options in self._options.items()}

    @staticmethod
    def _chance(column: Array, options: int) -> Array:
        """[kernel, option]; the last kernel is the prior."""
        count = len(column)
        chance = np.full((count + 1, options), 1.0 / options)
        chance[np.arange(count), np.minimum((column * options).astype(int), options - 1)] += count
        return np.asarray(chance / chance.sum(axis=1, keepdims=True))

    def sample(self, rng: np.random.Generator) -> Array:
        """[CANDIDATES, parameter], each coordinate of a choice in the middle of its option's share."""
        kernel = rng.choice(len(self._weights), CANDIDATES, p=self._weights)
        found = rng.random((CANDIDATES, self._points.shape[1]))
        near = np.flatnonzero(kernel < len(self._points))
        for at, options in self._options.items():
            upto = np.cumsum(self._chances[at][kernel], axis=1)
            option = (found[:, at, None] * upto[:, -1:] > upto[:, :-1]).sum(axis=1)
            found[:, at] = (option + 0.5) / options
        if self._numbers:
            middle = self._points[kernel[near]][:, self._numbers]
            drawn = middle + self._width * rng.standard_normal(middle.shape)
            for _ in range(TRIES):  # a kernel has at least half of itself in the range, or nearly
                out = (drawn < 0) | (drawn > 1)
                if not out.any():
                    break
                drawn[out] = middle[out] + self._width * rng.standard_normal(int(out.sum()))
            found[near[:, None], self._numbers] = np.clip(drawn, 0, 1)
        return found

    def log(self, at: Array) -> Array:
        """Logarithm of the density at each row, constants that all densities of a group share left out."""
        logs = np.zeros((len(at), len(self._weights)))
        if self._numbers:
            x, middle = at[:, self._numbers] / self._width, self._points[:, self._numbers] / self._width
            square = (x * x).sum(axis=1)[:, None] - 2 * x @ middle.T + (middle * middle).sum(axis=1)
            inside = _normal_share(1 / self._width - middle) - _normal_share(-middle)
            area = np.log(inside * self._width * math.sqrt(2 * math.pi)).sum(axis=1)
            logs[:, :-1] = -0.5 * square - area
        for column, options in self._options.items():
            option = np.minimum((at[:, column] * options).astype(int), options - 1)
            logs += np.log(self._chances[column][:, option].T)
        logs += np.log(self._weights)
        top = logs.max(axis=1)
        return np.asarray(top + np.log(np.exp(logs - top[:, None]).sum(axis=1)))


def _weights(count: int) -> Array:
    """Of trials in order of time: the last RECENT count fully."""
    weights = np.ones(count)
    if count > RECENT:
        weights[: count - RECENT] = np.linspace(1 / count, 1, count - RECENT)
    return weights


def _normal_share(x: Array) -> Array:
    """The normal distribution function to within 0.0003 (Page 1977), many times as fast as an exact one in numpy."""
    return np.asarray(0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))


def _groups(space: Space) -> dict[str, _Group]:
    """Of each parameter: what is drawn together with it, all that hang on the same option of the same choice."""
    together: dict[tuple[object, ...], list[int]] = {}
    for column, item in enumerate(space.parameters):
        if not isinstance(item.domain, Constant):
            together.setdefault((item.parent, type(item.parent_value), item.parent_value), []).append(column)
    groups = [_Group(tuple(space.parameters[c] for c in columns), tuple(columns)) for columns in together.values()]
    return {item.name: group for group in groups for item in group.items}
