"""What "is a searcher" means: a test of a new one is a subclass that defines `make`."""

from __future__ import annotations

import math
import random
from abc import ABC, abstractmethod
from collections.abc import Iterator

from tuner.records.values import Config, Scalar
from tuner.search.interface import Searcher
from tuner.space import Choice, Constant, Float, Int, Parameter, Space


def parameter(name: str, domain: Float | Int | Choice | Constant, *, of: tuple[str, Scalar] | None = None) -> Parameter:
    return Parameter(
        name=name,
        short=name.rpartition(".")[2],
        domain=domain,
        default=None,
        has_default=False,
        parent=of[0] if of else None,
        parent_value=of[1] if of else None,
    )


SPACE = Space(
    (
        parameter("lr", Float(1e-5, 1.0, True)),
        parameter("dropout", Float(0.0, 0.6, False)),
        parameter("depth", Int(1, 6, False)),
        parameter("width", Int(32, 512, True)),
        parameter("batch_size", Choice((32, 64, 128))),
        parameter("mixed", Choice((None, True, 1, 1.0, "1", 0, False))),
        parameter("classes", Constant(10)),
        parameter("optimizer", Choice(("adamw", "sgd"))),
        parameter("optimizer.sgd.momentum", Float(0.0, 0.99, False), of=("optimizer", "sgd")),
        parameter("optimizer.sgd.nesterov", Choice((True, False)), of=("optimizer", "sgd")),
        parameter("optimizer.sgd.nesterov.true.damping", Float(0.0, 1.0, False), of=("optimizer.sgd.nesterov", True)),
    )
)

Event = tuple[str, int, object]


def value_of(config: Config) -> float:
    """A valley at lr = 0.01 with a cliff: above 0.3 it diverges."""
    lr, dropout = config["lr"], config["dropout"]
    assert isinstance(lr, float)
    assert isinstance(dropout, float)
    if lr > 0.3:
        return math.nan
    return (math.log10(lr) + 2) ** 2 + dropout + (0.5 if config["optimizer"] == "sgd" else 0.0)


def exact(config: Config | None) -> list[tuple[str, str, Scalar]] | None:
    """Python takes 1, 1.0 and True for equal; a training does not."""
    return None if config is None else [(name, type(value).__name__, value) for name, value in config.items()]


def run(searcher: Searcher, trials: int, seed: int = 0, workers: int = 3) -> Iterator[Event]:
    """A sweep with several workers and every ending; yields what the journal would hold, after telling it."""
    draw = random.Random(seed)
    running: dict[int, dict[str, Scalar]] = {}
    epochs: dict[int, int] = {}
    number = 0
    while number < trials or running:
        if number < trials and len(running) < workers:
            config = searcher.suggest(number)
            assert config is not None
            running[number], epochs[number] = config, 0
            yield "suggestion", number, config
            number += 1
            continue
        trial = draw.choice(sorted(running))
        epochs[trial] += 1
        value = value_of(running[trial]) + 1 / epochs[trial]
        searcher.on_trial_result(trial, epochs[trial], value)
        yield "report", trial, (epochs[trial], value)
        diverged = math.isnan(value)
        ending = "doomed" if diverged else "completed" if epochs[trial] == 9 else None
        if ending is None and epochs[trial] in (1, 3):
            ending = draw.choice([None, None, "pruned", "failed", "doomed", "interrupted"])
        if ending is not None:
            del running[trial]
            told = None if diverged else value
            searcher.on_trial_end(trial, ending, told, diverged=diverged)
            yield "ending", trial, (ending, told, diverged)


def tell(searcher: Searcher, event: Event) -> None:
    """As a resumed sweep tells what its journal holds."""
    kind, number, what = event
    if kind == "suggestion":
        assert isinstance(what, dict)
        searcher.begin(number, what)
    elif kind == "report":
        epoch, value = what  # type: ignore[misc]
        searcher.on_trial_result(number, epoch, value)
    else:
        ending, value, diverged = what  # type: ignore[misc]
        searcher.on_trial_end(number, ending, value, diverged=diverged)


class SearcherContract(ABC):
    trials = 50
    """Of one sweep; fewer for a searcher that takes seconds to think."""

    @abstractmethod
    def make(self, seed: int) -> Searcher:
        """Yours, to minimise, over SPACE."""

    def test_every_suggestion_lies_in_the_space(self) -> None:
        configs = [what for kind, _, what in run(self.make(seed=0), self.trials) if kind == "suggestion"]
        assert len(configs) == self.trials
        for config in configs:
            assert isinstance(config, dict)
            assert SPACE.faults(config) == ()
            assert all(type(config[name]) is float for name in ("lr", "dropout"))
            assert all(type(config[name]) is int for name in ("depth", "width", "batch_size", "classes"))
            mixed = SPACE.parameters[5].domain
            assert isinstance(mixed, Choice)
            assert (type(config["mixed"]), config["mixed"]) in [(type(option), option) for option in mixed.options]

    def test_the_seed_alone_decides(self) -> None:
        one, two = (list(run(self.make(seed=7), self.trials // 2)) for _ in range(2))
        configs = [[exact(what) for kind, _, what in events if kind == "suggestion"] for events in (one, two)]
        assert configs[0] == configs[1]

    def test_a_rebuilt_searcher_suggests_what_the_lost_one_would_have(self) -> None:
        events = list(run(self.make(seed=11), self.trials))
        suggestions = [i for i, (kind, _, _) in enumerate(events) if kind == "suggestion"]
        for at in suggestions[5 :: 1 + self.trials // 8]:
            rebuilt = self.make(seed=11)
            for event in events[:at]:
                tell(rebuilt, event)
            _, number, config = events[at]
            assert isinstance(config, dict)
            assert exact(rebuilt.suggest(number)) == exact(config), f"before trial {number}"

    def test_what_is_told_twice_is_learnt_once(self) -> None:
        once, twice = self.make(seed=5), self.make(seed=5)
        for event in run(self.make(seed=5), self.trials):
            tell(once, event)
            tell(twice, event)
            if event[0] != "suggestion":
                tell(twice, event)
        assert exact(once.suggest(self.trials)) == exact(twice.suggest(self.trials))

    def test_a_given_configuration_may_come_first_and_without_any_report(self) -> None:
        searcher = self.make(seed=2)
        given = {"lr": 0.01, "dropout": 0.5, "depth": 1, "width": 32, "batch_size": 32, "mixed": 1, "classes": 10}
        searcher.begin(0, given | {"optimizer": "adamw"})
        searcher.on_trial_end(0, "failed", None)
        config = searcher.suggest(1)
        assert config is not None
        assert SPACE.contains(config)

    def test_an_ending_of_an_unknown_trial_is_no_fault(self) -> None:
        """Of a trial that was interrupted, nothing is told; of one that another driver ended, all is known."""
        searcher = self.make(seed=2)
        searcher.on_trial_result(17, 1, 0.5)
        searcher.on_trial_end(17, "completed", 0.5)
        assert searcher.suggest(0) is not None
