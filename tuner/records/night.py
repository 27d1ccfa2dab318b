"""A night as a record: what its control trials and its search came to, what it ran with, and what was said of it.

`ID.json` in the folder of a sweep's nights holds one; the verdict, the page, the history and MLflow read nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from tuner.errors import RunError
from tuner.records.values import Scalar, decode_number, encode_number

OK, REGRESSED, IMPROVED, NOISY = "OK", "REGRESSED", "IMPROVED", "NOISY"
INCOMPLETE, SKIPPED = "INCOMPLETE", "SKIPPED"
VERDICTS = (OK, REGRESSED, IMPROVED, NOISY, INCOMPLETE, SKIPPED)
STATES = (OK, REGRESSED, IMPROVED, INCOMPLETE)
"""What a NOISY or SKIPPED night leaves as it was."""
VERSION = 1


@dataclass(frozen=True, slots=True)
class ControlResult:
    """One training of the control configuration on one of its fixed seeds."""

    trial: str
    """`control-1`."""
    seed: int
    ending: str | None
    value: float | None
    """The metric at its best epoch; None where it has none. That of a diverged one does not count."""
    seconds_per_epoch: float | None = None
    """Median over its epochs, wall."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class NightBest:
    """The night's best configuration."""

    trial: str
    config: Mapping[str, Scalar]
    value: float
    """What it was chosen by: the mean over its further seeds, where there are some."""
    seeds: tuple[float, ...] = ()
    """Its values on further seeds."""
    verdict: str = "unknown"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a night ran with; differences explain a verdict, and keep no night from being compared."""

    code: Mapping[str, Any] | None = None
    """`commit`, `dirty`, and `diff`: a hash of what differs from the commit; None outside a repository."""
    data_hash: str | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    """Installed distribution -> version, Python among them."""
    machine: Mapping[str, str] = field(default_factory=dict)
    """`host`, `platform`, `device`."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Path in the sweep file -> value, as it was resolved for the night."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is otherwise than in the last good night."""

    kind: str
    """`code`, `data`, `configuration`, `packages` or `machine`."""
    what: str
    """`search.trials`, `torch`, `commits`."""
    old: str
    new: str
    details: tuple[str, ...] = ()
    """Of code: a line a commit, `1a2b3c4 Halve the learning rate (Ada)`, newest first."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What tonight's figures say, beside those of the reference."""

    verdict: str
    why: str
    """One sentence, with its numbers."""
    effect: float | None = None
    """How much worse the control is than the reference, in the metric's unit; below zero: better."""
    interval: tuple[float, float] | None = None
    """95 % interval of `effect`."""
    noise: float | None = None
    """Standard deviation of one control training, between seeds: a noise width."""
    threshold: float | None = None
    """The effect beyond which it is called worse (and, below minus this, better)."""
    reference: float | None = None
    """What the control came to in the reference."""
    tonight: float | None = None
    """What it came to tonight."""
    best_effect: float | None = None
    """How much worse the night's best is than those of the comparable nights."""
    by: str = ""
    """What decided: `controls`, `drift`, `best`, `failures`, or empty."""
    remarks: tuple[str, ...] = ()
    """What is otherwise than in the comparable nights without making a verdict: symptoms, speed, failures, cost."""


@dataclass(frozen=True, slots=True)
class NightRecord:
    """One night of one sweep."""

    id: str
    """`2026-11-21-7f3a9c21`: date, then a hash of configuration, code and data."""
    date: str
    """By the sweep file's time zone."""
    sweep: str
    run: str
    """Name of its run directory."""
    path: str
    metric: str
    mode: str
    max_epochs: int
    control: Mapping[str, Any]
    """All settings of the control configuration, by recorded name."""
    key: str
    """Nights with the same one are comparable: control configuration, task, metric, epochs, split."""
    controls: tuple[ControlResult, ...] = ()
    best: NightBest | None = None
    conditions: Conditions = field(default_factory=Conditions)
    judgement: Judgement = field(default_factory=lambda: Judgement(INCOMPLETE, "it has not ended"))
    changes: tuple[Change, ...] = ()
    """Since `since`."""
    since: str | None = None
    """The last good night before it, by its id."""
    reference: str | None = None
    """The accepted night, by its id; its own on the night that begins a history."""
    state: str = OK
    """What holds from this night on: one of STATES."""
    state_before: str | None = None
    """None on a first night."""
    trials: Mapping[str, int] = field(default_factory=dict)
    """Ending -> trials of the search, `total` among them."""
    verdicts: Mapping[str, int] = field(default_factory=dict)
    """The diagnosis of the search's trials."""
    seconds: float = 0.0
    """Wall, over all starts of the night."""
    training_seconds: float = 0.0
    gpu_hours: float = 0.0
    started_at: float = 0.0
    """Unix seconds."""
    ended_at: float | None = None
    notified: str | None = None
    """The state that was last delivered to whoever is notified, up to this night; None: none was."""
    notes: tuple[str, ...] = ()
    """What else a person should know: a notification that could not be delivered, checkpoints that were deleted."""

    @property
    def verdict(self) -> str:
        return self.judgement.verdict

    @property
    def changed_state(self) -> bool:
        """Whether people want to hear of it: a first night is no news unless something is wrong."""
        return self.state != (self.state_before or OK)

    def line(self) -> str:
        """The one line of the morning: `2026-11-21 fashion-cnn REGRESSED: …`."""
        return f"{self.date} {self.sweep} {self.verdict}: {self.judgement.why}"

    def to_json(self) -> dict[str, Any]:
        """Strict JSON: numbers that are not finite are words."""
        return {"version": VERSION, **_encoded(asdict(self))}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> NightRecord:
        """Raises RunError for a record of another version."""
        known = dict(data)
        version = known.pop("version", None)
        if version != VERSION:
            raise RunError(f"a night's record of version {version}: this tuner reads version {VERSION}")
        known["controls"] = tuple(ControlResult(**_decoded(ControlResult, item)) for item in known["controls"])
        best = known["best"]
        known["best"] = None if best is None else NightBest(**_decoded(NightBest, best))
        known["conditions"] = Conditions(**known["conditions"])
        known["judgement"] = Judgement(**_decoded(Judgement, known["judgement"]))
        known["changes"] = tuple(Change(**_decoded(Change, item)) for item in known["changes"])
        known["notes"] = tuple(known["notes"])
        names = {item.name for item in fields(cls)}
        return cls(**{name: value for name, value in known.items() if name in names})


def _encoded(value: Any) -> Any:
    if isinstance(value, float):
        return encode_number(value)
    if isinstance(value, Mapping):
        return {str(name): _encoded(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_encoded(inner) for inner in value]
    return value


_NUMBERS = ("value", "effect", "noise", "threshold", "reference", "tonight", "best_effect", "seconds_per_epoch")


def _decoded(kind: type, item: Mapping[str, Any]) -> dict[str, Any]:
    """Lists as tuples, and words for numbers that are not finite as numbers again."""
    out: dict[str, Any] = {}
    for name, value in item.items():
        if isinstance(value, list):
            out[name] = tuple(decode_number(inner) if name in ("seeds", "interval") else inner for inner in value)
        elif name in _NUMBERS and value is not None and kind is not Change:
            out[name] = decode_number(value)
        else:
            out[name] = value
    return out
