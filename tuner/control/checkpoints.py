"""Which checkpoints are kept: the best k configurations' best ones, and the last one of each trial that may go on.

A configuration that was trained on several seeds keeps one: that of its best training. It stands before those that were
not, by its mean, so that the winner's weights are there; while finalists are still being trained, all of them are kept.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tuner.records.journal import Line
from tuner.records.run_directory import RunDirectory
from tuner.records.trial import COMPLETED, CONTROL, DOOMED, INTERRUPTED, PRUNED
from tuner.records.values import decode_number


class CheckpointKeeper:
    """Follows the journal's lines and removes what no longer counts. Built anew on resume from the same lines."""

    def __init__(
        self, directory: RunDirectory, keep: int, mode: str, drop: Callable[[str, bool], None] | None = None
    ) -> None:
        """`drop`: told a trial, and whether its last checkpoint alone is to go, where they lie on storage too."""
        self._directory, self._keep, self._elsewhere = directory, keep, drop
        self._sign = 1.0 if mode == "min" else -1.0
        self._there: dict[str, list[tuple[float, str]]] = {}
        """Configuration, by its first trial -> (oriented value, training) of those with a checkpoint, best first."""
        self._value: dict[str, float] = {}
        """Oriented, of every trial that may count."""
        self._again: dict[str, _Again] = {}
        self._of: dict[str, str] = {}
        """Training on a further seed -> its configuration."""
        self._controls: set[str] = set()
        """Trained for their value alone: their weights are nobody's best."""
        self._finalists: tuple[str, ...] = ()
        self._final_seeds = 0
        self._repeats = 1
        self._survived: set[str] = set()
        """Those that came to their end on their first seed: with repeats they get others."""

    def lines(self, lines: Sequence[Line]) -> None:
        for line in lines:
            kind = line["kind"]
            if kind == "ending" and line["ending"] != INTERRUPTED:
                self._on_ending(line)
            elif kind == "sweep":
                self._repeats = line.get("repeats", 1)
            elif kind == CONTROL:
                self._controls.add(line["trial"])
            elif kind == "further_seed":
                self._of[line["trial"]] = line["of"]
                again = self._again.setdefault(line["of"], _Again(counts_first=line["origin"] != "finalist"))
                again.begun += 1
            elif kind == "finalists":
                self._finalists, self._final_seeds = tuple(line["trials"]), line["seeds"]
            elif kind == "suggestion":
                self._finalists = ()

    def _on_ending(self, line: Line) -> None:
        trial: str = line["trial"]
        root: str = self._of.get(trial, trial)
        again = self._again.get(root)
        if trial == root and line["ending"] == COMPLETED:
            self._survived.add(root)
        if trial in self._controls:
            self._remove(trial)
            return
        if line["ending"] not in (COMPLETED, PRUNED) or line["value"] is None:
            self._remove(trial)
        else:
            self._value[trial] = self._sign * decode_number(line["value"])
            there = [one for one in self._there.get(root, []) if one[1] != trial]  # one that goes on ends again
            self._there[root] = sorted([*there, (self._value[trial], trial)])
            if not line.get("paused"):
                self._remove_last(trial)
        if again is not None and trial != root:
            again.ended += 1
            again.diverged |= line["ending"] == DOOMED
            again.values += [self._value[trial]] if trial in self._value else []
        self._drop()

    def _drop(self) -> None:
        """All but the best training of each configuration, and of the configurations all but the best."""
        for there in self._there.values():
            for _, trial in there[1:]:
                self._remove(trial)
            del there[1:]
        ended = {root for root in self._there if root not in self._under_way()}
        for root in sorted(ended, key=self._rank)[self._keep :]:
            self._remove(self._there.pop(root)[0][1])

    def _under_way(self) -> set[str]:
        """Configurations whose further seeds are being trained, or are to be."""
        found = {root for root in self._there if self._ended(root) < self._wanted(root)}
        if any(self._ended(root) < self._final_seeds for root in self._finalists):
            found |= set(self._finalists)
        return found

    def _ended(self, root: str) -> int:
        again = self._again.get(root)
        return 0 if again is None else again.ended

    def _wanted(self, root: str) -> int:
        again = self._again.get(root)
        repeats = self._repeats - 1 if root in self._survived else 0
        return repeats if again is None else max(repeats, again.begun)

    def _rank(self, root: str) -> tuple[bool, float, str]:
        again, (value, _) = self._again.get(root), self._there[root][0]
        values = [] if again is None else again.values
        if again is None or again.diverged or not values:
            return True, math.inf if again is not None and again.diverged else value, root
        counted = [self._value[root], *values] if again.counts_first else values
        return False, math.fsum(counted) / len(counted), root

    def _remove_last(self, trial: str) -> None:
        """Only the best one can still be asked for. A loop of the user's own may have kept none at its best epoch."""
        if self._elsewhere is not None:
            self._elsewhere(trial, True)
        folder = self._directory.trial_checkpoints(trial)
        (folder / "last.pt").unlink(missing_ok=True)
        if any(folder.glob("best*")):
            for path in folder.glob("last-*"):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()

    def _remove(self, trial: str) -> None:
        if self._elsewhere is not None:
            self._elsewhere(trial, False)
        shutil.rmtree(self._directory.trial_checkpoints(trial), ignore_errors=True)


@dataclass
class _Again:
    """A configuration's trainings on further seeds."""

    counts_first: bool
    """Whether the first one's value counts for the mean: it does where it did not choose the configuration."""
    begun: int = 0
    ended: int = 0
    diverged: bool = False
    values: list[float] = field(default_factory=list)
    """Oriented."""
