"""The catalogue's models of sequences and text. Torch-free."""

from __future__ import annotations

from tuner.records.catalogue import Component, ParameterSpec
from tuner.training.shared_parameters import ACTIVATION, DROPOUT, NORMALISATION_OF_FEATURES

SEQUENCE_MODELS = (
    Component(
        "rnn",
        "model",
        "tuner.training.models.rnn:build",
        (
            ParameterSpec(
                "cell",
                "text",
                choices=("rnn", "irnn", "lstm", "gru"),
                default="lstm",
                says="rnn: plain, tanh; irnn: ReLU that begins as the identity",
            ),
            ParameterSpec("layers", "int", low=1, default=1, says="one above the other"),
            ParameterSpec("width", "int", low=1, default=64, says="features of a state; of a token's embedding too"),
            DROPOUT,
            ParameterSpec(
                "gates",
                "text",
                choices=("short", "long"),
                default="short",
                says="of lstm and gru begin to hold for some steps, or for up to a sequence's length",
            ),
            ParameterSpec("bidirectional", "bool", default=False, says="reads from both ends; never of text"),
        ),
        "recurrent network over sequences and text",
    ),
    Component(
        "cnn1d",
        "model",
        "tuner.training.models.cnn1d:build",
        (
            ParameterSpec("blocks", "int", low=1, default=4, says="each sees twice as far as the one before"),
            ParameterSpec("width", "int", low=1, default=32, says="channels of each block"),
            ParameterSpec("kernel", "int", low=1, default=3, says="steps that a convolution sees"),
            ParameterSpec("reach", "text", choices=("dilation", "stride"), default="dilation", says="how it grows"),
            ParameterSpec(
                "pooling", "text", choices=("average", "max", "none"), default="average", says="over the steps left"
            ),
            DROPOUT,
            ACTIVATION,
            NORMALISATION_OF_FEATURES,
        ),
        "convolutions over the steps of a sequence",
    ),
    Component(
        "transformer",
        "model",
        "tuner.training.models.transformer:build",
        (
            ParameterSpec("layers", "int", low=1, default=2, says="one above the other"),
            ParameterSpec("width", "int", low=1, default=64, says="features of a token; a multiple of heads"),
            ParameterSpec("heads", "int", low=1, default=4, says="of attention"),
            DROPOUT,
        ),
        "decoder over text: a step sees what came before it",
    ),
)
