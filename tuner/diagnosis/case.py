"""The sweep's own parameters in a history's configuration, and the changes to them that a remedy proposes.

A parameter is found by its recorded name, whatever branch it is nested in (`model.mlp.dropout` for `dropout`). Where
the configuration does not have it, or there is none, the remedy is in words.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tuner.records.finding import Remedy
from tuner.records.history import History
from tuner.records.values import Scalar

LR = ("lr", "learning_rate")
DROPOUT = ("dropout", "max_dropout", "dropout_rate")
WEIGHT_DECAY = ("weight_decay", "l2", "wd")
DEPTH = ("depth", "blocks", "layers", "num_layers", "n_layers")
WIDTH = ("width", "hidden", "hidden_size", "units", "max_units", "channels")
BATCH = ("batch_size",)
CLIPPING = ("clip", "clip_norm", "grad_clip", "gradient_clip", "gradient_clipping", "max_grad_norm")
MOMENTUM = ("momentum",)
WARMUP = ("warmup", "warmup_epochs", "warmup_steps")
PATIENCE = ("patience",)
AUGMENTATION = ("augmentation", "augment")
TARGETS = ("targets",)
STRENGTH = ("augmentation_strength",)


@dataclass(frozen=True, slots=True)
class Case:
    """One history with the numbers of one finding: what its sentence and its remedies are made of."""

    history: History
    evidence: Mapping[str, float]
    since_epoch: int | None = None

    def name(self, names: tuple[str, ...]) -> str | None:
        """The recorded name of the first of these parameters that the configuration has."""
        config = self.history.config
        for short in names:
            if short in config:
                return short
        for short in names:
            for recorded in config:
                if recorded.endswith("." + short):
                    return recorded
        return None

    def number(self, names: tuple[str, ...]) -> tuple[str, float] | None:
        name = self.name(names)
        value = self.history.config[name] if name else None
        if name and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return name, float(value)
        return None

    def change(
        self,
        names: tuple[str, ...],
        to: Callable[[float], float | None],
        words: str,
        because: str,
        source: str,
    ) -> Remedy:
        """Set the parameter to `to(its value)`; `words` where it is not in the configuration or cannot go further."""
        found = self.number(names)
        if found:
            name, old = found
            new = to(old)
            if new is not None and new != old:
                whole = isinstance(self.history.config[name], int)
                return Remedy(name, because, source, self.history.config[name], tidy(new, whole))
        return Remedy(words, because, source)

    def augmentation(self, factor: float, words: str, because: str, source: str) -> Remedy:
        """Its strength by this factor, where some is used; `words` where there is none to change."""
        name = self.name(AUGMENTATION)
        value = self.history.config[name] if name else None
        used = bool(value) and value not in ("none", "[]", "()")
        return self.change(STRENGTH if used else (), times(factor), words, because, source)

    def switch(self, names: tuple[str, ...], new: Scalar, words: str, because: str, source: str) -> Remedy:
        """Set the parameter to `new`; `words` where it is not in the configuration."""
        name = self.name(names)
        if name and self.history.config[name] != new:
            return Remedy(name, because, source, self.history.config[name], new)
        return Remedy(words, because, source)


def tidy(value: float, whole: bool) -> float | int:
    """Two digits, as a person would write it; a whole number where the parameter is one."""
    return max(1, round(value)) if whole else float(f"{value:.2g}")


def times(factor: float, low: float = 0.0, high: float = math.inf) -> Callable[[float], float | None]:
    """A change by a factor, kept within bounds; None where the value is 0 or already at the bound."""

    def to(old: float) -> float | None:
        new = min(max(old * factor, low), high)
        return new if old != 0 and (new > old) == (factor > 1) and new != old else None

    return to


def plus(step: float, low: float = -math.inf, high: float = math.inf) -> Callable[[float], float | None]:
    """A change by a step, kept within bounds; None where the value is already at the bound."""

    def to(old: float) -> float | None:
        new = min(max(old + step, low), high)
        return new if (new > old) == (step > 0) and new != old else None

    return to
