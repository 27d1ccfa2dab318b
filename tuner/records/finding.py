"""What the diagnosis says: findings with their evidence and remedies, and the verdict on one curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tuner.records.values import Scalar, decode_number, encode_number

HEALTHY = "healthy"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Remedy:
    """A change to the sweep's own parameters (or, outside a sweep, words), with its reason."""

    change: str
    """A parameter's recorded name, or what to do in a word or two (`more data`)."""
    because: str
    source: str = ""
    old: Scalar = None
    new: Scalar = None

    def to_json(self) -> dict[str, Any]:
        out: dict[str, Any] = {"change": self.change}
        if self.old is not None or self.new is not None:
            out |= {"from": self.old, "to": self.new}
        return out | {"because": self.because, "source": self.source}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Remedy:
        return cls(data["change"], data["because"], data.get("source", ""), data.get("from"), data.get("to"))


@dataclass(frozen=True, slots=True)
class Finding:
    """One symptom seen in a trial's curves or in a sweep."""

    symptom: str
    confidence: float
    """0.5 to 1: of findings said with 0.9, nine in ten hold."""
    says: str
    """One sentence with the numbers, for a person."""
    since_epoch: int | None = None
    evidence: Mapping[str, float] = field(default_factory=dict)
    remedies: tuple[Remedy, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "symptom": self.symptom,
            "confidence": round(self.confidence, 4),
            "since_epoch": self.since_epoch,
            "evidence": {name: encode_number(float(value)) for name, value in self.evidence.items()},
            "says": self.says,
            "remedies": [remedy.to_json() for remedy in self.remedies],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Finding:
        return cls(
            symptom=data["symptom"],
            confidence=data["confidence"],
            says=data["says"],
            since_epoch=data.get("since_epoch"),
            evidence={name: decode_number(value) for name, value in data.get("evidence", {}).items()},
            remedies=tuple(Remedy.from_json(remedy) for remedy in data.get("remedies", ())),
        )


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that one history shows, what to do first in front."""

    id: str
    verdict: str
    """The first finding's symptom; `healthy` when there is none; `unknown` when the curve is too short."""
    findings: tuple[Finding, ...] = ()
    note: str = ""
    """For `unknown`: how many epochs more would settle it."""

    def to_json(self) -> dict[str, Any]:
        out: dict[str, Any] = {"id": self.id, "verdict": self.verdict}
        if self.note:
            out["note"] = self.note
        return out | {"findings": [finding.to_json() for finding in self.findings]}
