"""A cluster of three nodes, started once for the session: a drill on nodes asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
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
