"""A trial that fills its node until Ray's memory monitor ends its worker: Tune's own loop would end with it."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from drill_kit import end, finish, only_run, start

GIB = 2**30
ROOM = 3.0
"""GiB above what is used now: driver, Ray and one worker take some 2."""
GREED = 6.0

LOOP = f"""
    import time

    import numpy as np


    def loop(trial):
        held = []
        for epoch in range(1, trial.max_epochs + 1):
            if trial.config["greedy"] and epoch == 2:
                for _ in range({int(GREED * 8)}):
                    held.append(np.ones({GIB // 8 // 8}))
                    time.sleep(0.05)
            trial.report(epoch, train_loss=1.0 / epoch, val_loss=1.0 / epoch + 0.1 * trial.config["x"])
"""
SWEEP = """
    name: greedy
    loop: greedy:loop
    space:
      greedy: {choice: [false, true]}
      x: {choice: [1, 2]}
    search: {algorithm: grid, scheduler: none, max_epochs: 3, concurrency: 1}
    tracking: {uri: none}
"""


@pytest.mark.slow
def test_the_sweep_outlives_the_memory_monitor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = {row.split(":")[0]: int(row.split()[1]) * 1024 for row in Path("/proc/meminfo").read_text().splitlines()}
    total, free = memory["MemTotal"], memory["MemAvailable"]
    if free < (GREED + 2) * GIB:
        pytest.skip("too little memory is free to fill")
    monkeypatch.setenv("RAY_memory_usage_threshold", f"{(total - free + ROOM * GIB) / total:.4f}")
    monkeypatch.setenv("RAY_memory_monitor_refresh_ms", "100")
    (tmp_path / "greedy.py").write_text(textwrap.dedent(LOOP))
    (tmp_path / "greedy.yaml").write_text(textwrap.dedent(SWEEP))
    driver = start(tmp_path, "run", "greedy.yaml")
    try:
        finish(driver, tmp_path, seconds=600)
    finally:
        end(driver)
    record = only_run(tmp_path).record()
    ends = [(bool(t.config["greedy"]), t.ending, t.failure) for t in record.trials]
    assert ends == [(False, "completed", "")] * 2 + [(True, "failed", "out_of_memory")] * 2
    assert {t.attempt for t in record.trials if t.config["greedy"]} == {2}, "once more, as it may have been another"
    told = [t.reason for t in record.trials if t.config["greedy"]]
    assert all("short of memory with greedy True" in why and "exceeded threshold" in why for why in told)
    assert "out_of_memory" in [finding.symptom for finding in record.findings]
