"""`tuner.TransformersReport`: Hugging Face's Trainer reports to a trial, is stopped by it, goes on from its checkpoint.

However often the Trainer is told to log, evaluate or save, it is asked to log what is left, to evaluate and to save
when an epoch ends. The epoch is reported when the next one begins, or when training ends.
"""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

from tuner.training.integrations.epoch_book import EpochBook, examples, named
from tuner.training.trial import Trial

try:
    import torch
    from transformers import TrainerCallback
except ImportError as error:
    raise ImportError("tuner.TransformersReport needs transformers: pip install 'tuner[transformers]'") from error

_TIMES = ("_runtime", "_samples_per_second", "_steps_per_second", "_model_preparation_time")
_CLASSIFIES = ("ForSequenceClassification", "ForImageClassification", "ForTokenClassification")
_NEXT_TOKEN = ("ForCausalLM", "LMHeadModel", "ForMaskedLM")


class TransformersReport(TrainerCallback):  # type: ignore[misc]
    """For `Trainer(..., callbacks=[tuner.TransformersReport(trial)])` with `num_train_epochs=trial.max_epochs`.

    Reports each epoch, whatever `logging_steps` is: `train_loss` (the mean over the epoch's steps), `eval_loss` as
    `val_loss` and each of `compute_metrics` (`eval_f1` as `val_f1`), `lr` as last logged, `grad_norm` as the mean of
    what was logged; the seconds of training and evaluation, and those that training waited for data. Evaluates at
    each epoch's end unless `eval_strategy` is "no". Turns `logging_nan_inf_filter` off, which hides a loss that is NaN.
    Tells the trial its numbers of examples, classes and steps and the first batch's loss. Ends `train` with StopTrial
    when the trial is not to go on.

    `every`: epochs between checkpoints, which `trainer.train(resume_from_checkpoint=trial.restore())` goes on from; 0
    writes none, None as the sweep file says. With `save_strategy="no"` they stay with the trial alone. One process a
    trial: raises RuntimeError with more.
    """

    def __init__(self, trial: Trial, *, every: int | None = None) -> None:
        self._book, self._every = EpochBook(trial), trial.every if every is None else every
        self._loss, self._steps, self._logged_at = 0.0, 0, 0
        self._norms: list[float] = []
        self._evaluated_at = -1
        self._first_step: int | None = None
        self._training = False

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **given: Any) -> None:
        if args.world_size > 1:
            raise RuntimeError(f"TransformersReport: {args.world_size} processes train one trial, where one can report")
        args.logging_nan_inf_filter = False
        self._first_step = self._logged_at = state.global_step
        self._training = True
        if state.global_step == 0 and model is not None:
            self._tell_first_loss(model)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        self._hand_in(args, state, given, more=True)
        self._loss, self._steps, self._norms = 0.0, 0, []
        self._book.begin()

    def on_step_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        self._book.batch_comes()

    def on_step_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        self._book.batch_goes()

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **given: Any) -> None:
        if logs and "loss" in logs and self._training:
            steps, self._logged_at = state.global_step - self._logged_at, state.global_step
            self._loss, self._steps = self._loss + logs["loss"] * steps, self._steps + steps
            self._book.metrics["train_loss"] = self._loss / self._steps
            self._book.metrics["lr"] = logs["learning_rate"]
            if "grad_norm" in logs:
                self._norms.append(float(logs["grad_norm"]))
                self._book.metrics["grad_norm"] = sum(self._norms) / len(self._norms)
        self._still_busy()

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **given: Any) -> None:
        if self._training and metrics and state.global_step > 0:  # before the first step: `eval_on_start`
            measured = {name: value for name, value in metrics.items() if name != "epoch" and not name.endswith(_TIMES)}
            self._book.metrics |= named(measured)
            self._evaluated_at = state.global_step
        self._still_busy()

    def on_epoch_end(self, args: Any, state: Any, control: Any, **given: Any) -> Any:
        epoch = max(1, math.ceil(state.epoch - 1e-6))  # `max_steps` may end training within an epoch
        self._book.end(epoch)
        control.should_log = True
        if args.eval_strategy != "no":
            control.should_evaluate = self._evaluated_at != state.global_step
        if self._book.is_due(epoch, self._every):
            control.should_save = True
        return control

    def on_save(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        epoch = self._book.ended
        if epoch is not None and self._book.is_due(epoch, self._every):
            path = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            self._book.keep(path)
            if args.save_strategy == "no":
                shutil.rmtree(path)
        self._still_busy()

    def on_train_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        self._training = False
        self._hand_in(args, state, given, more=False)

    def _hand_in(self, args: Any, state: Any, given: dict[str, Any], *, more: bool) -> None:
        if self._book.ended is not None and self._first_step is not None:
            self._tell(args, state, **given)
        self._book.hand_in(more=more)

    def _still_busy(self) -> None:
        """Logging, evaluation and saving are part of the epoch, and no wait for data."""
        if self._book.ended is not None:
            self._book.end(self._book.ended)
        self._book.batch_goes()

    def _tell_first_loss(self, model: Any) -> None:
        def look(module: Any, inputs: Any, outputs: Any) -> None:
            handle.remove()
            loss = getattr(outputs, "loss", None)
            if isinstance(loss, torch.Tensor) and loss.numel() == 1:
                self._book.trial.tell(initial_loss=loss.item())

        handle = model.register_forward_hook(look)

    def _tell(self, args: Any, state: Any, model: Any = None, **given: Any) -> None:
        """After the first epoch of this attempt, when steps are counted and the kind of the problem is settled."""
        steps, self._first_step = state.global_step - (self._first_step or 0), None
        self._book.trial.tell(
            n_train=examples(given.get("train_dataloader")),
            n_val=examples(given.get("eval_dataloader")),
            num_classes=_classes(model),
            steps_per_epoch=steps or None,
            n_parameters=sum(w.numel() for w in model.parameters() if w.requires_grad) or None,
            train_eval="epoch_mean",
            device=str(args.device),
        )


def _classes(model: Any) -> int | None:
    """Of a model whose loss is the cross-entropy over them; a language model's are its vocabulary."""
    kind, config = type(model).__name__, getattr(model, "config", None)
    if kind.endswith(_NEXT_TOKEN):
        found = getattr(config, "vocab_size", None)
    elif kind.endswith(_CLASSIFIES) and getattr(config, "problem_type", None) in (None, "single_label_classification"):
        found = getattr(config, "num_labels", None)
    else:
        found = None
    return found if isinstance(found, int) and found > 1 else None
