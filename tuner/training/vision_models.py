"""The catalogue's larger classifiers of images: names, parameters and ranges. Torch-free."""

from __future__ import annotations

from tuner.records.catalogue import Component, ParameterSpec
from tuner.training.shared_parameters import ACTIVATION, ATTENTION, DROPOUT
from tuner.training.torchvision_names import BACKBONES

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
    Component(
        "vit",
        "model",
        "tuner.training.models.vit:build",
        (
            ParameterSpec("patch", "int", low=1, default=4, says="pixels of a patch's side"),
            ParameterSpec("depth", "int", low=1, default=4, says="blocks"),
            ParameterSpec("heads", "int", low=1, default=4, says="of attention, in each block"),
            ParameterSpec("width", "int", low=1, default=64, says="of a token, rounded up to a multiple of heads"),
            DROPOUT,
        ),
        "a small vision transformer",
    ),
    Component(
        "backbone",
        "model",
        "tuner.training.models.backbone:build",
        (
            ParameterSpec("name", "text", choices=BACKBONES, default="resnet18", says="any classifier of torchvision"),
            ParameterSpec(
                "grey", "text", choices=("repeat", "replace"), default="repeat", says="images of one channel"
            ),
            ParameterSpec("scaled", "int", low=0, default=0, says="pixels of a side; 0: as they are"),
        ),
        "a network of torchvision",
    ),
)
