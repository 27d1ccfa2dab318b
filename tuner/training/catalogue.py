"""What can be named in a sweep file: tasks, models, parts, and the parameters that the trainer claims.

Torch-free: the sweep reader checks names and ranges against these tables, and `where` is imported by the worker that
builds the part. To add a component, write the file that builds it and a line here. A parameter that the trainer does
not claim goes to the model's builder under its short name.
"""

from __future__ import annotations

from tuner.records.catalogue import Catalogue, Component, ParameterSpec
from tuner.training.image_models import IMAGE_MODELS
from tuner.training.kinds import KINDS, reported
from tuner.training.sequence_models import SEQUENCE_MODELS
from tuner.training.shared_parameters import (
    ACTIVATION,
    ATTENTION,
    DROPOUT,
    NORMALISATION,
    NORMALISATION_OF_FEATURES,
    SPATIAL_DROPOUT,
)
from tuner.training.torch_tables import OPTIMIZERS, SCHEDULES
from tuner.training.vision_models import VISION_MODELS


def _task(name: str, where: str, says: str, kind: str = "classes", *parameters: ParameterSpec) -> Component:
    """`parameters`: of its constructor, given in `fixed`; no model may have one of the same name."""
    reports = reported(KINDS[kind].metrics)
    return Component(name, "task", f"tuner.training.tasks:{where}", parameters, says, (kind,), reports)


STEPS = ParameterSpec("steps", "int", low=1, default=128, says="characters in a window")

TASKS = (
    _task("cifar10", "CIFAR10", "60,000 colour images of 32×32 pixels, ten classes of things and animals"),
    _task("digits", "Digits", "1,797 digits of 8×8 pixels, from scikit-learn"),
    _task("fashion_mnist", "FashionMNIST", "70,000 garments of 28×28 pixels"),
    _task("fashion_source", "FashionSource", "five classes of Fashion-MNIST, to pre-train on"),
    _task("fashion_few", "FashionFew", "its other five classes, with 20 images each to learn from"),
    _task(
        "image_folder",
        "ImageFolder",
        "images of your own, a folder for each class",
        "classes",
        ParameterSpec("size", "int", low=4, default=64, says="pixels of a side"),
    ),
    _task("mnist", "MNIST", "70,000 written digits of 28×28 pixels"),
    _task(
        "adding",
        "Adding",
        "sequences of random numbers, two of them marked: their sum",
        "values",
        ParameterSpec("length", "int", low=4, default=100, says="steps of a sequence"),
        ParameterSpec("sequences", "int", low=10, default=10_000, says="how many are made, all splits together"),
    ),
    _task("text", "Text", "the characters of a .txt file of your own", "tokens", STEPS),
    _task("tiny_shakespeare", "TinyShakespeare", "1.1 million characters of plays", "tokens", STEPS),
    _task(
        "elnino",
        "ElNino",
        "sea temperatures of 732 months, from statsmodels: the next month",
        "values",
        ParameterSpec("window", "int", low=1, default=24, says="months that are seen"),
    ),
    _task("digits_autoencoder", "DigitsAutoencoder", "the digits, each its own target, pixels from 0 to 1", "itself"),
    _task("fashion_autoencoder", "FashionAutoencoder", "the garments, each its own target, from 0 to 1", "itself"),
    _task("mnist_autoencoder", "MNISTAutoencoder", "the written digits, each its own target, from 0 to 1", "itself"),
    _task(
        "nuclei",
        "Nuclei",
        "80 microscope images of 256×256 pixels, with masks of cell nuclei",
        "mask",
        ParameterSpec("shrink", "int", low=1, default=2, says="squares of so many pixels a side become one"),
    ),
    _task(
        "image_masks",
        "ImageMasks",
        "image/NAME.png beside mask/NAME.png, in a folder of your own",
        "mask",
        ParameterSpec("shrink", "int", low=1, default=1, says="squares of so many pixels a side become one"),
    ),
    _task("line", "Line", "2x − 1 with noise: 20,000 made-up examples", "values"),
    _task("wave", "Wave", "a line and a sine with noise: 40 made-up examples to learn from", "values"),
    _task("housing", "Housing", "house values of 20,640 census block groups, in dollars", "values"),
)

MODELS = (
    Component("softmax", "model", "tuner.training.models.softmax:build", says="one linear layer on the pixels"),
    Component("linear", "model", "tuner.training.models.softmax:build", says="the same, as it is called for numbers"),
    Component(
        "polynomial",
        "model",
        "tuner.training.models.polynomial:build",
        (ParameterSpec("degree", "int", low=1, default=3, says="of the polynomial of each input"),),
        "linear in powers of the inputs",
    ),
    Component(
        "mlp",
        "model",
        "tuner.training.models.mlp:build",
        (
            ParameterSpec("depth", "int", low=0, default=2, says="hidden layers"),
            ParameterSpec("width", "int", low=1, default=128, says="units of each hidden layer"),
            DROPOUT,
            ACTIVATION,
            NORMALISATION_OF_FEATURES,
        ),
        "fully connected layers",
    ),
    Component(
        "cnn",
        "model",
        "tuner.training.models.cnn:build",
        (
            ParameterSpec("blocks", "int", low=1, default=2, says="each halves the side, down to 2 pixels"),
            ParameterSpec("width", "int", low=1, default=32, says="channels of the first block; doubled by each next"),
            ParameterSpec("convolutions", "int", low=1, default=1, says="3×3 convolutions in each block"),
            ParameterSpec("pooling", "text", choices=("max", "average", "stride"), default="max", says="how it halves"),
            ParameterSpec("head", "int", low=0, default=128, says="units between the blocks and the output; 0: none"),
            DROPOUT,
            SPATIAL_DROPOUT,
            ATTENTION,
            ACTIVATION,
            NORMALISATION,
        ),
        "blocks of 3×3 convolutions",
    ),
)

OWN_SCHEDULES = (
    Component("constant", "schedule", "tuner.training.schedules:constant", says="lr throughout"),
    Component(
        "fractional",
        "schedule",
        "tuner.training.schedules:fractional",
        (ParameterSpec("k", "float", low=0.0, default=0.1, says="per epoch"),),
        "lr / (1 + k · epoch)",
    ),
)

_NUMBERS = ("values", "itself")
_SMOOTH = ParameterSpec("smooth", "float", low=0.0, default=1.0, says="pixels added to the overlap and to the sizes")

LOSSES = (
    Component(
        "cross_entropy",
        "loss",
        "torch.nn:CrossEntropyLoss",
        says="of softmax outputs; takes label_smoothing",
        kinds=("classes", "tokens"),
    ),
    Component(
        "multi_margin",
        "loss",
        "torch.nn:MultiMarginLoss",
        (
            ParameterSpec("p", "int", low=1, high=2, default=1, says="power"),
            ParameterSpec("margin", "float", low=0.0, default=1.0),
        ),
        "the hinge loss of several classes",
        kinds=("classes",),
    ),
    Component(
        "hinge",
        "loss",
        "tuner.training.own_losses:Hinge",
        (ParameterSpec("margin", "float", low=0.0, default=1.0),),
        "the two-class hinge loss, each class against the rest",
        kinds=("classes",),
    ),
    Component(
        "msle",
        "loss",
        "tuner.training.own_losses:MSLE",
        says="mean squared error of log(1 + value); targets of 0 and more, as they are",
        kinds=("values",),
    ),
    Component("mse", "loss", "torch.nn:MSELoss", says="mean squared error", kinds=_NUMBERS),
    Component("mae", "loss", "torch.nn:L1Loss", says="mean absolute error", kinds=_NUMBERS),
    Component(
        "huber",
        "loss",
        "torch.nn:HuberLoss",
        (ParameterSpec("delta", "float", low=0.0, open_low=True, default=1.0, says="from where it is linear"),),
        "squared near 0, linear beyond delta",
        kinds=_NUMBERS,
    ),
    Component(
        "bce_with_logits",
        "loss",
        "torch.nn:BCEWithLogitsLoss",
        says="binary cross-entropy of sigmoid outputs",
        kinds=("mask",),
    ),
    Component(
        "bce",
        "loss",
        "tuner.training.own_losses:BinaryCrossEntropy",
        says="binary cross-entropy of outputs and inputs from 0 to 1",
        kinds=("itself",),  # the metrics of a mask take its outputs for logits, those of an image for the image
    ),
    Component(
        "dice",
        "loss",
        "tuner.training.own_losses:Dice",
        (_SMOOTH,),
        "1 − the overlap of sigmoid outputs and mask, an image at a time",
        kinds=("mask",),
    ),
    Component(
        "dice_bce",
        "loss",
        "tuner.training.own_losses:DiceBCE",
        (ParameterSpec("dice", "float", low=0.0, default=1.0, says="factor on the Dice loss"), _SMOOTH),
        "bce_with_logits + the Dice loss",
        kinds=("mask",),
    ),
)

ACTIVATIONS = tuple(
    Component(name, "activation", where)
    for name, where in {
        "celu": "torch.nn:CELU",
        "elu": "torch.nn:ELU",
        "gelu": "torch.nn:GELU",
        "hardswish": "torch.nn:Hardswish",
        "hardtanh": "torch.nn:Hardtanh",
        "identity": "torch.nn:Identity",
        "leaky_relu": "torch.nn:LeakyReLU",
        "maxout": "tuner.training.models.layers:Maxout",
        "mish": "torch.nn:Mish",
        "prelu": "torch.nn:PReLU",
        "relu": "torch.nn:ReLU",
        "relu6": "torch.nn:ReLU6",
        "selu": "torch.nn:SELU",
        "sigmoid": "torch.nn:Sigmoid",
        "silu": "torch.nn:SiLU",
        "softplus": "torch.nn:Softplus",
        "softsign": "torch.nn:Softsign",
        "swish": "torch.nn:SiLU",
        "tanh": "torch.nn:Tanh",
    }.items()
)

NORMALISATIONS = tuple(
    Component(name, "normalisation", "tuner.training.models.layers:normalisation", says=says)
    for name, says in {
        "none": "",
        "batch": "over the batch; poor below 8 samples a batch",
        "layer": "over all features of a sample",
        "instance": "over the pixels of a channel",
        "group": "over groups of channels: 8 groups, or the most that divide the width",
    }.items()
)

AUGMENTATIONS = tuple(
    Component(name, "augmentation", f"tuner.training.augmentation:{name}", says=says)
    for name, says in {
        "flip": "left and right, one in two",
        "crop": "a window of 7/8 of the side, anywhere, scaled up again",
        "translate": "by up to 1/8 of the side, zeros moving in",
        "rotate": "by up to 15 degrees",
        "brightness": "all pixels up or down by up to 0.2 standard deviations",
        "contrast": "times 0.8 to 1.2",
        "noise": "Gaussian, of deviation 0.1: of the standard deviation, or of pixels from 0 to 1",
    }.items()
)

INITIALISATIONS = tuple(
    Component(name, "initialisation", f"tuner.training.initialisation:{name}", says=says)
    for name, says in {
        "default": "torch's own",
        "small_normal": "normal, standard deviation 0.01",
        "lecun": "normal, variance 1 / fan-in",
        "xavier": "uniform, variance 2 / (fan-in + fan-out)",
        "he": "normal, variance 2 / fan-in",
        "zero": "all zero: shows that a network then cannot learn",
    }.items()
)

TRAINER = (
    ParameterSpec("lr", "float", low=0.0, open_low=True, default=1e-3, says="learning rate"),
    ParameterSpec("batch_size", "int", low=1, default=64, says="samples a step"),
    ParameterSpec("weight_decay", "float", low=0.0, says="the optimizer's own default if not given"),
    ParameterSpec("optimizer", "text", family="optimizer", default="adamw", says="any of torch.optim"),
    ParameterSpec("schedule", "text", family="schedule", default="constant", says="of lr, over max_epochs"),
    ParameterSpec("warmup", "float", low=0.0, default=0.0, says="epochs over which lr rises linearly from near 0"),
    ParameterSpec("gradient_clip", "float", low=0.0, default=0.0, says="largest total gradient norm; 0: none"),
    ParameterSpec("label_smoothing", "float", low=0.0, high=1.0, open_high=True, default=0.0, says="in training only"),
    ParameterSpec("mixup", "float", low=0.0, default=0.0, says="alpha: pairs of examples mixed by Beta(alpha, alpha)"),
    ParameterSpec(
        "hardest",
        "float",
        low=0.0,
        high=1.0,
        open_low=True,
        default=1.0,
        says="share of each batch, the largest losses, that is descended",
    ),
    ParameterSpec("l1", "float", low=0.0, default=0.0, says="× the sum of absolute weights, added to the loss"),
    ParameterSpec("patience", "int", low=1, says="epochs without a better metric that end the trial"),
    ParameterSpec("augmentation", "list", family="augmentation", default=(), says="of training batches, in this order"),
    ParameterSpec("augmentation_strength", "float", low=0.0, default=1.0, says="factor on the sizes of augmentations"),
    ParameterSpec("split", "list", says="shares of training, validation and test; only in `fixed`"),
    ParameterSpec(
        "standardise",
        "bool",
        says="inputs, by the training split; as the task has it if not given",
    ),
    ParameterSpec(
        "targets",
        "text",
        choices=("raw", "standardised", "log"),
        default="raw",
        scales_loss=True,
        says="the scale on which numbers are learnt; rmse and mae are in their own unit",
    ),
    ParameterSpec("loss", "text", family="loss", says="the task's own if not given"),
    ParameterSpec("initialisation", "text", family="initialisation", default="default", says="of weights"),
    ParameterSpec("weights", "text", says="that the network starts from: a file, RUN, RUN/TRIAL, pretrained, or none"),
    ParameterSpec("new_head", "bool", default=False, says="with `weights`: its last stage is drawn anew"),
    ParameterSpec(
        "frozen",
        "text",
        choices=("none", "partly", "all"),
        default="none",
        says="all: only the head learns; partly: the stage before it too",
    ),
    ParameterSpec("body_lr", "float", low=0.0, open_low=True, default=1.0, says="× lr for all but the head"),
    ParameterSpec("amp", "text", choices=("off", "bf16", "fp16"), default="off", says="automatic mixed precision"),
    ParameterSpec("compile", "bool", default=False, says="torch.compile; pays off on large models alone"),
    ParameterSpec("channels_last", "bool", says="memory layout of images and convolutions; not given: where it pays"),
)
"""`model` is not among them: the reader and the worker take it by itself."""


def _families(*components: Component) -> dict[str, dict[str, Component]]:
    families: dict[str, dict[str, Component]] = {}
    for component in components:
        families.setdefault(component.family, {})[component.name] = component
    return families


CATALOGUE = Catalogue(
    components=_families(
        *TASKS,
        *MODELS,
        *SEQUENCE_MODELS,
        *IMAGE_MODELS,
        *VISION_MODELS,
        *OPTIMIZERS,
        *OWN_SCHEDULES,
        *SCHEDULES,
        *LOSSES,
        *ACTIVATIONS,
        *NORMALISATIONS,
        *AUGMENTATIONS,
        *INITIALISATIONS,
    ),
    trainer=TRAINER,
)
