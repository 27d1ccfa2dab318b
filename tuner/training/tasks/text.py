"""Text, a character at a time: which character comes next?

The text is cut into windows that do not overlap, and each character's target is the next one, so that every character
is predicted once. The first windows train, the next ones validate, the last ones test: a network is judged by text
that comes after all that it has read. The first characters of a window are predicted from little, so bits for a
character (`val_bits`) are compared at one length of window.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tuner.errors import Fault, InputError
from tuner.training.tasks.examples import Array, Examples, Task


class Text(Task):
    """The one .txt file of the data folder. Tokens [windows, steps] and the same a character on."""

    name = "text"
    kind = "tokens"
    split = (0.9, 0.05, 0.05)
    file = "*.txt"

    def __init__(self, steps: int = 128) -> None:
        self.steps = steps

    def load(self, folder: Path | None) -> Examples:
        path = self._path(folder)
        tokens, characters = encode(_read(path))
        windows = (len(tokens) - 1) // self.steps
        if windows < 3:
            cure = f"{path} has {len(tokens):,} characters, too few for three windows of {self.steps}"
            raise InputError("too little text", (Fault("fixed.steps", self.steps, cure),))
        x, y = (tokens[first : first + windows * self.steps].reshape(windows, self.steps) for first in (0, 1))
        return Examples(x, y, ordered=True, vocabulary=len(characters), characters=characters)

    def _path(self, folder: Path | None) -> Path:
        found = sorted(folder.glob(self.file)) if folder is not None else []
        if len(found) == 1:
            return found[0]
        cure = f"name the folder that holds {self._wanted()} with data.dir, --data or TUNER_DATA"
        if len(found) > 1:
            cure = f"there are {', '.join(path.name for path in found[:5])}: leave one of them in the folder"
        raise InputError(f"{self.name} was not found", (Fault("data.dir", folder and str(folder), cure),))

    def _wanted(self) -> str:
        return "one .txt file, in UTF-8"


class TinyShakespeare(Text):
    """1,115,394 characters of his plays, 65 distinct."""

    name = "tiny_shakespeare"
    file = "tinyshakespeare.txt"

    def _wanted(self) -> str:
        return f"{self.file} (of karpathy/char-rnn on GitHub: data/tinyshakespeare/input.txt, so named)"


def encode(text: str) -> tuple[Array, str]:
    """(each character's number, the distinct characters: a number is a place in it), in the order of Unicode."""
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    known, tokens = np.unique(codes, return_inverse=True)
    return tokens.astype(np.int64), "".join(map(chr, known.tolist()))


def decode(tokens: Array, characters: str) -> str:
    return "".join(characters[number] for number in np.asarray(tokens).tolist())


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        cure = f"cannot be read as UTF-8 ({error}): convert it"
        raise InputError("a text that cannot be read", (Fault(str(path), None, cure),)) from error
