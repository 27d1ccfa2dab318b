"""What the follower asks of MLflow, and the three ways in which MLflow may fail to do it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tuner.errors import RunError

if TYPE_CHECKING:
    from tuner.tracking.best_model import BestModel

RUNNING, FINISHED, KILLED, FAILED = "RUNNING", "FINISHED", "KILLED", "FAILED"
LONGEST_DIGEST = 36
"""Characters of a dataset's digest that MLflow keeps."""


class StoreProblem(RunError):
    """MLflow cannot be reached or does not take it now: wait, and try the same again."""


class Rejected(RunError):
    """MLflow refuses these very values: trying again would not help, the rest can go on."""


class RunGone(RunError):
    """Somebody deleted this MLflow run: that is their wish, it is left alone."""


class Point(NamedTuple):
    """One value of one metric. The time comes from the journal, so that the same point sent twice is one point."""

    name: str
    value: float
    step: int
    """An epoch."""
    at: int
    """Unix milliseconds."""


@dataclass
class MlflowRun:
    """An MLflow run as far as the follower knows what it holds."""

    run_id: str
    status: str = RUNNING
    tags: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    gone: bool = False
    """Deleted by somebody."""
    closed_at: float | None = None
    """The ending (Unix seconds) whose closing values were sent."""
    unsure: bool = False
    """It may hold points that the follower does not remember to have sent."""


@dataclass(frozen=True)
class ModelPlace:
    """Where a model belongs and what is said of it."""

    name: str
    run_id: str
    """Whose model it is: the sweep's run for the best one, else the trial's."""
    trained_by: str | None
    """The run of the trial that kept the weights, if there is one: its page links the model too."""
    values: Sequence[Point] = ()
    """Of that trial, which are also the model's."""


class Store(Protocol):
    """An MLflow store. Every method raises StoreProblem, those on one run also RunGone, `write` also Rejected."""

    def experiment(self, name: str) -> str:
        """The id of the experiment of that name, made where there is none."""

    def find(self, experiment_id: str, run: str) -> Mapping[str, Sequence[MlflowRun]]:
        """All MLflow runs of this tuner run, also deleted ones: by trial, the parent under the empty name."""

    def create(self, experiment_id: str, name: str, at: int, tags: Mapping[str, str]) -> str:
        """A new MLflow run, begun `at` (Unix ms); its id."""

    def write(
        self,
        run_id: str,
        points: Sequence[Point],
        params: Mapping[str, str],
        tags: Mapping[str, str],
        drop: Collection[str] = (),
    ) -> None:
        """Everything of one MLflow run in as few requests as possible; `drop` are tags to delete."""

    def steps(self, run_id: str, names: Collection[str]) -> Mapping[str, Collection[int]]:
        """The steps that each of these metrics has already."""

    def set_status(self, run_id: str, status: str, at: int) -> None:
        """The status, and the end (Unix ms) for one that has ended."""

    def dataset(self, run_id: str, name: str, digest: str, source: str, profile: Mapping[str, object]) -> None:
        """What the run was trained on."""

    def artifact(self, run_id: str, path: Path, folder: str = "") -> None:
        """A copy of the file, in the run's artifacts."""

    def model(self, experiment_id: str, place: ModelPlace, best: BestModel) -> None:
        """The network as a model, found by its tags where it is there. May raise Rejected."""

    def tag_experiment(self, experiment_id: str, tags: Mapping[str, str]) -> None:
        """Tags of the experiment itself. May raise Rejected, also where this user may not set any."""

    def delete(self, run_id: str) -> None:
        """Takes a double away."""
