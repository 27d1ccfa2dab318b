"""`tuner.LightningReport`: a Lightning Trainer reports to a trial, is stopped by it and goes on from its checkpoint.

An epoch is reported when the next one begins, or when training ends. Only then is all of it known and done: validation,
what the module logs in `on_train_epoch_end`, the step of a schedule that counts epochs. A checkpoint written there
restores to the beginning of the next epoch; one written in `on_train_epoch_end` would repeat that hook on its way back.
"""

from __future__ import annotations

from typing import Any

from tuner.training.integrations import generators
from tuner.training.integrations.epoch_book import EpochBook, examples, named
from tuner.training.loop import GRADIENT_EVERY
from tuner.training.trial import Trial

try:
    import torch
    from lightning.pytorch.callbacks import Callback
    from torch.nn.utils import get_total_norm
except ImportError as error:
    raise ImportError("tuner.LightningReport needs Lightning: pip install 'tuner[lightning]'") from error


class LightningReport(Callback):  # type: ignore[misc]
    """For `Trainer(callbacks=[tuner.LightningReport(trial)], max_epochs=trial.max_epochs)`.

    Reports each epoch: `train_loss` (the mean over the epoch's batches), what was logged (`val_loss`, `val_acc` as
    `val_accuracy`, others by their own names), `lr` and `grad_norm` before clipping; the seconds of training and
    validation, and those that training waited for data. Tells the trial its numbers of examples and steps and the
    first batch's loss. Ends `fit` with StopTrial when the trial is not to go on: Lightning tears down as at any
    exception.

    `every`: epochs between checkpoints, which `trainer.fit(model, ckpt_path=trial.restore())` goes on from; 0 writes
    none, None as the sweep file says. One process a trial: raises RuntimeError with more.
    """

    def __init__(self, trial: Trial, *, every: int | None = None) -> None:
        super().__init__()
        self._book, self._every = EpochBook(trial), trial.every if every is None else every
        self._losses: list[torch.Tensor] = []
        self._norms: list[torch.Tensor] = []
        self._steps = 0
        """Of the optimizer in this epoch."""
        self._lr: float | None = None
        self._validated = False
        self._before_validation: set[str] = set()
        self._of_validation: set[str] = set()
        self._first_step: int | None = None
        """The trainer's count when this attempt began; None once its facts are told."""

    def state_dict(self) -> dict[str, Any]:
        """Lightning's checkpoints hold no generators; with these a resumed trial draws what it would have drawn."""
        return {"generators": generators.states()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Before Lightning makes its loaders, which draw from them."""
        generators.restore(state_dict["generators"])

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        if trainer.world_size > 1:
            raise RuntimeError(f"LightningReport: {trainer.world_size} processes train one trial, where one can report")
        self._first_step = trainer.global_step

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        self._hand_in(trainer, more=True)
        self._losses, self._norms, self._steps, self._validated = [], [], 0, False
        if trainer.optimizers:
            self._lr = float(trainer.optimizers[0].param_groups[0]["lr"])
        self._book.begin()

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        self._book.batch_comes()

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        self._steps += 1
        if self._steps % GRADIENT_EVERY == 1:
            gradients = [weight.grad for weight in pl_module.parameters() if weight.grad is not None]
            self._norms.append(get_total_norm(gradients))

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if isinstance(loss, torch.Tensor):
            loss = loss.detach() * trainer.accumulate_grad_batches  # Lightning divides it
            if not self._losses and trainer.current_epoch == 0:
                self._book.trial.tell(initial_loss=loss.item())
            self._losses.append(loss)
        self._book.batch_goes()

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        self._before_validation = set(trainer.callback_metrics)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        if not trainer.sanity_checking:
            self._of_validation |= set(trainer.callback_metrics) - self._before_validation
            self._validated = True
            self._book.batch_goes()

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        self._book.end(trainer.current_epoch + 1)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        self._hand_in(trainer, more=False)

    def _hand_in(self, trainer: Any, *, more: bool) -> None:
        epoch = self._book.ended
        if epoch is None:
            return
        stale = set() if self._validated else self._of_validation
        logged = {name: value for name, value in trainer.callback_metrics.items() if name not in stale}
        measured = named(logged)
        if self._losses:
            measured["train_loss"] = torch.stack(self._losses).double().mean().item()
        if self._norms:
            measured["grad_norm"] = torch.stack(self._norms).mean().item()
        if self._lr is not None:
            measured["lr"] = self._lr
        self._book.metrics = measured
        self._tell(trainer)
        if self._book.is_due(epoch, self._every):
            if more:
                _turn_the_page(trainer.fit_loop.epoch_loop)
            path = self._book.trial.scratch / "epoch.ckpt"
            trainer.save_checkpoint(path)
            self._book.keep(path)
            path.unlink()  # the next one is another file
        self._book.hand_in(more=more)

    def _tell(self, trainer: Any) -> None:
        """After the first epoch of this attempt: only then has Lightning made its loaders and counted its steps."""
        if self._first_step is None:
            return
        module = trainer.lightning_module
        classes = getattr(module, "num_classes", None) or getattr(module.hparams, "num_classes", None)
        self._book.trial.tell(
            n_train=examples(trainer.train_dataloader),
            n_val=examples(trainer.val_dataloaders),
            num_classes=classes if isinstance(classes, int) and classes > 1 else None,
            steps_per_epoch=(trainer.global_step - self._first_step) or None,
            n_parameters=sum(weight.numel() for weight in module.parameters() if weight.requires_grad) or None,
            train_eval="epoch_mean",
            device=str(module.device),
        )
        self._first_step = None


def _turn_the_page(epoch_loop: Any) -> None:
    """What the loop over batches does first when it begins: without it, its state is that of an epoch that is over, and
    who restores it trains nothing in the first epoch."""
    epoch_loop.batch_progress.reset_on_run()
    epoch_loop.scheduler_progress.reset_on_run()
    epoch_loop.automatic_optimization.optim_progress.reset_on_run()
    epoch_loop.val_loop.batch_progress.total.reset()
