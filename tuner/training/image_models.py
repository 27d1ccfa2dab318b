"""The catalogue's models whose output is an image: masks, and inputs that are made again. Torch-free."""

from __future__ import annotations

from tuner.records.catalogue import Component, ParameterSpec
from tuner.training.shared_parameters import (
    ACTIVATION,
    DROPOUT,
    NORMALISATION,
    NORMALISATION_OF_FEATURES,
    SPATIAL_DROPOUT,
)

UP = ParameterSpec(
    "up",
    "text",
    choices=("transposed", "nearest", "bilinear"),
    default="transposed",
    says="how a side is doubled: a transposed convolution, or values in between and a convolution",
)
_SEGMENTATION = (
    ParameterSpec("depth", "int", low=1, default=3, says="each level halves the side; two pixels have to stay"),
    ParameterSpec("width", "int", low=1, default=16, says="channels of the first level; doubled by each next"),
    ParameterSpec("convolutions", "int", low=1, default=2, says="3×3 convolutions in each block"),
    SPATIAL_DROPOUT,
    ACTIVATION,
    ParameterSpec("normalisation", "text", family="normalisation", default="batch", says="before activation"),
)
_CODE = (
    ParameterSpec("code", "int", low=1, default=16, says="numbers that an example is encoded in"),
    ParameterSpec("output", "text", choices=("sigmoid", "linear"), default="sigmoid", says="linear where standardised"),
)
_CODER = (
    ParameterSpec("depth", "int", low=1, default=2, says="levels on either side of the code; each halves the side"),
    ParameterSpec("width", "int", low=1, default=16, says="channels of the first level; doubled by each next"),
)
_BODY = ParameterSpec("body", "text", choices=("cnn", "mlp"), default="cnn", says="convolutions, or connected layers")

IMAGE_MODELS = (
    Component(
        "encoder_decoder",
        "model",
        "tuner.training.models.encoder_decoder:build",
        _SEGMENTATION,
        "for masks: max pooling, and unpooling to where the maxima lay",
    ),
    Component(
        "unet",
        "model",
        "tuner.training.models.unet:build",
        (*_SEGMENTATION, UP),
        "for masks: an encoder and a decoder with skip connections between equal sizes",
    ),
    Component(
        "mlp_autoencoder",
        "model",
        "tuner.training.models.autoencoder:mlp",
        (
            *_CODE,
            ParameterSpec("depth", "int", low=0, default=1, says="hidden layers on either side of the code"),
            ParameterSpec("width", "int", low=1, default=256, says="units of each hidden layer"),
            DROPOUT,
            ACTIVATION,
            NORMALISATION_OF_FEATURES,
        ),
        "fully connected layers to a code and back",
    ),
    Component(
        "cnn_autoencoder",
        "model",
        "tuner.training.models.autoencoder:cnn",
        (*_CODE, *_CODER, UP, SPATIAL_DROPOUT, ACTIVATION, NORMALISATION),
        "strided convolutions to a code and back",
    ),
    Component(
        "variational_autoencoder",
        "model",
        "tuner.training.models.variational:build",
        (
            *_CODE,
            ParameterSpec("beta", "float", low=0.0, default=1.0, says="factor on the KL term; in training only"),
            _BODY,
            *_CODER,
            UP,
            ACTIVATION,
            NORMALISATION,
        ),
        "a distribution of codes for each input; samples from N(0, I)",
    ),
    Component(
        "encoder_classifier",
        "model",
        "tuner.training.models.encoder_classifier:build",
        (_BODY, *_CODER, DROPOUT, ACTIVATION, NORMALISATION),
        "an autoencoder's encoder without its code, and a head: with `weights: RUN` of the autoencoder",
    ),
)
