"""MNIST and Fashion-MNIST: 70,000 images of 28×28 in the idx format; 10,000 of them are the task's own test set."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tuner.errors import Fault, InputError
from tuner.training.tasks.examples import Examples, Task, cache_folder


class MNIST(Task):
    """Written digits."""

    name = "mnist"
    classes = tuple("0123456789")
    split = (5 / 6, 1 / 6, 0.0)
    folder_name = "MNIST"

    def load(self, folder: Path | None) -> Examples:
        raw = (self._download() if folder is None else folder) / self.folder_name / "raw"
        paths = {kind: _idx_file(raw, kind) for kind in _IDX}
        missing = [kind for kind, path in paths.items() if path is None]
        if missing:
            cure = (
                f"put {', '.join(f'{kind}.gz' for kind in missing)} into {raw}, name the folder above "
                f"{self.folder_name}/ with data.dir, --data or TUNER_DATA, or name none to have it downloaded"
            )
            raise InputError(f"{self.name} was not found", (Fault("data.dir", str(folder), cure),))
        x, y, test_x, test_y = (_read_idx(path) for path in paths.values() if path is not None)
        return Examples(x[:, None], y.astype(np.int64), test_x[:, None], test_y.astype(np.int64))

    def _download(self) -> Path:
        """Through torchvision, which knows the mirrors and the checksums, into the cache folder of this user."""
        root = cache_folder()
        if all(_idx_file(root / self.folder_name / "raw", kind) for kind in _IDX):
            return root
        import torchvision.datasets  # seconds, and only here

        print(f"downloading {self.name} into {root}")
        try:
            root.mkdir(parents=True, exist_ok=True)
            getattr(torchvision.datasets, self.folder_name)(str(root), download=True)
        except (OSError, RuntimeError) as error:  # what urllib and torchvision raise without a network
            cure = f"could not be downloaded ({error}): name a folder that holds {self.folder_name}/raw/*.gz"
            raise InputError(
                f"{self.name} was not found", (Fault("data.dir, --data or TUNER_DATA", None, cure),)
            ) from error
        return root


class FashionMNIST(MNIST):
    """Garments."""

    name = "fashion_mnist"
    classes: tuple[str, ...] = (
        *("T-shirt", "trouser", "pullover", "dress", "coat"),
        *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
    )
    folder_name = "FashionMNIST"


_IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def _idx_file(raw: Path, kind: str) -> Path | None:
    """torchvision extracts the files beside the `.gz`; either will do, and nothing is written into `raw`."""
    return next((path for path in (raw / f"{kind}.gz", raw / kind) if path.is_file()), None)


def _read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """Magic number (two zeros, type 8 for bytes, dimensions), then the sizes, big-endian, then the bytes."""
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        if raw[:3] != b"\0\0\x08":
            raise ValueError("does not start like an idx file of bytes")
        sizes = np.frombuffer(raw, ">i4", raw[3], 4)
        return np.frombuffer(raw, np.uint8, int(np.prod(sizes)), 4 + 4 * raw[3]).reshape(sizes)
    except (ValueError, EOFError, OSError) as error:
        cure = f"is damaged ({error}): fetch the file again"
        raise InputError("a data file cannot be read", (Fault(str(path), None, cure),)) from error
