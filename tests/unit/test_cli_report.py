"""`tuner report` draws all that the sweep's own end drew."""

from __future__ import annotations

import json
from pathlib import Path

from report_records import four_endings

from tuner.cli.report import command


def test_the_report_that_is_drawn_again_keeps_the_pictures(tmp_path: Path) -> None:
    """It came out without them, and replaced the one that had them."""
    run = tmp_path / "run"
    (run / "pictures").mkdir(parents=True)
    (run / "pictures" / "confusion_matrix.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (run / "sweep.yaml").write_text("name: x\n")
    (run / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in four_endings().lines))
    command(str(run), tmp_path / "out.html", tmp_path)
    page = (tmp_path / "out.html").read_text()
    assert (
        "<figcaption>confusion_matrix.svg</figcaption>" in page or "<figcaption>confusion matrix</figcaption>" in page
    )
    assert '<a href="#pictures">' in page
