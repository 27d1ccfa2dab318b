"""A sweep as large clusters run it, as journal lines: rungs, lost workers, a node that is avoided, a resume, finalists.

The curves are made up; what counts is that everything which the report draws is in it, in any number of trials.
"""

from __future__ import annotations

import heapq
import math
import random
from typing import Any

from tests.unit.report_records import DIVERGES, MORE_EPOCHS, OVERFITS, START, SweepLines
from tuner.records.finding import Finding
from tuner.records.trial import SweepRecord

RUNGS = (1, 3, 9)
SYMPTOMS = {
    "overfitting": OVERFITS,
    "undertrained": Finding("undertrained", 0.8, "validation loss fell 9 % over the last 9 epochs", 18, {"fall": 0.09}),
    "plateau": Finding("plateau", 0.7, "training loss has not moved since epoch 12", 12, {"moved": 0.001}),
    "unstable": Finding("unstable", 0.75, "training loss rose 4 times by more than a half", 6, {"jumps": 4.0}),
    "not_learning": Finding("not_learning", 0.9, "training loss never came below the baseline", 1, {"gain": 0.0}),
}


def large(trials: int, workers: int = 8, metric: str = "val_loss", epochs: int = 27) -> SweepRecord:
    return large_lines(trials, workers, metric, epochs).record()


def large_lines(trials: int, workers: int = 8, metric: str = "val_loss", epochs: int = 27) -> SweepLines:
    """`workers` on two nodes; every tenth or so of the learning rates diverges."""
    numbers = random.Random(5)
    sweep = SweepLines(trials=trials, max_epochs=epochs, metric=metric, mode="max" if "accuracy" in metric else "min")
    sweep.lines[0]["finalists"] = {"top": 3, "seeds": 3}
    free = [(START + 20.0, worker) for worker in range(workers)]
    seen: dict[int, list[float]] = {rung: [] for rung in RUNGS}
    lost = 0
    for number in range(trials):
        begun, worker = heapq.heappop(free)
        node = f"10.0.0.{1 + worker % 2}"
        config: dict[str, Any] = {"lr": 10 ** numbers.uniform(-5, 0), "batch_size": numbers.choice([32, 64, 128])}
        config |= numbers.choice(
            [{"optimizer": "adamw"}, {"optimizer": "sgd", "optimizer.sgd.momentum": numbers.random()}]
        )
        sweep.now = begun
        name = sweep.suggest(number, config)
        lose = number % 97 == 13
        ended = _train(sweep, name, config, numbers, seen, node, lose)
        if lose:
            lost += 1
            if lost == 3:
                reason = f"node {node} lost 3 workers in 2 minutes and is avoided for 60 minutes"
                sweep.add("avoid", node=node, trials=[name], until=sweep.now + 3600, reason=reason)
        heapq.heappush(free, (sweep.now + (60.0 if ended == "doomed" else 4.0), worker))
    sweep.now = max(at for at, _ in free)
    _finalists(sweep, numbers)
    sweep.sweep_finding(MORE_EPOCHS)
    sweep.end()
    sweep.lines.sort(key=lambda line: float(line["at"]))
    return sweep


def _train(
    sweep: SweepLines,
    name: str,
    config: dict[str, Any],
    numbers: random.Random,
    seen: dict[int, list[float]],
    node: str,
    lose: bool,
) -> str:
    """One trial on its worker; `now` is when it ended."""
    distance = abs(math.log10(config["lr"]) + 2.5 + 0.3 * math.log2(config["batch_size"] / 64))
    floor = 0.1 + 0.15 * distance + numbers.gauss(0, 0.02)
    diverges = config["lr"] * 64 / config["batch_size"] > 0.3
    attempt = 1
    for epoch in range(1, sweep.max_epochs + 1):
        loss = abs(floor) + 2.0 * math.exp(-epoch / (2 + distance)) + numbers.gauss(0, 0.01)
        val = abs(loss) * (1 + (0.01 * (epoch - 6) if epoch > 6 and distance < 0.5 else 0))
        if diverges:
            loss = val = 1e9 if epoch < 3 else math.nan
        metrics = {"train_loss": loss, "val_loss": val, "val_accuracy": max(0.05, 1 - val / 3) if val < 3 else 0.05}
        sweep.now += 3.0 + numbers.random()
        sweep.lines.append(_report(sweep, name, attempt, epoch, metrics, node))
        if diverges and epoch == 3:
            sweep.end_trial(
                name, "doomed", "diverged: training loss is not finite from epoch 3", "diverged", [DIVERGES]
            )
            sweep.now -= 10
            return "doomed"
        if lose and epoch == 2:
            sweep.add(
                "lost", trial=name, attempt=1, failure="lost", reason="the worker died: killed by signal 9", node=node
            )
            attempt = 2
            sweep.start(name, 2, epoch)
        if epoch in seen:
            seen[epoch].append(val)
            ranked = sorted(seen[epoch])
            place = ranked.index(val) + 1
            keep = max(1, len(ranked) // 3)
            reason = f"{place} of {len(ranked)} at epoch {epoch}, the best {keep} go on"
            sweep.rung(name, epoch, val, place <= keep, reason)
            sweep.now -= 10
            if place > keep:
                sweep.end_trial(name, "pruned", reason, "unknown" if epoch < 9 else "unstable", _of(epoch, numbers))
                sweep.now -= 10
                return "pruned"
    verdict = numbers.choice(["healthy", *SYMPTOMS])
    found = [SYMPTOMS[verdict]] if verdict in SYMPTOMS else []
    sweep.end_trial(name, "completed", f"all {sweep.max_epochs} epochs", verdict, found)
    sweep.now -= 10
    return "completed"


def _of(epoch: int, numbers: random.Random) -> list[Finding]:
    return [] if epoch < 9 else [SYMPTOMS["unstable"]]


def _report(
    sweep: SweepLines, name: str, attempt: int, epoch: int, metrics: dict[str, float], node: str
) -> dict[str, Any]:
    extra: dict[str, Any] = {"node": node} if epoch in (1, 3) else {}
    if epoch == 1:
        extra["facts"] = {"n_val": 900, "n_train": 4000, "baseline_loss": 2.3}
    encoded = {key: value if math.isfinite(value) else "NaN" for key, value in metrics.items()}
    line = {"kind": "report", "at": sweep.now, "trial": name, "attempt": attempt, "epoch": epoch, "seconds": 3.5}
    return {**line, "metrics": encoded, **extra}


def _finalists(sweep: SweepLines, numbers: random.Random) -> None:
    """The three best of those that were completed, on three further seeds each."""
    ended = {line["trial"] for line in sweep.lines if line["kind"] == "ending" and line["ending"] == "completed"}
    values: dict[str, float] = {}
    for line in sweep.lines:
        if line["kind"] == "report" and line["trial"] in ended:
            values[line["trial"]] = min(values.get(line["trial"], math.inf), line["metrics"]["val_loss"])
    top = sorted(values, key=lambda name: values[name])[:3]
    configs = {line["trial"]: line["config"] for line in sweep.lines if line["kind"] == "suggestion"}
    sweep.add("finalists", trials=top, seeds=3)
    for place, name in enumerate(top):
        for nth in (2, 3, 4):
            again = f"{name}-{nth}"
            sweep.add(
                "further_seed", trial=again, of=name, nth=nth, number=9000 + 3 * place + nth, config=configs[name],
                origin="finalist", seed=nth,
            )  # fmt: skip
            sweep.start(again)
            for epoch in range(1, sweep.max_epochs + 1):
                val = values[name] * 1.05 + 2.0 * math.exp(-epoch / 2) + numbers.gauss(0, 0.01)
                metrics = {"train_loss": val, "val_loss": val, "val_accuracy": max(0.05, 1 - val / 3)}
                sweep.now += 3.0
                sweep.lines.append(_report(sweep, again, 1, epoch, metrics, "10.0.0.1"))
            sweep.end_trial(again, "completed", f"all {sweep.max_epochs} epochs", "healthy")
