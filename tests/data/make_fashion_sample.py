"""Makes the Fashion-MNIST sample of this folder from the original files. See README.md.

python tests/data/make_fashion_sample.py FOLDER      # FOLDER/FashionMNIST/raw/*.gz are the originals
"""

from __future__ import annotations

import gzip
import struct
import sys
from pathlib import Path

import numpy as np

EACH = {"train": 480, "t10k": 120}
"""Images of each of the ten classes: the first so many of the original file, in its order."""


def read(path: Path) -> np.ndarray:
    raw = gzip.decompress(path.read_bytes())
    sizes = struct.unpack_from(f">{raw[3]}i", raw, 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(sizes)


def write(path: Path, array: np.ndarray) -> None:
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}i", *array.shape)
    with path.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:  # same bytes each time
        packed.write(head + array.tobytes())


def main(source: Path) -> None:
    target = Path(__file__).parent / "FashionMNIST" / "raw"
    target.mkdir(parents=True, exist_ok=True)
    for part, each in EACH.items():
        images, labels = f"{part}-images-idx3-ubyte.gz", f"{part}-labels-idx1-ubyte.gz"
        y = read(source / "FashionMNIST" / "raw" / labels)
        rows = np.sort(np.concatenate([np.flatnonzero(y == label)[:each] for label in range(10)]))
        write(target / images, read(source / "FashionMNIST" / "raw" / images)[rows])
        write(target / labels, y[rows])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
