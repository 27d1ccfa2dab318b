"""What a sweep does every night: `nightly`, with a control configuration of the space and numbers with words."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from tuner.records.values import Config
from tuner.space import Space, did_you_mean
from tuner.sweep.enqueue import read_configuration
from tuner.sweep.sections import BudgetSection, NightlySection, NotifySection
from tuner.sweep.tree import Entry, Faults, Leaf, Table, plain, shown
from tuner.sweep.validated import entry_at

_ONE_IN = re.compile(r"\s*(\d+)\s+in\s+(\d+)(?:\s+nights?)?\s*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PER_CENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")
FALSE_ALARMS = 0.01
MOST_FALSE_ALARMS = 0.2


@dataclass(frozen=True, slots=True)
class Nightly:
    """Read and checked; as it is without the section, too."""

    control: Config | None = None
    """What the control trials train at first; None: the defaults, else the first night's best."""
    seeds: int = 3
    noise_seeds: int = 10
    budget: BudgetSection = field(default_factory=BudgetSection)
    window: int = 14
    minimum_effect: float | None = None
    """In the metric's unit."""
    minimum_share: float | None = None
    """Of the reference, 0.02 for `2 %`."""
    false_alarms: float = FALSE_ALARMS
    """Share of quiet nights that may be called REGRESSED."""
    time_zone: str = "UTC"
    keep: int = 14
    notify: NotifySection = field(default_factory=NotifySection)
    when_running: str = "skip"

    def as_mapping(self) -> dict[str, Any]:
        """As the file would hold it; empty where nothing is otherwise than without the section."""
        plain_one = Nightly()
        share = None if self.minimum_share is None else f"{self.minimum_share * 100:.10g}%"
        found: dict[str, Any] = {
            "control": None if self.control is None else dict(self.control),
            "budget": self.budget.model_dump(exclude_none=True) or None,
            "minimum_effect": share if self.minimum_effect is None else self.minimum_effect,
            "notify": self.notify.model_dump(exclude_none=True) or None,
        }
        for name in ("seeds", "noise_seeds", "window", "false_alarms", "time_zone", "keep", "when_running"):
            if getattr(self, name) != getattr(plain_one, name):
                found[name] = getattr(self, name)
        return {name: value for name, value in found.items() if value is not None}


def read_nightly(section: NightlySection, tree: Table, space: Space | None, faults: Faults) -> Nightly:
    """`section` has what is plain; `tree` the places. What is at fault is left as it is without the section."""
    found = Nightly(
        seeds=section.seeds,
        noise_seeds=section.noise_seeds,
        budget=section.budget,
        window=section.window,
        time_zone=section.time_zone,
        keep=section.keep,
        notify=section.notify,
        when_running=section.when_running,
    )
    if section.seeds > section.noise_seeds:
        cure = f"at most {section.noise_seeds}, the seeds that the noise is measured on (nightly.noise_seeds)"
        _fault("seeds", section.seeds, cure, tree, faults)
    webhook = section.notify.webhook
    if webhook is not None and not _VARIABLE.fullmatch(webhook):  # an address is a secret: it is not repeated here
        cure = (
            "write the name of the environment variable that holds the address: SLACK_WEBHOOK, not the address itself"
        )
        found = replace(found, notify=NotifySection(command=section.notify.command))
        entry = entry_at(tree, ["nightly", "notify", "webhook"]) or entry_at(tree, ["nightly"])
        assert entry is not None
        faults.add("nightly.notify.webhook", None, cure, entry.place)
    _check_zone(section.time_zone, tree, faults)
    control = entry_at(tree, ["nightly", "control"])
    if control is not None and not _is_null(control):
        found = replace(found, control=read_configuration(control, space, "nightly.control", faults))
    found = replace(found, false_alarms=_false_alarms(entry_at(tree, ["nightly", "false_alarms"]), faults))
    effect, share = _minimum(entry_at(tree, ["nightly", "minimum_effect"]), faults)
    return replace(found, minimum_effect=effect, minimum_share=share)


def _check_zone(name: str, tree: Table, faults: Faults) -> None:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        _fault("time_zone", name, did_you_mean(name, sorted(available_timezones())), tree, faults)


def _false_alarms(entry: Entry | None, faults: Faults) -> float:
    if entry is None or _is_null(entry):
        return FALSE_ALARMS
    value = plain(entry.node)
    words = _ONE_IN.fullmatch(value) if isinstance(value, str) else None
    if words is not None and int(words[2]):
        value = int(words[1]) / int(words[2])
    if not isinstance(value, bool) and isinstance(value, int | float) and 0 < value <= MOST_FALSE_ALARMS:
        return float(value)
    cure = f"write `1 in 100 nights`, or the share, 0.01: above 0 and at most {MOST_FALSE_ALARMS:g}"
    faults.add("nightly.false_alarms", shown(entry.node), cure, entry.place)
    return FALSE_ALARMS


def _minimum(entry: Entry | None, faults: Faults) -> tuple[float | None, float | None]:
    if entry is None or _is_null(entry):
        return None, None
    value = plain(entry.node)
    words = _PER_CENT.fullmatch(value) if isinstance(value, str) else None
    if words is not None:
        return None, float(words[1]) / 100
    if not isinstance(value, bool) and isinstance(value, int | float) and 0 <= value < math.inf:
        return float(value), None
    cure = "write the smallest change of the metric that matters, in its unit (0.01), or of the reference (2%)"
    faults.add("nightly.minimum_effect", shown(entry.node), cure, entry.place)
    return None, None


def _is_null(entry: Entry) -> bool:
    return isinstance(entry.node, Leaf) and entry.node.value is None


def _fault(key: str, value: object, cure: str, tree: Table, faults: Faults) -> None:
    entry = entry_at(tree, ["nightly", key]) or entry_at(tree, ["nightly"])
    if entry is not None:
        faults.add(f"nightly.{key}", value, cure, entry.place)
