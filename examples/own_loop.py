"""A training loop of one's own, which goes on after a crash: `tuner run examples/own_loop.yaml --address none`.

It trains a small variational autoencoder, whose loss has two parts and no target: no trainer of a catalogue fits it.
"""

from __future__ import annotations

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import tuner


class VAE(nn.Module):
    def __init__(self, width: int, code: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 2 * code))
        self.decoder = nn.Sequential(nn.Linear(code, width), nn.ReLU(), nn.Linear(width, 64))

    def loss(self, x: torch.Tensor, beta: float) -> torch.Tensor:
        mean, log_var = self.encoder(x).chunk(2, dim=1)
        code = mean + torch.randn_like(mean) * (0.5 * log_var).exp() if self.training else mean
        rebuilt = nn.functional.binary_cross_entropy_with_logits(self.decoder(code), x, reduction="none").sum(1)
        divergence = 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1)
        return (rebuilt + beta * divergence).mean()


def loop(trial: tuner.Trial) -> None:
    pictures = torch.tensor(load_digits().data / 16, dtype=torch.float32)
    train, val = pictures[:1500], pictures[1500:]
    model = VAE(trial.config["width"], trial.config["code"])
    optimizer = torch.optim.Adam(model.parameters(), lr=trial.config["lr"])
    loader = DataLoader(TensorDataset(train), batch_size=trial.config["batch_size"], shuffle=True)

    first = 1
    if (path := trial.restore()) is not None:  # this trial was lost, or waited at its rung: it goes on
        state = torch.load(path, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["generator"])
        first = state["epoch"] + 1
    trial.tell(n_train=len(train), n_val=len(val), steps_per_epoch=len(loader), train_eval="epoch_mean")

    for epoch in range(first, trial.max_epochs + 1):
        model.train()
        total = 0.0
        for (x,) in trial.batches(loader):
            loss = model.loss(x, trial.config["beta"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        model.eval()
        with torch.no_grad():
            val_loss = model.loss(val, trial.config["beta"])
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
        torch.save(state | {"generator": torch.get_rng_state()}, trial.scratch / "state.pt")
        trial.checkpoint(trial.scratch / "state.pt")
        trial.report(epoch, train_loss=total / len(train), val_loss=val_loss)
