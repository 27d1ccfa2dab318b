"""What is done about lost workers: how long a trial waits before it is tried again, and which nodes are avoided.

A trial goes on at once after its first loss and waits ever longer after each further one without a new epoch between,
so that a pre-emption that counts against nobody cannot turn into an endless loop at full speed. A node is avoided when
it has lost the workers of several trials while it lived on itself: one trial that kills its worker wherever it goes
says nothing of the node, and a node that is gone needs no avoiding. All of it follows from the journal's lines.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tuner.control.trials import LiveTrial
from tuner.records.epochs import EVICTED, LOST, PREEMPTED, STORAGE, Failure
from tuner.records.journal import Line

FIRST_WAIT_SECONDS = 10.0
"""After the second loss in a row; twice as long after each further one."""
LONGEST_WAIT_SECONDS = 300.0
WORKERS = 3
"""So many lost workers within `WINDOW_SECONDS` ..."""
TRIALS = 2
"""... of so many different trials, and their node is avoided."""
WINDOW_SECONDS = 3600.0
AVOIDED_SECONDS = 3600.0
"""How long it is left alone before it is tried again."""


def wait_seconds(in_a_row: int) -> float:
    """Before the next attempt of a trial that lost so many workers without a new epoch between."""
    if in_a_row < 2:
        return 0.0
    doublings = min(in_a_row - 2, 30)  # far above the longest wait, and no overflow
    return min(FIRST_WAIT_SECONDS * 2.0**doublings, LONGEST_WAIT_SECONDS)


@dataclass
class Nodes:
    """Which nodes lost which trials' workers, and until when each is avoided (Unix seconds)."""

    _lost: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    """Node -> (when, trial) of workers that were lost there lately."""
    _until: dict[str, float] = field(default_factory=dict)

    def avoided(self, now: float) -> tuple[str, ...]:
        return tuple(node for node, until in self._until.items() if now < until)

    def on_lost(self, line: Line) -> dict[str, Any] | None:
        """Take a `lost` line; returns the `avoid` line that follows from it, if one does. Also what a replay calls."""
        node = line.get("node")
        if node is None or line["failure"] not in (LOST, STORAGE) or line.get("node_gone"):
            return None
        now: float = line["at"]
        lately = [(at, trial) for at, trial in self._lost.get(node, []) if now - at < WINDOW_SECONDS]
        lately.append((now, line["trial"]))
        self._lost[node] = lately
        trials = sorted({trial for _, trial in lately})
        if len(lately) < WORKERS or len(trials) < TRIALS or now < self._until.get(node, now):
            return None
        self._until[node] = now + AVOIDED_SECONDS
        minutes = (now - lately[0][0]) / 60
        says = (
            f"node {node} lost {len(lately)} workers in {minutes:.3g} minutes (trials {', '.join(trials)}) and is "
            f"avoided for {AVOIDED_SECONDS / 60:g} minutes, as long as others have room"
        )
        return {"kind": "avoid", "at": now, "node": node, "trials": trials, "until": self._until[node], "reason": says}


def note_loss(live: LiveTrial, kind: str) -> None:
    """Count a lost worker; also what a replay calls."""
    live.losses += kind != PREEMPTED
    live.evictions += kind == EVICTED
    live.lost_in_a_row += 1


def lost_line(live: LiveTrial, failure: Failure) -> dict[str, Any]:
    return {
        "kind": "lost",
        "trial": live.trial,
        "attempt": live.attempt,
        "failure": failure.kind,
        "reason": failure.message,
        "traceback": failure.traceback,
    }
