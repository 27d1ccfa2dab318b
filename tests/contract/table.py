"""What passes what: `python -m tests.contract.table` runs the conformance suites and prints their tables.

One column for each searcher or scheduler, one row for each thing that is asked of it; then every pair of the two,
killed at twenty random lines of the journal. Anything after the name goes to pytest (`-m "not slow"` leaves out what
takes minutes).
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SAID = {"passed": "yes", "failed": "NO", "skipped": "-"}

Cells = dict[tuple[str, str], str]
"""(row, column) -> what came of it."""


class Outcomes:
    """Collects outcomes as pytest reports them."""

    def __init__(self) -> None:
        self.tables: dict[str, Cells] = defaultdict(dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and not (report.when == "setup" and report.outcome != "passed"):
            return
        pair = re.search(r"\[(\w+)-(\w+)\]$", report.nodeid)
        suite = re.search(r"test_(\w+)\.py::Test(\w+)::test_(\w+)", report.nodeid)
        said = SAID[report.outcome]
        if pair:
            self.tables["killed twenty times"][pair[1], pair[2]] = said
        elif suite:
            self.tables[suite[1]][suite[3].replace("_", " "), suite[2]] = said


def table(title: str, cells: Cells) -> str:
    """Markdown; rows and columns in the order in which they came."""
    rows, columns = list(dict.fromkeys(row for row, _ in cells)), list(dict.fromkeys(column for _, column in cells))
    out = ["| " + " | ".join([title, *columns]) + " |", "|---" * (len(columns) + 1) + "|"]
    for row in rows:
        found = [cells.get((row, column), "-") for column in columns]
        out.append("| " + " | ".join([row, *found]) + " |")
    return "\n".join(out)


def main() -> int:
    outcomes = Outcomes()
    code = pytest.main([str(HERE), "-q", "--no-header", "--timeout", "900", *sys.argv[1:]], plugins=[outcomes])
    for title, cells in outcomes.tables.items():
        print("\n" + table(title, cells))
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
