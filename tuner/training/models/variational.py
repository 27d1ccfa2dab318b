"""The variational autoencoder (Kingma and Welling 2014): a normal distribution for each input, and samples.

Its loss is reconstruction + KL, with

    KL = ½ Σ (μ² + σ² − 1 − log σ²) over the code, against N(0, I), divided by the numbers of an example

so that it stands in the unit of a mean over pixels: with `bce` the sum is the bound on −log p(x), in nats a pixel. In
training it counts `beta` times (Higgins et al. 2017), in evaluation once: val_loss can be compared whatever `beta` is,
and a search cannot win by making the term small.
"""

from __future__ import annotations

import torch
from torch import nn

from tuner.training.models import coders, dense
from tuner.training.models.autoencoder import check
from tuner.training.task_info import TaskInfo

EVALUATED_SEED = 0
"""Of the noise in evaluations, so that a network is given the same value each time."""


class VariationalAutoencoder(nn.Module):
    """Inputs -> (reconstructions, the Kullback-Leibler term)."""

    def __init__(self, encoder: nn.Sequential, decoder: nn.Module, code: int, beta: float) -> None:
        """`encoder` gives 2 × `code` numbers: means, then logarithms of variances."""
        super().__init__()
        self.encoder, self.decoder, self.code, self.beta = encoder, decoder, code, beta

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean, log_variance = self.encode(x)
        if self.training:
            noise = torch.randn_like(mean)
        else:
            noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(EVALUATED_SEED)).to(mean)
        found = self.decoder(mean + noise * (log_variance / 2).exp())
        return found, kl(mean, log_variance) / x[0].numel() * (self.beta if self.training else 1.0)

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Means and logarithms of variances, each [N, code], in single precision."""
        mean, log_variance = self.encoder(x).float().chunk(2, 1)
        return mean, log_variance

    def sample(self, codes: torch.Tensor) -> torch.Tensor:
        """Codes [N, code], drawn from N(0, I) by the caller -> inputs that never were."""
        found: torch.Tensor = self.decoder(codes)
        return found


def kl(mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
    """KL(N(mean, variance) ‖ N(0, I)) in nats, summed over the code [N, code], the mean over examples."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()


def build(
    task: TaskInfo,
    code: int = 16,
    beta: float = 1.0,
    body: str = "cnn",
    depth: int = 2,
    width: int = 16,
    up: str = "transposed",
    output: str = "sigmoid",
    activation: str = "relu",
    normalisation: str = "none",
) -> nn.Module:
    """`body`: the encoder and the decoder of `cnn_autoencoder` or of `mlp_autoencoder`, with `depth` and `width` as
    there."""
    check("variational_autoencoder", task)
    given = depth, width, 0.0, activation, normalisation
    if body == "mlp":
        encoder, decoder = coders.mlp_encoder(task, 2 * code, *given), coders.mlp_decoder(task, code, output, *given)
        return VariationalAutoencoder(encoder, decoder, code, beta)
    dense.check("variational_autoencoder", task, depth)
    encoder = coders.cnn_encoder(task, 2 * code, *given)
    return VariationalAutoencoder(encoder, coders.cnn_decoder(task, code, up, output, *given), code, beta)
