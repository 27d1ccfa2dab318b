"""Makes the files beside it, each with the tool that writes such files: `python make_histories.py [TOOL...]`.

A tiny network learns noisy labels from forty samples, so that every file shows the same thing: overfitting. The tools
are no requirement of this project; README.md names their versions.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

os.environ |= {"KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}

import numpy as np
import torch

HERE = Path(__file__).parent
EPOCHS, BATCH = 30, 10


def data() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(100, 20)).astype(np.float32)
    y = ((x[:, 0] + 1.2 * rng.normal(size=100)) > 0).astype(np.int64)
    return x[:40], y[:40], x[40:], y[40:]


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(20, 64), torch.nn.ReLU(), torch.nn.Linear(64, 2))


def epochs() -> Iterator[tuple[list[float], float]]:
    """The losses of an epoch's steps, and the validation loss after it."""
    x, y, xv, yv = map(torch.from_numpy, data())
    net = network()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    loss_of = torch.nn.functional.cross_entropy
    for _ in range(EPOCHS):
        steps = []
        for rows in torch.randperm(len(x)).split(BATCH):
            loss = loss_of(net(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            steps.append(float(loss.detach()))
        with torch.no_grad():
            yield steps, float(loss_of(net(xv), yv))


def tensorboard() -> None:
    from torch.utils.tensorboard import SummaryWriter

    for name in ("tensorboard", "tensorboard_steps"):
        shutil.rmtree(HERE / name, ignore_errors=True)
    with (
        SummaryWriter(HERE / "tensorboard" / "by_epoch") as by_epoch,
        SummaryWriter(HERE / "tensorboard" / "parts") as parts,
        SummaryWriter(HERE / "tensorboard_steps") as by_step,
    ):
        at = 0
        for epoch, (steps, val) in enumerate(epochs()):
            for loss in steps:
                by_step.add_scalar("Loss/train", loss, at)
                at += 1
            by_step.add_scalar("Loss/validation", val, at - 1)
            by_epoch.add_scalar("Loss/train", np.mean(steps), epoch)
            by_epoch.add_scalar("Loss/val", val, epoch)
            parts.add_scalars("loss", {"train": float(np.mean(steps)), "val": val}, epoch)
    for file in (HERE / "tensorboard").rglob("events.*"):
        if file.parent.name == "parts":
            file.unlink()  # says nothing: the values are in the folders below
    for file in HERE.rglob("events.out.tfevents.*"):
        file.rename(file.with_name("events.out.tfevents.0.host"))  # else it names this machine


def lightning() -> None:
    import lightning as pl
    from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
    from torch.utils.data import DataLoader, TensorDataset

    class Net(pl.LightningModule):
        def __init__(self, on_epoch: bool) -> None:
            super().__init__()
            self.net, self.on_epoch = network(), on_epoch

        def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
            loss = torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1])
            self.log("train_loss", loss, on_step=True, on_epoch=self.on_epoch)
            return loss

        def validation_step(self, batch: list[torch.Tensor], _: int) -> None:
            logits = self.net(batch[0])
            self.log("val_loss", torch.nn.functional.cross_entropy(logits, batch[1]))
            self.log("val_acc", (logits.argmax(1) == batch[1]).float().mean())

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=0.01)

    x, y, xv, yv = map(torch.from_numpy, data())
    train = DataLoader(TensorDataset(x, y), BATCH, shuffle=True)
    val = DataLoader(TensorDataset(xv, yv), len(xv))
    for name, on_epoch in (("lightning_metrics.csv", True), ("lightning_steps_metrics.csv", False)):
        with tempfile.TemporaryDirectory() as folder:
            loggers = [CSVLogger(folder, name="", version=""), TensorBoardLogger(folder, name="", version="events")]
            trainer = pl.Trainer(
                max_epochs=EPOCHS,
                logger=loggers,
                accelerator="cpu",
                log_every_n_steps=2,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
            )
            trainer.fit(Net(on_epoch), train, val)
            shutil.copy(Path(folder) / "metrics.csv", HERE / name)
            if on_epoch:
                (HERE / "tensorboard_lightning").mkdir(exist_ok=True)
                (events,) = (Path(folder) / "events").glob("events.*")
                shutil.copy(events, HERE / "tensorboard_lightning" / "events.out.tfevents.0.host")


def huggingface() -> None:
    from transformers import Trainer, TrainingArguments

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = network()

        def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
            logits = self.net(x)
            return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}

    x, y, xv, yv = data()
    train = [{"x": row, "labels": label} for row, label in zip(x, y, strict=True)]
    val = [{"x": row, "labels": label} for row, label in zip(xv, yv, strict=True)]
    for name, every in (("huggingface_trainer_state.json", None), ("huggingface_eval_steps.json", 10)):
        with tempfile.TemporaryDirectory() as folder:
            arguments = TrainingArguments(
                output_dir=folder,
                num_train_epochs=EPOCHS if every is None else 10,
                per_device_train_batch_size=BATCH if every is None else 2,
                learning_rate=0.01,
                logging_steps=2 if every is None else 5,
                eval_strategy="epoch" if every is None else "steps",
                eval_steps=every,
                save_strategy="no",
                report_to="none",
                use_cpu=True,
                disable_tqdm=True,
            )
            trainer = Trainer(Net(), arguments, train_dataset=train, eval_dataset=val)
            trainer.train()
            trainer.save_state()
            shutil.copy(Path(folder) / "trainer_state.json", HERE / name)


def keras() -> None:
    import keras

    keras.utils.set_random_seed(0)
    x, y, xv, yv = data()
    layers = [keras.Input((20,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(2, "softmax")]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    log = keras.callbacks.CSVLogger(str(HERE / "keras_log.csv"))
    kept = model.fit(x, y, BATCH, EPOCHS, validation_data=(xv, yv), callbacks=[log], verbose=0)
    (HERE / "keras_history.json").write_text(json.dumps(kept.history) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for tool in sys.argv[1:] or ("tensorboard", "lightning", "huggingface", "keras"):
        globals()[tool]()
