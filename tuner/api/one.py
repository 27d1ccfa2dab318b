"""One configuration or one run: `tuner train`, `tuner track`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tuner.tracking as tracking
from tuner.api.plan import alone
from tuner.api.sweeps import load_recorded, load_resolved, load_sweep
from tuner.control.trials import trial_seed
from tuner.diagnosis import diagnose
from tuner.errors import Fault, InputError, RunError
from tuner.records.epochs import Assignment, EpochMetrics, Facts, Failure, Report
from tuner.records.finding import Diagnosis
from tuner.records.history import History
from tuner.records.run_directory import RunDirectory, find_run
from tuner.records.values import Config, encode_metrics
from tuner.report.wording import percent
from tuner.search.make import make_searcher
from tuner.sweep import Sweep, read_config
from tuner.training.data import load_splits
from tuner.training.plan import TrainingPlan
from tuner.training.run_one import train_one as train_assignment
from tuner.training.weights_source import check_weights


@dataclass(frozen=True)
class Trained:
    """One trained configuration."""

    config: Config
    epochs: tuple[EpochMetrics, ...]
    diagnosis: Diagnosis
    metric: str
    value: float | None
    best_epoch: int | None

    def to_json(self) -> dict[str, Any]:
        return {
            "config": dict(self.config),
            "metric": self.metric,
            "value": self.value,
            "best_epoch": self.best_epoch,
            "epochs": [{"epoch": epoch.epoch} | encode_metrics(epoch.metrics) for epoch in self.epochs],
            "diagnosis": self.diagnosis.to_json(),
        }

    def __str__(self) -> str:
        value = "no finite value" if self.value is None else f"{self.value:.6g} at epoch {self.best_epoch}"
        rows = [f"best {self.metric}: {value}", f"verdict: {self.diagnosis.verdict}"]
        rows += [f"  {finding.says} ({percent(finding.confidence)} sure)" for finding in self.diagnosis.findings]
        return "\n".join(rows)


def train_one(
    what: str,
    *,
    config: Mapping[str, str],
    overrides: Mapping[str, str],
    flags: Mapping[str, str],
    runs: Path,
    say: Callable[[str], None],
) -> Trained:
    """Train one configuration of a sweep, or a trial of a run (`RUN/0017`, `RUN/0017-2`) again, in this process.

    Parameters that `config` does not give come from the defaults, else from the seed's first suggestion. Raises
    InputError for values outside the space, RunError where the training itself failed.
    """
    sweep, chosen, seed = chosen_config(what, config, overrides, flags, runs)
    if sweep.resources.workers > 1:
        say(f"note   {alone(sweep)}")
    say("config " + ", ".join(f"{name}={value}" for name, value in chosen.items()))
    with tempfile.TemporaryDirectory(prefix="tuner-") as scratch:
        plan = replace(TrainingPlan.from_sweep(sweep, RunDirectory(Path(scratch))), runs=str(runs))
        check_weights(plan.weights, plan.folder, runs)
        assignment = Assignment("0000", 1, chosen, seed, sweep.search.max_epochs)
        reports: list[Report] = []

        def on_epoch(report: Report) -> None:
            reports.append(report)
            numbers = "  ".join(f"{name} {value:.4g}" for name, value in report.epoch.metrics.items())
            say(f"epoch {report.epoch.epoch:>3}  {numbers}  {report.epoch.seconds:.2f} s")

        splits = None if plan.loop is not None else load_splits(plan)
        last = train_assignment(plan, splits, assignment, on_epoch)
    if isinstance(last, Failure):
        raise RunError(f"{last.traceback}\n{last.message}" if last.traceback else last.message)
    return _trained(sweep, chosen, reports)


def chosen_config(
    what: str, config: Mapping[str, str], overrides: Mapping[str, str], flags: Mapping[str, str], runs: Path
) -> tuple[Sweep, dict[str, Any], int]:
    """(sweep, configuration, seed) of a sweep or of a trial of a run (`RUN/0017`), with the values that were given."""
    run, _, trial = what.rpartition("/")
    if run and trial.replace("-", "", 1).isdigit() and not Path(what).is_file():
        directory = find_run(run, runs)
        sweep = load_resolved(directory, overrides, flags)
        known = {record.trial: record for record in directory.record().trainings}
        if trial not in known:
            names = f"{min(known)} to {max(known)}" if known else "none at all"
            raise InputError("no such trial", (Fault("RUN/TRIAL", what, f"{directory.name} has {names}"),))
        seed = known[trial].seed or trial_seed(sweep.seed, known[trial].number)
        merged = {**known[trial].config, **read_config(config, sweep.space)}
        partial = {item.name: merged[item.name] for item in sweep.space.active(merged) if item.name in merged}
    else:
        sweep = load_sweep(what, overrides, flags)
        seed = trial_seed(sweep.seed, 0)
        partial = read_config(config, sweep.space)
    suggestion = make_searcher("random", {}, sweep.space, mode=sweep.metric.mode, seed=sweep.seed).suggest(0) or {}
    return sweep, sweep.space.complete(partial, suggestion), seed


def _trained(sweep: Sweep, config: Config, reports: list[Report]) -> Trained:
    epochs = tuple({report.epoch.epoch: report.epoch for report in reports}.values())
    facts = next((report.facts for report in reports if report.facts is not None), Facts())
    history = History.from_epochs(
        "0000", epochs, facts, config=config, max_epochs=sweep.search.max_epochs, task=sweep.task
    )
    sign = 1.0 if sweep.metric.mode == "min" else -1.0
    finite = [
        (sign * epoch.metrics[sweep.metric.name], epoch.epoch)
        for epoch in epochs
        if abs(epoch.metrics.get(sweep.metric.name, float("inf"))) < float("inf")
    ]
    value, best_epoch = min(finite, default=(None, None))
    return Trained(
        config,
        epochs,
        diagnose([history])[0],
        sweep.metric.name,
        None if value is None else sign * value,
        best_epoch,
    )


def track_run(
    run: str, runs: Path, *, uri: str | None, experiment: str | None, curves: str | None = None
) -> str | None:
    """Bring MLflow up to the run's journal; returns the parent run's id. What is None is as the run's sweep says."""
    directory = find_run(run, runs)
    sweep = load_recorded(directory)
    address = uri or (sweep.tracking.uri if sweep.tracking.uri != "none" else None)
    address = address or tracking.default_uri(directory.path.parent)
    name = experiment or sweep.tracking.experiment or sweep.slug
    state = tracking.track(directory, address, name, curves or sweep.tracking.curves)
    return state.parent_run
