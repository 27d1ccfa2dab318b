"""Images of the user's own: a folder with a folder for each class, `data.dir/cat/01.jpg`, `data.dir/dog/02.png`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from tuner.errors import Fault, InputError
from tuner.training.tasks.examples import Examples, Task

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm")
SHOWN = 8
"""Faults that are told one by one; of more there is the number."""
FEWEST = 3
"""Images of a class: one to learn from, one to be judged by, one for the final test."""


class ImageFolder(Task):
    """All images in one size and in the same channels: one where every image is grey, else three."""

    name = "image_folder"

    def __init__(self, size: int = 64) -> None:
        """`size`: pixels of a side. An image is scaled so that its shorter side has as many, and cut to its middle."""
        self.size = size

    def load(self, folder: Path | None) -> Examples:
        root = self._root(folder)
        files = {path.name: _files(path) for path in sorted(root.iterdir()) if path.is_dir() and path.name[:1] != "."}
        faults = [
            Fault(str(root / name), len(found), f"a class needs at least {FEWEST} images ({', '.join(SUFFIXES)})")
            for name, found in files.items()
            if len(found) < FEWEST
        ]
        if len(files) < 2:
            faults.append(Fault(str(root), len(files), "two classes or more: a folder of images for each of them"))
        images: list[npt.NDArray[np.uint8]] = []
        labels: list[int] = []
        for label, found in enumerate(files.values()):
            for path in found:
                image = self._image(path, faults)
                if image is not None:
                    images.append(image)
                    labels.append(label)
        if faults:
            more = [Fault(str(root), len(faults) - SHOWN, "more of these")] if len(faults) > SHOWN else []
            raise InputError("the images cannot be used", (*faults[:SHOWN], *more))
        self.classes = tuple(files)
        channels = max(len(image) for image in images)
        x = np.stack([np.broadcast_to(image, (channels, *image.shape[1:])) for image in images])
        return Examples(x, np.asarray(labels, np.int64))

    def _root(self, folder: Path | None) -> Path:
        if folder is None or not folder.is_dir():
            cure = "name a folder that holds a folder of images for each class, with data.dir, --data or TUNER_DATA"
            raise InputError("image_folder was not found", (Fault("data.dir", folder and str(folder), cure),))
        return folder

    def _image(self, path: Path, faults: list[Fault]) -> npt.NDArray[np.uint8] | None:
        """[1 or 3, size, size]."""
        try:
            with Image.open(path) as opened:
                grey = opened.mode in ("1", "L", "LA", "F")
                deep = opened.mode.startswith("I")  # 16 bits, which Pillow would cut off at 255
                image = Image.fromarray(_eight_bits(opened)) if deep else opened.convert("L" if grey else "RGB")
        except (UnidentifiedImageError, OSError, ValueError) as error:
            faults.append(Fault(str(path), None, f"is no image that can be read ({error})"))
            return None
        factor = self.size / min(image.size)
        image = image.resize(tuple(max(self.size, round(side * factor)) for side in image.size))  # type: ignore[arg-type]
        left, top = ((side - self.size) // 2 for side in image.size)
        pixels = np.asarray(image.crop((left, top, left + self.size, top + self.size)))
        return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _eight_bits(image: Image.Image) -> npt.NDArray[np.uint8]:
    return (np.asarray(image).astype(np.int64) // 256).clip(0, 255).astype(np.uint8)


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES and path.is_file()]
