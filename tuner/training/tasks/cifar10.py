"""CIFAR-10: 60,000 colour images of 32×32, from the files that torchvision extracts; 10,000 are the task's own test."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tuner.errors import Fault, InputError
from tuner.training.tasks.examples import Examples, Task, cache_folder

FOLDER = "cifar-10-batches-py"
TRAINING = tuple(f"data_batch_{number}" for number in range(1, 6))
FILES = (*TRAINING, "test_batch")
SHAPE = (3, 32, 32)


class CIFAR10(Task):
    """Things and animals."""

    name = "cifar10"
    classes = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    split = (0.9, 0.1, 0.0)

    def load(self, folder: Path | None) -> Examples:
        root = (self._download() if folder is None else folder) / FOLDER
        missing = [name for name in FILES if not (root / name).is_file()]
        if missing:
            cure = (
                f"put {', '.join(missing)} into {root} and name the folder above {FOLDER}/ with data.dir, --data or "
                "TUNER_DATA, or name none to have it downloaded"
            )
            raise InputError("cifar10 was not found", (Fault("data.dir", str(folder), cure),))
        parts = [_read(root / name) for name in TRAINING]
        test_x, test_y = _read(root / "test_batch")
        return Examples(np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts]), test_x, test_y)

    def _download(self) -> Path:
        """Through torchvision, which knows the place and the checksums, into the cache folder of this user."""
        root = cache_folder()
        if all((root / FOLDER / name).is_file() for name in FILES):
            return root
        import torchvision.datasets  # seconds, and only here

        print(f"downloading cifar10 into {root}")
        try:
            root.mkdir(parents=True, exist_ok=True)
            torchvision.datasets.CIFAR10(str(root), download=True)
        except (OSError, RuntimeError) as error:  # what urllib and torchvision raise without a network
            cure = f"could not be downloaded ({error}): name a folder that holds {FOLDER}/"
            fault = Fault("data.dir, --data or TUNER_DATA", None, cure)
            raise InputError("cifar10 was not found", (fault,)) from error
        return root


class _NumbersAlone(pickle.Unpickler):
    """The files are pickles, which could run any code: this reader knows numpy's arrays and nothing else."""

    KNOWN = frozenset(
        {
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
            ("_codecs", "encode"),
        }
    )

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.KNOWN:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no file of CIFAR-10 does")
        return super().find_class(module.replace("numpy.core.", "numpy._core."), name)


def _read(path: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Images [N, 3, 32, 32] and class numbers [N] of one file."""
    try:
        found = _NumbersAlone(io.BytesIO(path.read_bytes()), encoding="bytes").load()
        x, y = np.asarray(found[b"data"], np.uint8).reshape(-1, *SHAPE), np.asarray(found[b"labels"], np.int64)
        if len(x) != len(y):
            raise ValueError(f"{len(x)} images and {len(y)} labels")
    except (pickle.UnpicklingError, KeyError, TypeError, ValueError, EOFError, IndexError) as error:
        cure = f"is damaged ({error}): fetch the file again"
        raise InputError("a data file cannot be read", (Fault(str(path), None, cure),)) from error
    return x, y
