"""The sections of a sweep file: unknown keys refused, nothing changes after reading, each field says what it is.

The schema for editors is made from these. What has a grammar of its own (`metric`, `space`, `fixed`, `algorithm`,
`scheduler`, `enqueue`, `warm_start`, `target`, `memory`) is read beside them and stands here as `Any`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

STRICT = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True, allow_inf_nan=False)

DEFAULT_TRIALS = 64
DEFAULT_ALGORITHM, DEFAULT_SCHEDULER = "rung_tpe", "asha_promotion"
"""What won in `benchmarks/search_replay.py`."""


class DataSection(BaseModel):
    """Where the data lies: `data` in a sweep file."""

    model_config = STRICT

    dir: str | None = Field(default=None, min_length=1)
    """Folder that holds the task's files; TUNER_DATA in the environment; left out: the task's own place."""
    processes: int = Field(default=0, ge=0)
    """Processes of each worker that load the batches of a Dataset of your own; 0: the worker itself."""
    limit: int | None = Field(default=None, ge=1)
    """Examples to use at most, all splits together; left out: all."""
    seed: int | None = Field(default=None, ge=0, lt=2**32)
    """From which the division into training, validation and test is drawn; left out: the sweep's seed."""


class FinalistsSection(BaseModel):
    """The best configurations, trained again when the search is over: `search.finalists` in a sweep file."""

    model_config = STRICT

    top: int = Field(default=5, ge=1)
    """Configurations that are trained again, the best ones by their first value."""
    seeds: int = Field(default=3, ge=1)
    """Further seeds that each of them is trained on to its end; the winner has the best mean of these."""


class SearchSection(BaseModel):
    """How configurations are chosen and how long they may train: `search` in a sweep file."""

    model_config = STRICT

    algorithm: Any = DEFAULT_ALGORITHM
    """Who proposes configurations: a name, or a name with its options, `{rung_tpe: {startup: 10}}`."""
    scheduler: Any = DEFAULT_SCHEDULER
    """Who prunes at the rungs: a name, or `{asha_promotion: {grace: 1}}`; `none` trains every trial to its end."""
    trials: int | None = Field(default=None, ge=1)
    """Configurations to try, the pruned ones included; left out: 32, and with `grid` every point of it."""
    max_epochs: int = Field(default=27, ge=1)
    """Epochs of a trial that is never pruned; a schedule's horizon."""
    doomed: bool = True
    """Whether the diagnosis ends trials that are surely lost. A loss gone NaN always ends its trial."""
    concurrency: int | None = Field(default=None, ge=1)
    """Trials at once; left out: as many as the resources allow."""
    enqueue: Any = ()
    """Configurations to try first, each with recorded names (`optimizer.sgd.momentum`) or nested as in `fixed`."""
    warm_start: Any = ()
    """Earlier runs whose trials, where they lie in the space, the searcher is told before its first one."""
    repeats: int = Field(default=1, ge=1)
    """Seeds that each configuration is trained on which comes to its end; its value is the mean of these."""
    finalists: FinalistsSection | None = None
    """The best configurations are trained again on further seeds: `{top: 5, seeds: 3}`; left out: none."""


class StopSection(BaseModel):
    """What ends the sweep cleanly before its last trial, whichever comes first: `stop` in a sweep file."""

    model_config = STRICT

    hours: float | None = Field(default=None, gt=0)
    """Wall hours of one start of the sweep; left out: no limit."""
    target: Any = Field(default_factory=dict)
    """Metric and the value that is good enough: `{val_loss: 0.20}`."""


class ResourcesSection(BaseModel):
    """What each worker of a trial is given, and how many workers a trial has: `resources` in a sweep file."""

    model_config = STRICT

    cpu: float = Field(default=1, gt=0)
    """CPU cores, which are the threads of its arithmetic too."""
    gpu: float = Field(default=0, ge=0)
    """GPUs; 0.25 puts four trials on one."""
    workers: int = Field(default=1, ge=1)
    """Workers that train one trial together, each with the CPUs, GPUs and memory said here. The batch is global:
    `batch_size` examples a step over all of them, so a trial's curve does not depend on how many there are."""
    memory: Any = None
    """Memory to keep free for it: bytes, or text with a unit, `4GB`; left out: not counted."""
    accelerator: str | None = Field(default=None, min_length=1)
    """Kind of GPU by Ray's name, `A100`; left out: any."""
    custom: dict[str, float] = Field(default_factory=dict)
    """Resources by the names that nodes were given them by when Ray was started there, and amounts: `{license: 1}`."""


class RetriesSection(BaseModel):
    """What happens to trials whose worker is lost: `retries` in a sweep file."""

    model_config = STRICT

    times: int = Field(default=2, ge=0)
    """Lost workers or nodes that a trial survives, going back to its last checkpoint. A node that is known to have been
    taken away (a spot instance) does not count."""
    silent_minutes: float | None = Field(default=30.0, gt=0)
    """Minutes without a sign of life after which a trial is ended as failed; null: never."""


class CheckpointsSection(BaseModel):
    """What is kept of trained weights: `checkpoints` in a sweep file."""

    model_config = STRICT

    keep: int = Field(default=3, ge=1)
    """Trials whose best checkpoint is kept, the best ones; each live trial's last is kept besides."""
    every: int = Field(default=1, ge=1)
    """Epochs between two checkpoints of a trial; a lost worker costs at most so many."""


class TrackingSection(BaseModel):
    """Where MLflow records the sweep: `tracking` in a sweep file."""

    model_config = STRICT

    uri: str | None = Field(default=None, min_length=1)
    """MLflow's tracking URI; MLFLOW_TRACKING_URI in the environment; left out: mlflow.db beside `runs`.
    `none` records nothing."""
    experiment: str | None = Field(default=None, min_length=1)
    """MLflow's experiment; MLFLOW_EXPERIMENT_NAME in the environment; left out: the sweep's name."""
    curves: Literal["all", "top", "none"] = "all"
    """Whose metrics are recorded epoch by epoch; `top`: the best ones' and a few of each symptom, when they end."""
    system_metrics: bool = False
    """Processor, memory, disk, network and GPUs of the driver's machine, every ten seconds."""


class BudgetSection(BaseModel):
    """What a night may cost: `nightly.budget` in a sweep file. It holds for the whole night, resumed or not."""

    model_config = STRICT

    hours: float | None = Field(default=None, gt=0)
    """Wall hours; the search ends early enough for the finalists. Left out: `stop.hours`, else no limit."""
    gpu_hours: float | None = Field(default=None, gt=0)
    """Hours of training times the GPUs that it held; left out: no limit."""
    trials: int | None = Field(default=None, ge=1)
    """Configurations to try in a night; left out: `search.trials`."""


class NotifySection(BaseModel):
    """Who is told when a night changes the state: `nightly.notify` in a sweep file."""

    model_config = STRICT

    webhook: str | None = Field(default=None, min_length=1)
    """Name of the environment variable that holds the address: Slack's, or any that takes JSON by POST."""
    command: str | None = Field(default=None, min_length=1)
    """A command that gets the night as JSON on standard input."""


class NightlySection(BaseModel):
    """The sweep as one of every night, `tuner nightly`: `nightly` in a sweep file."""

    model_config = STRICT

    control: Any = None
    """The configuration of the control trials at first; left out: the space's defaults, else the first night's best."""
    seeds: int = Field(default=3, ge=1)
    """Fixed seeds that the control is trained on every night, before the search."""
    noise_seeds: int = Field(default=10, ge=10)
    """Fixed seeds that the noise is measured on, and that an unusual night is confirmed on, those above among them."""
    budget: BudgetSection = Field(default_factory=BudgetSection)
    window: int = Field(default=14, ge=7, le=60)
    """Comparable nights that tonight is compared with, the last ones."""
    minimum_effect: Any = None
    """The smallest change that matters: of the metric in its unit, `0.01`, or of the reference, `2%`."""
    false_alarms: Any = 0.01
    """Quiet nights that may be called REGRESSED: `1 in 100 nights`, or 0.01."""
    time_zone: str = "UTC"
    """Whose date a night has: `Europe/Berlin`."""
    keep: int = Field(default=14, ge=1)
    """Nights whose checkpoints are all kept; of older ones the best trial's are."""
    notify: NotifySection = Field(default_factory=NotifySection)
    when_running: Literal["skip", "wait"] = "skip"
    """What a second start does while a night of this sweep runs."""


class SweepFile(BaseModel):
    """A sweep file: one search over one space, made of trials."""

    model_config = STRICT

    name: str | None = Field(default=None, min_length=1, max_length=200)
    """Free text; the run directory's name is made of it. Left out: the file's name."""
    task: str | None = Field(default=None, min_length=1)
    """What is to be learnt: a name from the catalogue, or `my_package.tasks:Churn`."""
    loop: str | None = Field(default=None, min_length=1)
    """Your own training function in place of `task`: `my_package.train:loop`."""
    model: str | None = Field(default=None, min_length=1)
    """The network, unless it is in the space: a name from the catalogue, or your own `my_package.nets:build`."""
    data: DataSection = Field(default_factory=DataSection)
    metric: Any = "val_loss"
    """What to optimise: a name that ends in `_loss` (lower is better), or `{name: val_accuracy, mode: max}`."""
    space: Any
    """What may be tried: parameter by parameter."""
    fixed: Any = Field(default_factory=dict)
    """Parameters that are the same in every trial."""
    search: SearchSection = Field(default_factory=SearchSection)
    stop: StopSection = Field(default_factory=StopSection)
    resources: ResourcesSection = Field(default_factory=ResourcesSection)
    retries: RetriesSection = Field(default_factory=RetriesSection)
    checkpoints: CheckpointsSection = Field(default_factory=CheckpointsSection)
    storage: str | None = Field(default=None, min_length=1)
    """Where runs are kept: a folder; or a URI that every node reaches, `s3://BUCKET/FOLDER`, beside a copy in `runs`.
    Left out: `runs`."""
    tracking: TrackingSection = Field(default_factory=TrackingSection)
    nightly: NightlySection = Field(default_factory=NightlySection)
    seed: int = Field(default=0, ge=0, lt=2**32)
    """From which all that is random is drawn: suggestions, weights, data order, split."""


SECTIONS = ("data", "search", "stop", "resources", "retries", "checkpoints", "tracking", "nightly")
"""Those that are mappings."""
