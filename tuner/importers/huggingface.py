"""Hugging Face's `trainer_state.json`: `log_history`, a row for each time the Trainer logged or evaluated.

`loss` is the mean over the steps since the last log, in training mode; `epoch` counts epochs done, with fractions. The
last row sums up the whole training (`train_loss`, `train_runtime`) and is no point of a curve.
"""

from __future__ import annotations

from typing import Any

from tuner.errors import Fault
from tuner.importers.mapping import number
from tuner.importers.names import curve_name
from tuner.importers.step_log import StepLog, history_of
from tuner.records.history import History

_TIMES = ("runtime", "samples_per_second", "steps_per_second", "model_preparation_time")


def recognises(data: object) -> bool:
    return isinstance(data, dict) and isinstance(data.get("log_history"), list)


def read(data: dict[str, Any], name: str) -> tuple[list[History], list[Fault]]:
    log, faults = StepLog(name), []
    for place, row in enumerate(data["log_history"]):
        where = f"log_history[{place}]"
        step = number(row.get("step")) if isinstance(row, dict) else None
        epoch = number(row.get("epoch")) if isinstance(row, dict) else None
        if step is None or not step.is_integer():
            faults.append(Fault(where, row if step is None else step, "an object with a whole number `step`"))
            continue
        if "train_runtime" in row:
            continue
        if epoch is not None and 0 <= epoch < float("inf"):
            log.epochs[int(step)] = epoch
        for key, given in row.items():
            curve = curve_name(key)
            if curve is None or key.endswith(_TIMES) or given is None:
                continue
            value = number(given)
            if value is None:
                faults.append(Fault(f"{where}.{key}", given, 'a number, or "NaN", "Infinity", "-Infinity"'))
            else:
                log.curves.setdefault(curve, {})[int(step)] = value
    log.facts["train_eval"] = "epoch_mean"
    epochs, batch = number(data.get("num_train_epochs")), number(data.get("train_batch_size"))
    if epochs is not None and epochs.is_integer() and epochs >= 1:
        log.facts["max_epochs"] = int(epochs)
    if batch is not None and batch >= 1:
        log.facts["config"] = {"batch_size": int(batch)}
    if not log.curves:
        cure = "no row has `loss` or `eval_loss`: the Trainer logs every `logging_steps` and at each evaluation"
        faults.append(Fault("log_history", f"{len(data['log_history'])} rows", cure))
    if faults:
        return [], faults
    history, own = history_of(log)
    return ([history] if history else []), list(own)
