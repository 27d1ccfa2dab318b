"""What is put in front of the reader: which findings, which failure, which command."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.report_records import MORE_EPOCHS, OVERFITS, SweepLines, falling, four_endings
from tuner.report.matter import failures, findings_that_matter, next_step, symptoms


def test_the_winners_own_finding_is_never_crowded_out() -> None:
    sweep = SweepLines()
    trial = sweep.suggest(0, {"lr": 0.1})
    sweep.losses(trial, falling(1, 5), falling(1, 5))
    sweep.end_trial(trial, "completed", "", "overfitting", [OVERFITS])
    for name in ("one", "two", "three", "four"):
        sweep.sweep_finding(replace(MORE_EPOCHS, symptom=name))
    chosen = findings_that_matter(sweep.record())
    assert [matter.finding.symptom for matter in chosen] == ["one", "two", "overfitting"]
    assert chosen[-1].who == "the best trial, 0000"


def test_a_symptom_is_told_once_with_its_clearest_trial() -> None:
    sweep = SweepLines()
    for number, confidence in enumerate([0.6, 0.9, 0.7]):
        trial = sweep.suggest(number, {"lr": 0.1})
        sweep.end_trial(trial, "pruned", "", "overfitting", [replace(OVERFITS, confidence=confidence)])
    (only,) = symptoms(sweep.record())
    assert (only.trials, only.finding.confidence) == (3, 0.9)
    assert only.who == "3 of 3 trials, 0001 the clearest"


def test_failures_are_counted_by_reason() -> None:
    sweep = SweepLines()
    for number, reason in enumerate(["out of memory", "KeyError: 'x'", "out of memory"]):
        sweep.end_trial(sweep.suggest(number, {}), "failed", reason, "unknown")
    assert [(failure.reason, failure.trials) for failure in failures(sweep.record())] == [
        ("out of memory", ("0000", "0002")),
        ("KeyError: 'x'", ("0001",)),
    ]


def test_the_next_command_follows_from_how_the_sweep_ended() -> None:
    finished = four_endings()
    run = finished.run
    assert next_step(finished.record()).command == f"tuner run runs/{run}/sweep.yaml --set search.max_epochs=18"
    stopped = SweepLines()
    stopped.end("stopped", "the user")
    assert next_step(stopped.record(), "here").command == "tuner run --resume here"
    failed = SweepLines()
    failed.end_trial(failed.suggest(0, {}), "failed", "KeyError", "unknown")
    failed.end("failed", "every trial failed")
    assert next_step(failed.record(), "here").command == "tuner train here/0000"
    healthy = SweepLines()
    trial = healthy.suggest(0, {"lr": 0.1})
    healthy.losses(trial, [1.0], [1.0])
    healthy.end_trial(trial, "completed", "", "healthy")
    healthy.end()
    assert next_step(healthy.record(), "a b").command == "tuner train 'a b/0000'"
