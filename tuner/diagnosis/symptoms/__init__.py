"""One symptom, one file; here: which there are, what to do first, and which make others meaningless.

A symptom is a module with NAME, `measures` (a batch's features in, arrays out), WAYS (the conditions on these, see
`weigh.py`), `find` (features in, Hits out), `says` (evidence in, one sentence out) and `remedies` (a history's settings
and the evidence in, remedies out). To add one: write the file, add its line to ORDER.
"""

from __future__ import annotations

from types import ModuleType

from tuner.diagnosis.symptoms import (
    bad_initialisation,
    diverged,
    easy_validation,
    memorisation,
    noisy_validation,
    not_learning,
    overfitting,
    plateau,
    slow_learning,
    train_eval_mismatch,
    underfitting,
    undertrained,
    unrepresentative_training_data,
    unstable,
)

ORDER: tuple[ModuleType, ...] = (
    diverged,
    not_learning,
    bad_initialisation,
    train_eval_mismatch,
    unstable,
    overfitting,
    easy_validation,
    noisy_validation,
    memorisation,
    unrepresentative_training_data,
    slow_learning,
    underfitting,
    plateau,
    undertrained,
)
"""What to do first stands first: the first finding's symptom is the verdict."""

SILENCES: dict[str, frozenset[str]] = {
    "diverged": frozenset(module.NAME for module in ORDER if module is not diverged),
    "not_learning": frozenset({"unstable", "memorisation", "underfitting", "undertrained"}),
    "train_eval_mismatch": frozenset(
        {"overfitting", "memorisation", "unrepresentative_training_data", "noisy_validation"}
    ),
    "unstable": frozenset({"undertrained"}),
    "overfitting": frozenset({"memorisation", "underfitting", "undertrained"}),
    "memorisation": frozenset({"underfitting", "undertrained"}),
}
"""A diverged curve is not also underfitting: symptom -> those that are not said beside it."""
