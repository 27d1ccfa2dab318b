"""A cluster of three nodes, started once for the session: a drill on nodes asks for it. A browser, once a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from browser_kit import ARGUMENTS, CHROMIUM
from cluster_kit import Nodes


@pytest.fixture(scope="session")
def started_nodes() -> Iterator[Nodes]:
    nodes = Nodes()
    yield nodes
    nodes.close()


@pytest.fixture
def nodes(started_nodes: Nodes) -> Nodes:
    """Two worker nodes, whatever the test before has done to them."""
    return started_nodes.whole()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Playwright's Chromium; once a file, since its event loop must not outlive the tests that ask for it."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()
