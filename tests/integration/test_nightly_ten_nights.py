"""Ten nights of a user's own loop, with a learning-rate bug committed before the sixth and mended before the ninth."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.integration.nightly_kit import SWEEP, TOLD, Project, control_values, webhook
from tuner.records.night import OK, REGRESSED

BROKEN, MENDED = 6, 9


@pytest.mark.slow
def test_ten_nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(tmp_path, SWEEP + TOLD)
    monkeypatch.chdir(tmp_path)
    began = time.process_time()
    with webhook() as (address, sent):
        told = []
        for night in range(1, 11):
            if night == BROKEN:
                project.change("LR_SCALE = 1.0", "LR_SCALE = 0.1", "Warm up slowly")
            elif night == MENDED:
                project.change("LR_SCALE = 0.1", "LR_SCALE = 1.0", "Take the slow warm-up out")
            elif night in (3, 8):
                project.commit(f"Nothing that matters, {night}")
            told.append(project.night(night, environ={"NIGHT_HOOK": address}))
            print(told[-1].line)
    print(f"{(time.process_time() - began) / 10:.1f} s of CPU a night")
    broken = range(BROKEN, MENDED)
    assert [one.verdict for one in told] == [REGRESSED if night in broken else OK for night in range(1, 11)]
    assert [one.exit_code for one in told] == [4 if night in broken else 0 for night in range(1, 11)]
    records = project.nights()
    assert [record.id for record in records] == [one.record.id for one in told if one.record is not None]
    quiet = [control_values(record) for night, record in enumerate(records, 1) if night not in broken]
    assert len(quiet[0]) == 10, "the first night measures the noise"
    assert all(values.items() <= quiet[0].items() for values in quiet), "bit for bit the same"
    assert all(len(values) >= 3 for values in quiet)
    sixth = records[BROKEN - 1]
    assert sixth.since == records[BROKEN - 2].id
    assert [(one.kind, one.what) for one in sixth.changes] == [("code", "commits")]
    page = (project.runs / "own-nights" / f"{sixth.id}.html").read_text()
    assert "Warm up slowly (Ada)" in page
    assert "Warm up slowly (Ada)" in (project.runs / "own-nights" / f"{sixth.id}.md").read_text()
    assert [(one["night"]["id"], one["night"]["verdict"]) for one in sent] == [
        (sixth.id, REGRESSED),
        (records[MENDED - 1].id, OK),
    ]
    assert "Warm up slowly" in sent[0]["text"]
