"""Text from a run's trained network: `tuner generate RUN`."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tuner.api.export import load
from tuner.errors import Fault, InputError


@dataclass(frozen=True)
class Generated:
    """What a network wrote, and which one it was."""

    text: str
    """Without the prompt."""
    prompt: str
    temperature: float
    seed: int
    run: str
    trial: str
    metric: str
    value: float
    epoch: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        return self.prompt + self.text


def generate(
    run: str | Path,
    *,
    runs: Path,
    trial: str | None = None,
    prompt: str = "",
    length: int = 500,
    temperature: float = 0.8,
    seed: int = 0,
) -> Generated:
    """`length` characters by the best trial's kept weights, or those of `trial`. The data set is not needed.

    Raises InputError for a run without a network that writes, without weights, and for options that make no sense.
    """
    faults = []
    if length < 1:
        faults.append(Fault("--length", length, "how many characters to write: at least 1"))
    if not math.isfinite(temperature) or temperature < 0:
        faults.append(Fault("--temperature", temperature, "0 for the likeliest character, 1 as learnt, above 1 wilder"))
    if seed < 0:
        faults.append(Fault("--seed", seed, "a whole number from 0"))
    if faults:
        raise InputError("text cannot be written so", tuple(faults))
    from tuner.training.generate import write_text

    loaded = load(run, trial, runs=runs)
    record = loaded.record
    text = write_text(loaded.model, record.task, prompt=prompt, length=length, temperature=temperature, seed=seed)
    return Generated(
        text, prompt, temperature, seed, record.run, record.trial, record.metric, record.value, record.epoch
    )
