"""A sweep of which one corner does not fit into memory: it goes on, its worker too, and it says which corner."""

from __future__ import annotations

import io
import json
import textwrap
from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

import tuner
from tuner.report.terminal import final, show

LIMIT = 64 * 16
NETS = f"""
    import os
    from pathlib import Path

    import torch
    from torch import nn

    BUILT = Path(__file__).with_name("built.txt")


    class Short(nn.Module):
        def __init__(self, inputs, width):
            super().__init__()
            self.width = width
            self.layers = nn.Sequential(nn.Flatten(), nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, 10))

        def forward(self, x):
            if self.training and len(x) * self.width > {LIMIT}:
                raise torch.OutOfMemoryError(
                    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 4.00 GiB of which "
                    "1.25 GiB is free."
                )
            return self.layers(x)


    def build(task, width):
        with BUILT.open("a") as file:
            file.write(f"{{os.getpid()}}\\n")
        return Short(64, width)
"""
SWEEP = """
    name: short
    task: digits
    model: nets_short:build
    data: {limit: 300}
    space:
      lr: {float: [1.0e-3, 1.0e-1], log: true}
      batch_size: {choice: [16, 32, 64]}
      width: {int: [4, 128], log: true}
    search: {algorithm: random, scheduler: none, trials: 24, max_epochs: 1, concurrency: 1, doomed: false}
    tracking: {uri: none}
    seed: 1
"""


def swept(folder: Path, monkeypatch: pytest.MonkeyPatch, address: str | None) -> tuner.Result:
    (folder / "nets_short.py").write_text(textwrap.dedent(NETS))
    (folder / "short.yaml").write_text(textwrap.dedent(SWEEP))
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    return tuner.run("short.yaml", address=address, runs=folder / "runs")


def check(result: tuner.Result, folder: Path) -> None:
    """What holds on every launcher."""
    short = [t for t in result.record.trials if int(t.config["batch_size"]) * int(t.config["width"]) > LIMIT]
    failed = [t for t in result.record.trials if t.ending == "failed"]
    assert result.status == "finished"
    assert 5 <= len(failed) <= 15
    assert [t.trial for t in failed] == [t.trial for t in short]
    assert {t.ending for t in result.record.trials if t not in failed} == {"completed"}
    for t in failed:
        asked = f"batch_size {t.config['batch_size']} and nets_short:build width {t.config['width']} ("
        assert t.failure == "out_of_memory"
        assert asked in t.reason
        assert t.reason.endswith(" weights): 2.00 GiB more asked for, 1.25 GiB of 4.00 GiB free on the GPU")
    pids = (folder / "built.txt").read_text().split()
    assert len(pids) == 24
    assert len(set(pids)) == 1, "what ran out of memory left its worker usable"

    (finding,) = [f for f in result.record.findings if f.symptom == "out_of_memory"]
    assert "batch_size × width" in finding.says
    assert finding.evidence["largest_that_fits"] <= LIMIT < finding.evidence["failed_from"]
    summary = json.loads((result.directory.path / "summary.json").read_text())
    assert summary["trials"]["failed"] == len(failed)
    assert "ran out of memory" in (result.directory.path / "report.html").read_text()
    drawn = io.StringIO()
    show(final(result.record), drawn, width=400)
    assert finding.says in drawn.getvalue()

    storage = JournalStorage(JournalFileBackend(str(result.directory.path / "study.log")))
    (name,) = [one.study_name for one in optuna.get_all_study_summaries(storage)]
    told = {t.number: t for t in optuna.load_study(study_name=name, storage=storage).trials}
    for t in failed:
        assert told[t.number].state == optuna.trial.TrialState.PRUNED, "FAIL would be forgotten by the searcher"
        assert [value != value for value in told[t.number].intermediate_values.values()] == [True]


def test_in_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(swept(tmp_path, monkeypatch, "none"), tmp_path)


@pytest.mark.slow
def test_on_ray_the_same_actor_trains_the_next_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local_ray: None
) -> None:
    check(swept(tmp_path, monkeypatch, None), tmp_path)
