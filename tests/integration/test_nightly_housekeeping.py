"""Five nights of which two are kept: older checkpoints go, the bests stay and can be exported."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.nightly_kit import Project, tuner
from tuner.records.night import OK

SWEEP = """
name: own
task: digits
model: mlp
data: {limit: 300}
space: {lr: {float: [1.0e-3, 1.0e-1], log: true, default: 0.01}}
fixed: {depth: 1, width: 32, optimizer: adamw, batch_size: 32}
search: {algorithm: random, scheduler: none, trials: 3, max_epochs: 1, finalists: {top: 1, seeds: 1}}
nightly: {keep: 2}
checkpoints: {keep: 5}
tracking: {uri: none}
"""


@pytest.mark.slow
def test_old_checkpoints_go_and_each_best_can_be_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    project = Project(tmp_path, SWEEP)
    assert [project.night(day).verdict for day in range(5)] == [OK] * 5
    records = project.nights()
    kept = [{path.name for path in (project.runs / one.run / "checkpoints").iterdir()} for one in records]
    print(kept)
    searched = [{name for name in names if not name.startswith("control")} for names in kept]
    bests = [{one.best.trial} for one in records if one.best is not None]
    assert len(bests) == 5
    for number, (names, best) in enumerate(zip(searched, bests, strict=True)):
        roots = {name.partition("-")[0] for name in names}
        assert best <= roots
        # the first is the accepted night; the fifth's start tidied what was before the last two of four
        assert (roots == best) == (number == 1), f"night {number + 1}: {sorted(names)}"
    assert any("deleted the checkpoints of" in note for note in (*records[3].notes, *records[4].notes))
    code, out, error = tuner("export", records[1].run, "--out", tmp_path / "old")
    assert code == 0, error
    assert records[1].best is not None
    assert (tmp_path / "old").is_dir(), out
