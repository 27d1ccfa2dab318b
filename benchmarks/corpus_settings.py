"""How many histories of each cause a half of the corpus holds, how it is tried again, and what each half draws from."""

from __future__ import annotations

from dataclasses import dataclass

SHARES = {
    "healthy": 64,
    "overfitting": 34,
    "underfitting": 26,
    "undertrained": 26,
    "not_learning": 20,
    "memorisation": 20,
    "unstable": 20,
    "diverged": 16,
    "noisy_validation": 18,
    "easy_validation": 18,
    "unrepresentative_training_data": 18,
    "plateau": 18,
    "slow_learning": 18,
    "bad_initialisation": 16,
    "train_eval_mismatch": 14,
}
"""Histories of each cause in each half."""

DOSES = {
    "unstable": (0, 1, -1, 2, -2, 3, 4),
    "plateau": (0, 1, 2, 3, -1),
    "memorisation": (0, 1, -1, 2),
    "unrepresentative_training_data": (0, -1, 1, 2),
    "slow_learning": (0, -1, -2, 1, 2),
    "undertrained": (0, -1, 1, -2, -3, 2),
    "overfitting": (0, 1, 2, 3),
    "healthy": (0, 1, 2, 3),
}
"""How a cause is planted again where it was not visible; the others: twice, more strongly."""


@dataclass(frozen=True)
class Settings:
    """The ranges that a half draws from."""

    optimizers: tuple[str, ...]
    batches: tuple[int, ...]
    n_val: tuple[int, int]
    jitter: tuple[float, float]
    """Natural logarithm of the factor on the family's learning rate."""
    decays: tuple[float, ...]
    dropouts: tuple[float, ...]
    augments: tuple[float, ...]
    activations: tuple[str, ...]
    schedules: tuple[str, ...]
    hot: tuple[float, float]
    """Factor on the learning rate that makes a run unstable."""
    hot_adam: bool
    """Unstable runs are Adam's alone."""
    by_heart: tuple[float, float]
    """Training samples with which it memorises, in units of those with which it overfits."""


SETTINGS = {
    "tuning": Settings(
        ("sgd", "momentum", "adam", "adamw", "rmsprop"),
        (16, 32),
        (80, 600),
        (-0.5, 0.3),
        (0.0, 1e-4, 1e-3),
        (0.0, 0.0, 0.1, 0.3),
        (0.0, 0.0, 0.2),
        ("relu", "gelu", "tanh"),
        ("constant", "cosine", "step"),
        (8, 20),
        False,
        (2.5, 5.0),
    ),
    "scoring": Settings(
        ("sgd", "nesterov", "adam", "adamw", "radam"),
        (24, 48),
        (60, 600),
        (-0.4, 0.4),
        (0.0, 3e-4, 2e-3),
        (0.0, 0.0, 0.15, 0.25),
        (0.0, 0.0, 0.1, 0.15),
        ("relu", "silu", "elu"),
        ("constant", "linear", "exponential", "warm_cosine"),
        (4, 12),
        True,
        (0.8, 1.8),
    ),
}
