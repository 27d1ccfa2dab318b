"""The tasks of the catalogue: where their examples come from. Torch-free, so that a driver can load them."""

from tuner.training.tasks.digits import Digits
from tuner.training.tasks.examples import Examples, Task, cache_folder
from tuner.training.tasks.idx_images import MNIST, FashionMNIST

__all__ = ["MNIST", "Digits", "Examples", "FashionMNIST", "Task", "cache_folder"]
