"""What the models of sequences ask of a task: steps of numbers or of tokens, one answer or one for each step."""

from __future__ import annotations

from tuner.errors import Fault, InputError
from tuner.training.task_info import TaskInfo


def check_sequence(task: TaskInfo, model: str) -> None:
    """Inputs [steps, features] or tokens [steps]. Raises InputError for any other."""
    if (len(task.input_shape) == 1) if task.vocabulary else (len(task.input_shape) == 2):
        return
    cure = f"the examples of {task.name} are no sequences [steps, features] or tokens [steps]: take mlp or cnn"
    raise InputError(f"{model} needs sequences", (Fault("model", model, cure),))


def answers_each_step(task: TaskInfo) -> bool:
    return task.kind == "tokens"
