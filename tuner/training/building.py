"""Builds one trial's network and trainer from its settings: the only place that knows how the parts fit together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from tuner.errors import Fault, InputError
from tuner.training.augmentation import Augmentation
from tuner.training.catalogue import CATALOGUE
from tuner.training.group import Group
from tuner.training.initialisation import initialise
from tuner.training.kinds import KINDS
from tuner.training.layout import channels_last_pays
from tuner.training.locate import locate, signature_of
from tuner.training.loop import Trainer
from tuner.training.losses import Objective
from tuner.training.mixup import Mixup, check_mixup
from tuner.training.optimizers import build_optimizer
from tuner.training.own_task import OwnTask
from tuner.training.schedules import Schedule
from tuner.training.scores import Scores
from tuner.training.settings import Part, Settings
from tuner.training.shared_batch_norm import share_batch_norm
from tuner.training.stages import part
from tuner.training.task_info import TaskInfo
from tuner.training.trial_data import TrialData
from tuner.training.uncompiled import spare_compiler

PRECISIONS = {"off": None, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(gpu: float) -> torch.device:
    """The GPU that was reserved for this worker (the launcher shows it no other), else the CPU."""
    if gpu > 0:
        if not torch.cuda.is_available():
            cure = "torch sees no GPU on this machine: set resources.gpu to 0"
            raise InputError("no GPU here", (Fault("resources.gpu", gpu, cure),))
        return torch.device("cuda")
    return torch.device("cpu")


def build_model(settings: Settings, task: TaskInfo, folder: str = "") -> nn.Module:
    """The catalogue's or the user's. A shared parameter (`dropout` at the top) goes to the catalogue's models that
    take it; whatever the model's own branch gives, and all of a user's builder, has to be taken."""
    component = CATALOGUE.family("model").get(settings.model)
    builder = locate(component.where if component else settings.model, folder)
    given: dict[str, Any] = dict(settings.builder_arguments)
    of_task = CATALOGUE.family("task").get(task.name)
    if of_task is not None:
        given = {name: v for name, v in given.items() if of_task.parameter(name) is None}
    if component is not None:
        takes = signature_of(builder)
        given = {name: v for name, v in given.items() if name in settings.own_arguments or takes.takes(name)}
    model: Any = builder(task, **given)
    if not isinstance(model, nn.Module):
        cure = f"it has to return a torch.nn.Module, not {type(model).__name__}"
        raise InputError("not a model", (Fault("model", settings.model, cure),))
    initialise(model, settings.initialisation)
    return model


def loss_of(settings: Settings, task: TaskInfo, own: OwnTask | None = None) -> Part | Callable[..., Any] | None:
    """The sweep's, else the task's own, else that of its kind; None where the task's own step has it all. Raises
    InputError for one that does not fit."""
    if own is not None and own.step is not None:
        if settings.loss is not None:
            cure = "the task has a step of its own, which computes its loss: leave it out"
            raise InputError("a loss that nobody takes", (Fault("loss", settings.loss.name, cure),))
        return None
    if settings.loss is None and own is not None and callable(own.loss):
        found: Callable[..., Any] = own.loss
        return found
    kind = KINDS.get(task.kind)
    told = own.loss if own is not None and isinstance(own.loss, str) else (kind.loss if kind is not None else "mse")
    loss = settings.loss or Part(told)
    component = CATALOGUE.family("loss").get(loss.name)
    fits = [item.name for item in CATALOGUE.family("loss").values() if not item.kinds or task.kind in item.kinds]
    if component is None or (loss.name not in fits and kind is not None):
        cure = f"the targets are {task.kind}: take {', '.join(fits)}"
        raise InputError("a loss that does not fit the task", (Fault("loss", loss.name, cure),))
    if loss.name == "msle" and settings.targets != "raw":
        cure = "msle takes the logarithm itself: take targets: raw, or mse with targets: log"
        raise InputError("a logarithm of scaled targets", (Fault("targets", settings.targets, cure),))
    return loss


def build_trainer(
    settings: Settings,
    data: TrialData,
    device: torch.device,
    max_epochs: int,
    folder: str = "",
    own: OwnTask | None = None,
    group: Group | None = None,
) -> Trainer:
    """Draws the weights from torch's global generator, as every layer does: the caller seeds it. `own`: the task, where
    it is the user's and says more than its examples. `group`: the workers of the trial, where it has several."""
    amp = PRECISIONS[settings.amp]
    if amp is torch.float16 and (device.type != "cuda" or settings.optimizer.name == "lbfgs"):
        cure = "fp16 needs a GPU, and an optimizer other than lbfgs: take bf16"
        raise InputError("no fp16 here", (Fault("amp", settings.amp, cure),))
    group = group or Group()
    model = share_batch_norm(build_model(settings, data.task, folder).to(device), group, device)
    group.level([*model.parameters(), *model.buffers()])  # a builder may have drawn from elsewhere
    channels_last = settings.channels_last
    if channels_last is None:
        channels_last = channels_last_pays(model, device, amp)
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    body = part(model, settings.frozen, own_rate=settings.body_lr != 1.0)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    if not settings.compile:
        spare_compiler()
    optimizer = build_optimizer(
        settings.optimizer.name,
        weights,
        lr=settings.lr,
        weight_decay=settings.weight_decay,
        arguments=settings.optimizer.arguments,
        body=body.weights,
        body_lr=settings.body_lr,
    )
    schedule = Schedule(
        optimizer,
        settings.schedule.name,
        settings.schedule.arguments,
        max_epochs=max_epochs,
        steps_per_epoch=len(data.batch_sizes(settings.batch_size)),
        warmup=settings.warmup,
    )
    loss = loss_of(settings, data.task, own)
    check_mixup(settings.mixup, data.task.kind, loss.name if isinstance(loss, Part) else loss, data.task.vocabulary)
    objective = Objective(
        loss.name if isinstance(loss, Part) else loss,
        loss.arguments if isinstance(loss, Part) else {},
        weights,
        label_smoothing=settings.label_smoothing,
        l1=settings.l1,
        hardest=settings.hardest,
        step=own.step if own is not None else None,
    )
    if settings.compile:
        model.compile()
    return Trainer(
        model=model,
        weights=weights,
        objective=objective,
        optimizer=optimizer,
        schedule=schedule,
        augmentation=Augmentation(
            settings.augmentation, settings.augmentation_strength, data.task.input_shape, data.task.kind
        ),
        batch_size=settings.batch_size,
        scores=Scores.of(data.task.kind, None if own is None else own.metrics, data.scale),
        mixup=Mixup(settings.mixup) if settings.mixup else None,
        gradient_clip=settings.gradient_clip,
        amp=amp,
        scaler=torch.amp.GradScaler(device.type) if amp is torch.float16 else None,
        channels_last=channels_last,
        frozen=body.frozen,
        device=device,
        group=group,
    )
