"""The section `nightly`: read, checked, written back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sweep_kit import faults_of, only_fault, read

from tuner.sweep import dump_sweep
from tuner.sweep.nightly import Nightly
from tuner.sweep.sections import BudgetSection, NotifySection

SMALL = "task: digits\nmodel: mlp\nspace:\n  lr: {float: [1e-4, 1], log: true}\n"
FULL = """nightly:
  control: {lr: 0.01}
  seeds: 4
  noise_seeds: 12
  budget: {hours: 2, gpu_hours: 1.5, trials: 20}
  window: 10
  minimum_effect: 0.005
  false_alarms: 1 in 200 nights
  time_zone: Europe/Berlin
  keep: 5
  notify: {webhook: SLACK_WEBHOOK, command: "notify-send night"}
  when_running: wait
"""
READ = Nightly(
    control={"lr": 0.01},
    seeds=4,
    noise_seeds=12,
    budget=BudgetSection(hours=2, gpu_hours=1.5, trials=20),
    window=10,
    minimum_effect=0.005,
    false_alarms=0.005,
    time_zone="Europe/Berlin",
    keep=5,
    notify=NotifySection(webhook="SLACK_WEBHOOK", command="notify-send night"),
    when_running="wait",
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", Nightly()),
        ("nightly:\n", Nightly()),
        ("nightly: {}\n", Nightly()),
        (FULL, READ),
        ("nightly: {minimum_effect: 2%}\n", Nightly(minimum_share=0.02)),
        ('nightly: {minimum_effect: "0.5 %"}\n', Nightly(minimum_share=0.005)),
        ("nightly: {false_alarms: 0.05, control: null}\n", replace(Nightly(), false_alarms=0.05)),
    ],
)
def test_it_is_read_and_written_back(text: str, meant: Nightly) -> None:
    sweep = read(SMALL + text)
    assert sweep.nightly == meant
    assert read(dump_sweep(sweep)).nightly == meant


@pytest.mark.parametrize(
    ("text", "where", "cure"),
    [
        ("{control: {lr: 7}}", "nightly.control.lr", "1"),
        ("{control: {}}", "nightly.control.lr", "default"),
        ("{control: 3}", "nightly.control", "{lr: 0.01}"),
        ("{seeds: 11}", "nightly.seeds", "at most 10"),
        ("{noise_seeds: 9}", "nightly.noise_seeds", "10"),
        ("{window: 3}", "nightly.window", "7"),
        ("{false_alarms: 0.5}", "nightly.false_alarms", "1 in 100"),
        ("{false_alarms: 1 in 0}", "nightly.false_alarms", "1 in 100"),
        ("{minimum_effect: -1}", "nightly.minimum_effect", "2%"),
        ("{minimum_effect: much}", "nightly.minimum_effect", "2%"),
        ("{time_zone: Europe/Berln}", "nightly.time_zone", "Europe/Berlin"),
        ("{when_running: kill}", "nightly.when_running", "wait"),
        ("{notify: {webhook: 'https://hooks.example/secret'}}", "nightly.notify.webhook", "environment"),
        ("{budget: {hours: 0}}", "nightly.budget.hours", "0"),
        ("{buget: 3}", "nightly.buget", "budget"),
    ],
)
def test_each_fault_names_its_place_and_cure(text: str, where: str, cure: str) -> None:
    fault = only_fault(f"{SMALL}nightly: {text}\n")
    assert fault.where == where
    assert fault.line == 5
    assert cure in fault.cure


def test_all_faults_come_at_once() -> None:
    found = faults_of(SMALL + "nightly: {seeds: 0, time_zone: nowhere, false_alarms: no}\nseed: -1\n")
    assert {fault.where for fault in found} == {"nightly.seeds", "nightly.time_zone", "nightly.false_alarms", "seed"}
