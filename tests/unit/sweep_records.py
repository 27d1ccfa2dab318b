"""Sweeps as records, made by formula: what the tests of the sweep findings and of the next space are given."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tuner.records.epochs import EpochMetrics, Facts
from tuner.records.finding import Diagnosis, Finding
from tuner.records.trial import COMPLETED, DOOMED, PRUNED, ParameterRecord, Rung, SweepRecord, TrialRecord
from tuner.records.values import Scalar

LR = ParameterRecord("lr", "float", 1e-5, 1.0, log=True)
DROPOUT = ParameterRecord("model.mlp.dropout", "float", 0.0, 0.6)
BATCH = ParameterRecord("batch_size", "choice", options=(32, 64, 128, 256))
OPTIMIZER = ParameterRecord("optimizer", "choice", options=("sgd", "adam"))
WIDTH = ParameterRecord("width", "int", 4, 256, log=True)
EPOCHS = 20

Config = Mapping[str, Scalar]


def draw(parameter: ParameterRecord, rng: np.random.Generator) -> Scalar:
    if parameter.kind == "choice":
        return parameter.options[int(rng.integers(len(parameter.options)))]
    low, high = float(parameter.low or 0), float(parameter.high or 0)
    value = math.exp(rng.uniform(math.log(low), math.log(high))) if parameter.log else rng.uniform(low, high)
    return round(value) if parameter.kind == "int" else float(value)


def sweep(
    value: Callable[[Any], float],
    *,
    verdict: Callable[[Any], str] = lambda config: "healthy",
    parameters: tuple[ParameterRecord, ...] = (LR, DROPOUT),
    count: int = 40,
    epochs: int = EPOCHS,
    pace: float = 4.0,
    noise: float = 0.01,
    seed: int = 0,
    origin: str = "random",
    seconds: float = 1.0,
    until: Callable[[int], int] | None = None,
    configs: Callable[[int, np.random.Generator], Config] | None = None,
) -> SweepRecord:
    """Curves that fall from 3 to `value(config)`, `pace` times by a factor of e; `until(number)` prunes there."""
    rng = np.random.default_rng(seed)
    trials = []
    for number in range(count):
        config = configs(number, rng) if configs else {p.name: draw(p, rng) for p in parameters}
        said = verdict(config)
        last = until(number) if until else epochs
        floor, steps = value(config), np.arange(1, last + 1)
        losses = floor + (3.0 - floor) * np.exp(-pace * steps / epochs) + noise * rng.standard_normal(last)
        if said == "diverged":
            losses[-1] = math.nan
        trials.append(trial(number, config, losses, said, origin, seconds, pruned=last < epochs))
    return record(trials, parameters, epochs)


def trial(
    number: int,
    config: Config,
    losses: np.ndarray,
    said: str = "healthy",
    origin: str = "random",
    seconds: float = 1.0,
    *,
    pruned: bool = False,
    rungs: tuple[Rung, ...] = (),
) -> TrialRecord:
    lost = said == "diverged"
    evidence = {"more_epochs": 20.0} if said == "undertrained" else {}
    findings = () if said in ("healthy", "unknown") else (Finding(said, 0.9, said, 3, evidence),)
    finite = np.where(np.isfinite(losses), losses, np.inf)
    return TrialRecord(
        f"{number:04d}",
        number,
        config,
        origin,
        ending=DOOMED if lost else PRUNED if pruned else COMPLETED,
        value=float(finite.min()) if np.isfinite(finite.min()) else None,
        best_epoch=int(finite.argmin()) + 1,
        epochs=tuple(
            EpochMetrics(epoch, {"val_loss": float(loss), "train_loss": float(loss)}, seconds)
            for epoch, loss in enumerate(losses, 1)
        ),
        facts=Facts(baseline_loss=3.0, steps_per_epoch=10, device="cpu"),
        diagnosis=Diagnosis(f"{number:04d}", said, findings),
        rungs=rungs,
    )


def record(trials: list[TrialRecord], parameters: tuple[ParameterRecord, ...], epochs: int = EPOCHS) -> SweepRecord:
    return SweepRecord(
        "r", "r", "s", "val_loss", "min", epochs, len(trials), "finished", tuple(trials), parameters=parameters
    )


def bowl(config: Any) -> float:
    """Best at lr = 10^-2.5 and a dropout of 0.3, well inside their ranges."""
    dropout = config.get(DROPOUT.name, 0.3)
    return 0.1 * (math.log10(config["lr"]) + 2.5) ** 2 + 3 * (dropout - 0.3) ** 2


def with_remedies(found: SweepRecord, *remedies: Any) -> SweepRecord:
    """The same sweep with these remedies for whatever a trial's diagnosis found."""

    def put(one: TrialRecord) -> TrialRecord:
        assert one.diagnosis is not None
        findings = tuple(replace(finding, remedies=remedies) for finding in one.diagnosis.findings)
        return replace(one, diagnosis=replace(one.diagnosis, findings=findings))

    return replace(found, trials=tuple(map(put, found.trials)))
