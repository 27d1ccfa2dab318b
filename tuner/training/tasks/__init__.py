"""The tasks of the catalogue: where their examples come from. Torch-free, so that a driver can load them."""

from tuner.training.tasks.adding import Adding
from tuner.training.tasks.autoencoding import DigitsAutoencoder, FashionAutoencoder, MNISTAutoencoder
from tuner.training.tasks.cifar10 import CIFAR10
from tuner.training.tasks.curves import Line, Wave
from tuner.training.tasks.digits import Digits
from tuner.training.tasks.elnino import ElNino
from tuner.training.tasks.examples import Examples, Task, cache_folder
from tuner.training.tasks.fashion_transfer import FashionFew, FashionSource
from tuner.training.tasks.housing import Housing
from tuner.training.tasks.idx_images import MNIST, FashionMNIST
from tuner.training.tasks.image_folder import ImageFolder
from tuner.training.tasks.image_masks import ImageMasks, Nuclei
from tuner.training.tasks.text import Text, TinyShakespeare

__all__ = [
    "CIFAR10",
    "MNIST",
    "Adding",
    "Digits",
    "DigitsAutoencoder",
    "ElNino",
    "Examples",
    "FashionAutoencoder",
    "FashionFew",
    "FashionMNIST",
    "FashionSource",
    "Housing",
    "ImageFolder",
    "ImageMasks",
    "Line",
    "MNISTAutoencoder",
    "Nuclei",
    "Task",
    "Text",
    "TinyShakespeare",
    "Wave",
    "cache_folder",
]
