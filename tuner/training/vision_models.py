"""The catalogue's larger classifiers of images: names, parameters and ranges. Torch-free."""

from __future__ import annotations

from tuner.records.catalogue import Component, ParameterSpec
from tuner.training.shared_parameters import ACTIVATION, ATTENTION, DROPOUT

VISION_MODELS = (
    Component(
        "resnet",
        "model",
        "tuner.training.models.resnet:build",
        (
            ParameterSpec("blocks", "int", low=1, default=2, says="in each stage, of two layers"),
            ParameterSpec("stages", "int", low=1, default=3, says="each later one halves the side, doubles the width"),
            ParameterSpec("width", "int", low=1, default=16, says="channels of the first stage"),
            ParameterSpec("skip", "bool", default=True, says="false: the plain network of the same depth"),
            ParameterSpec("order", "text", choices=("post", "pre"), default="post", says="when it activates"),
            ParameterSpec("stem_stride", "int", low=1, high=4, default=1, says="of the first convolution"),
            ATTENTION,
            DROPOUT,
            ACTIVATION,
            ParameterSpec("normalisation", "text", family="normalisation", default="batch", says="of each convolution"),
        ),
        "a residual network of basic blocks",
    ),
)
