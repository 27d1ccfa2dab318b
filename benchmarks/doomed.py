"""The online stopper replayed on real tables: epochs saved, and how many of the stopped would have won.

    TUNER_DATA=... python benchmarks/doomed.py

Each curve of TaskSet (6,000, binary text classification) and DeepOBS (540) is fed to `doomed` epoch by epoch. A winner
is a trial whose best validation loss is among the best tenth of its task. ASHA is replayed beside it at the same epochs
(eta 3, grace 1, asynchronous, the trials in random order), with and without the stopper: what is saved on top of it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import deepobs
import numpy as np

from tuner.diagnosis import doomed
from tuner.records.history import History


def tables(folder: Path) -> Iterator[tuple[str, list[History]]]:
    """(task, histories from epoch 1 with the untrained loss as a fact)."""
    for path in sorted((folder / "hpo" / "taskset_rnn").glob("*.npz")):
        table = np.load(path)
        train, val = table["train_loss"].astype(float), table["valid_loss"].astype(float)
        yield (
            path.stem[-34:],
            [history(t, v, baseline_loss=float(np.log(2)), num_classes=2) for t, v in zip(train, val, strict=True)],
        )
    runs = deepobs.load(folder)
    if runs is None:
        raise FileNotFoundError(folder / deepobs.FILE)
    for problem in sorted({run["problem"] for run in runs}):
        mine = [run for run in runs if run["problem"] == problem]
        known = {"baseline_loss": float(np.log(10)), "num_classes": 10} if problem[:5] in ("cifar", "fmnis") else {}
        yield problem, [history(*deepobs.curves(run).values(), **known) for run in mine]


def history(train: np.ndarray, val: np.ndarray, **known: float) -> History:
    curves = {"train_loss": train[1:], "val_loss": val[1:]}
    epochs = np.arange(1, len(train))
    return History("t", curves, epochs, initial_loss=float(train[0]), max_epochs=len(epochs), **known)  # type: ignore[arg-type]


def until(whole: History, epoch: int) -> History:
    curves = {name: curve[:epoch] for name, curve in whole.curves.items()}
    return History(
        whole.id,
        curves,
        whole.epoch[:epoch],
        initial_loss=whole.initial_loss,
        baseline_loss=whole.baseline_loss,
        num_classes=whole.num_classes,
        max_epochs=whole.max_epochs,
    )


def doomed_at(whole: History) -> tuple[int, str]:
    """The epoch at which it is stopped, and why; its last epoch where it never is."""
    last = len(whole.epoch)
    for epoch in range(1, last + 1):
        finding = doomed(until(whole, epoch))
        if finding is not None:
            return epoch, finding.symptom
    return last, ""


def asha_epochs(values: np.ndarray, stop: np.ndarray, eta: int = 3, seed: int = 0) -> int:
    """Epochs that asynchronous halving trains when trial i may train `stop[i]` epochs; a doomed one counts as worst."""
    longest = values.shape[1]
    rungs: dict[int, list[float]] = {}
    total = 0
    for i in np.random.default_rng(seed).permutation(len(values)):
        epoch = 1
        while True:
            if stop[i] < min(epoch, longest):
                total += int(stop[i])
                break
            if epoch >= longest:
                total += longest
                break
            value = values[i, epoch - 1]
            rung = rungs.setdefault(epoch, [])
            rung.append(value if np.isfinite(value) else np.inf)
            if sorted(rung).index(rung[-1]) >= max(1, len(rung) // eta):
                total += epoch
                break
            epoch *= eta
    return total


def main() -> None:
    folder = os.environ.get("TUNER_DATA")
    if not folder:
        raise SystemExit("TUNER_DATA has to name the folder of the tables")
    print(f"{'task':36s} trials stopped  epochs saved  winners killed  on top of ASHA  why")
    trials = winners = lost = saved = planned = 0
    for task, histories in tables(Path(folder)):
        ends = [doomed_at(whole) for whole in histories]
        stop, full = np.array([epoch for epoch, _ in ends]), np.array([len(h.epoch) for h in histories])
        stopped = np.array([bool(why) for _, why in ends])
        longest = int(full.max())
        values = np.full((len(histories), longest), np.nan)
        for row, whole in enumerate(histories):
            values[row, : len(whole.epoch)] = whole.curves["val_loss"]
        best = np.array([np.nanmin(row) if np.isfinite(row).any() else np.inf for row in values])
        won = best <= np.quantile(best, 0.1)
        alone = asha_epochs(values, np.full(len(histories), longest))
        both = asha_epochs(values, np.where(stopped, stop, longest))
        reasons = ", ".join(f"{name} {count}" for name, count in Counter(why for _, why in ends if why).items())
        print(
            f"{task:36s} {len(histories):6d} {stopped.sum():7d} {1 - stop.sum() / full.sum():12.1%} "
            f"{(won & stopped).sum():6d} of {won.sum():4d} {1 - both / alone:14.1%}  {reasons}",
            flush=True,
        )
        trials, winners = trials + len(histories), winners + int(won.sum())
        lost, saved, planned = (
            lost + int((won & stopped).sum()),
            saved + int((full - stop).sum()),
            planned + int(full.sum()),
        )
    print(f"all: {trials} trials, {saved / planned:.1%} of epochs saved, {lost} of {winners} winners killed")


if __name__ == "__main__":
    main()
