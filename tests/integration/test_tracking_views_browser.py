"""The saved views in MLflow's own page: what a trial's curve shows stands beside its name, and the curves come first.

Needs Chromium on the machine and `playwright` in the environment.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow_server import HOST, free_port, server, until_it_answers
from tracking_kit import JournalBuilder, overfitting

from tuner import tracking
from tuner.tracking.view import BEST_FIRST, BY_VERDICT, address

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]

FROM_LEFT_TO_RIGHT = """
names => {
    const left = names.map(
        name => document.querySelector(".ag-header-cell[col-id$='`" + name + "`']")?.getBoundingClientRect().x
    );
    return left.every((x, at) => x !== undefined && (at === 0 || left[at - 1] < x));
}
"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


@pytest.fixture
def page() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 2000, "height": 1000})
        page.set_default_timeout(60_000)
        yield page
        browser.close()


@pytest.mark.slow
def test_the_overfitted_trials_are_found_in_both_views_and_their_curves_drawn(tmp_path: Path, page: Any) -> None:
    journal = JournalBuilder(tmp_path / "runs")
    journal.sweep().driver().trial(1, 3).suggest(0).start(0)
    for epoch in (1, 2, 3):
        journal.report(0, epoch)
    journal.ending(0, "completed", diagnosis=overfitting()).end()
    port = free_port()
    with server(port, tmp_path):
        until_it_answers(port)
        root = f"http://{HOST}:{port}/"
        state = tracking.track(journal.directory, root.rstrip("/"), "digits")
        assert state.experiment_id is not None

        def opened(key: str, charts: bool = False) -> None:
            page.goto("about:blank")
            page.goto(root + address(state.experiment_id, key, charts=charts))

        opened(BEST_FIRST)
        page.get_by_text("Trials, best first").wait_for()
        page.get_by_role("gridcell", name="overfitting", exact=True).wait_for()
        page.wait_for_function(FROM_LEFT_TO_RIGHT, arg=["tuner.verdict", "best_val_loss", "last_val_loss", "seconds"])
        opened(BY_VERDICT)
        page.get_by_text("Group: overfitting").wait_for()
        opened(BEST_FIRST, charts=True)
        page.get_by_text("train_loss vs val_loss").first.wait_for()
        assert page.get_by_text("best_epoch").count() == 0
