"""A LightningModule in a sweep: `tuner run examples/lightning_digits.yaml`."""

from __future__ import annotations

import lightning.pytorch as lightning
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import tuner


class Digits(lightning.LightningModule):
    num_classes = 10

    def __init__(self, width: int, dropout: float, lr: float, weight_decay: float) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layers = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, 10))

    def training_step(self, batch: list[torch.Tensor], number: int) -> torch.Tensor:
        return nn.functional.cross_entropy(self.layers(batch[0]), batch[1])

    def validation_step(self, batch: list[torch.Tensor], number: int) -> None:
        outputs = self.layers(batch[0])
        self.log("val_loss", nn.functional.cross_entropy(outputs, batch[1]))
        self.log("val_acc", (outputs.argmax(1) == batch[1]).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=self.hparams.lr, weight_decay=self.hparams.weight_decay)


def loop(trial: tuner.Trial) -> None:
    digits = load_digits()
    x, y = torch.tensor(digits.data / 16, dtype=torch.float32), torch.tensor(digits.target)
    config = dict(trial.config)
    train = DataLoader(TensorDataset(x[:1400], y[:1400]), batch_size=config.pop("batch_size"), shuffle=True)
    val = DataLoader(TensorDataset(x[1400:], y[1400:]), batch_size=397)
    trainer = lightning.Trainer(
        max_epochs=trial.max_epochs,
        callbacks=[tuner.LightningReport(trial)],
        logger=False,
        enable_checkpointing=False,  # the trial keeps them
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Digits(**config), train, val, ckpt_path=trial.restore())
