"""What others call the curves and facts of a history, and what they are called here."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

_TRAIN = ("train", "training")
_VAL = ("val", "valid", "validation", "eval", "test", "dev", "held_out")
_METRICS = {"acc": "accuracy", "categorical_accuracy": "accuracy", "sparse_categorical_accuracy": "accuracy"}

CURVES = {
    "loss": "train_loss",
    "accuracy": "train_accuracy",
    "acc": "train_accuracy",
    "grad_norm": "grad_norm",
    "gradient_norm": "grad_norm",
    "seconds": "seconds",
    "epoch_seconds": "seconds",
}
EPOCH = ("epoch", "epochs_done", "epoch_number")
ID = ("id", "run", "run_id", "run_name", "trial", "name")

WHOLE = ("steps_per_epoch", "num_classes", "n_train", "n_val", "max_epochs", "epochs")
REAL = ("initial_loss", "baseline_loss")
TEXT = ("task", "train_eval")
SETTINGS = ("lr", "learning_rate", "batch_size", "optimizer")
"""Facts that belong to the configuration."""
FACTS = frozenset((*WHOLE, *REAL, *TEXT, *SETTINGS))
NAMES = 4096
"""Different keys whose meaning is remembered: files repeat a few of them ten thousand times."""
TRAIN_EVALS = ("epoch_mean", "after_epoch")


@lru_cache(NAMES)
def curve_name(given: str) -> str | None:
    """`Validation/Loss`, `valid_loss`, `eval_loss` -> `val_loss`; None for what is no curve of a history."""
    name = given.strip().lower().replace("/", "_").replace(" ", "_").replace("-", "_").replace(".", "_")
    if name in CURVES:
        return CURVES[name]
    if name in FACTS:  # `train_eval` and `n_val` begin and end as curves do
        return None
    for ours, theirs in (("train", _TRAIN), ("val", _VAL)):
        for word in theirs:
            metric = ""
            if name.startswith(word + "_"):
                metric = name[len(word) + 1 :]
            elif name.endswith("_" + word):
                metric = name[: -len(word) - 1]
            if metric in ("loss", "eval_loss") or (metric and metric not in ("time", "size", "step", "steps", "epoch")):
                return f"{ours}_{_METRICS.get(metric, metric)}"
    return None


def curve_names(keys: Iterable[str]) -> dict[str, str]:
    """Key -> curve for those that name one; of two for one curve, ours first, then the earlier word of the lists."""
    found = [(key, name) for key in keys if (name := curve_name(key)) is not None]
    best: dict[str, str] = {}
    for key, name in sorted(found, key=lambda pair: _rank(*pair)):
        best.setdefault(name, key)
    return {key: name for key, name in found if best[name] == key}


def logged_names(keys: Iterable[str]) -> dict[str, str]:
    """Key -> curve as trackers log them: `train_loss_epoch` and `train_loss_step` are one curve.

    The epoch's is the better. Of several validation sets (`val_loss/dataloader_idx_0`) the first one counts.
    """
    chosen: dict[str, tuple[int, str]] = {}
    for key in keys:
        plain = key.removesuffix("/dataloader_idx_0")
        base = plain.removesuffix("_epoch").removesuffix("_step")
        curve = curve_name(base) if base else None
        if curve is None:
            continue
        rank = 0 if plain.endswith("_epoch") else 2 if plain.endswith("_step") else 1
        if curve not in chosen or (rank, _rank(base, curve)) < (chosen[curve][0], _rank(chosen[curve][1], curve)):
            chosen[curve] = (rank, key)
    return {key: curve for curve, (_, key) in chosen.items()}


def _rank(key: str, name: str) -> int:
    if key == name:
        return 0
    words = [*_TRAIN, *_VAL]
    return min((1 + at for at, word in enumerate(words) if word in key.lower()), default=1 + len(words))


@lru_cache(NAMES)
def fact_name(given: str) -> str | None:
    name = given.strip().lower().replace(" ", "_").replace("-", "_")
    return name if name in FACTS else None
