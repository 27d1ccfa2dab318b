"""Augmentation of whole batches on the device: every image draws for itself, from the trial's own generator.

Each takes a batch [N, channels, height, width], a generator on the CPU and a strength (1: the sizes said in the
catalogue; 0: nothing happens), and returns a new batch. A draw is one small tensor, so no step waits for a device.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch.nn import functional

from tuner.errors import Fault, InputError

Augment = Callable[[torch.Tensor, torch.Generator, float], torch.Tensor]


def _uniform(x: torch.Tensor, generator: torch.Generator, *columns: int) -> torch.Tensor:
    """From −1 to 1, a row for each image."""
    drawn = torch.rand(len(x), *columns, generator=generator) * 2 - 1
    return drawn.to(x.device, x.dtype, non_blocking=True)


def flip(x: torch.Tensor, generator: torch.Generator, strength: float) -> torch.Tensor:
    """Mirrors half of the images; with a strength below 1 fewer."""
    drawn = torch.rand(len(x), generator=generator) < 0.5 * min(strength, 1.0)
    return torch.where(drawn.to(x.device, non_blocking=True)[:, None, None, None], x.flip(-1), x)


def crop(x: torch.Tensor, generator: torch.Generator, strength: float) -> torch.Tensor:
    """A window of 1 − strength/8 of the side, anywhere in the image."""
    share = min(strength, 7.0) / 8
    return _warp(x, scale=1 - share, shift=_uniform(x, generator, 2) * share)


def translate(x: torch.Tensor, generator: torch.Generator, strength: float) -> torch.Tensor:
    """By up to strength/8 of the side, in whole pixels, so that nothing is blurred."""
    sides = torch.tensor(x.shape[-2:]).flip(0).to(x.device, x.dtype)
    pixels = (_uniform(x, generator, 2) * sides * strength / 8).round()
    return _warp(x, shift=pixels * 2 / sides)


def rotate(x: torch.Tensor, generator: torch.Generator, strength: float) -> torch.Tensor:
    """By up to 15 degrees times the strength, either way."""
    return _warp(x, angle=_uniform(x, generator) * (math.pi / 12 * strength))


def brightness(x: torch.Tensor, generator: torch.Generator, strength: float) -> torch.Tensor:
    return x + 0.2 * strength * _uniform(x, generator, 1, 1, 1)


def contrast(x: torch.Tensor, generator: torch.Generator, strength: float) -> torch.Tensor:
    return x * (1 + 0.2 * strength * _uniform(x, generator, 1, 1, 1))


def noise(x: torch.Tensor, generator: torch.Generator, strength: float) -> torch.Tensor:
    drawn = torch.randn(x.shape, generator=generator)
    return x + 0.1 * strength * drawn.to(x.device, x.dtype, non_blocking=True)


def _warp(
    x: torch.Tensor,
    *,
    scale: float = 1.0,
    shift: torch.Tensor | None = None,
    angle: torch.Tensor | None = None,
) -> torch.Tensor:
    """Each image read at scaled, rotated and shifted places; what comes in from outside is its darkest value."""
    turn = torch.zeros(len(x), device=x.device, dtype=x.dtype) if angle is None else angle
    height, width = x.shape[-2:]
    cos, sin = turn.cos() * scale, turn.sin() * scale
    theta = torch.zeros(len(x), 2, 3, device=x.device, dtype=x.dtype)
    theta[:, 0, 0], theta[:, 0, 1] = cos, -sin * (height / width)
    theta[:, 1, 0], theta[:, 1, 1] = sin * (width / height), cos
    if shift is not None:
        theta[:, :, 2] = shift
    grid = functional.affine_grid(theta, list(x.shape), align_corners=False)
    darkest = x.amin((-2, -1), keepdim=True)  # 0 is mid-grey in standardised images
    return functional.grid_sample(x - darkest, grid, align_corners=False) + darkest


WAYS: dict[str, Augment] = {
    "flip": flip,
    "crop": crop,
    "translate": translate,
    "rotate": rotate,
    "brightness": brightness,
    "contrast": contrast,
    "noise": noise,
}


GEOMETRIC = ("flip", "crop", "translate", "rotate")
"""What moves pixels: a mask, or an image that is its own target, moves with them."""


class Augmentation:
    """The named ones, one after the other."""

    def __init__(
        self, names: Sequence[str], strength: float, input_shape: Sequence[int], kind: str = "classes"
    ) -> None:
        """`kind`: of the targets, as in `training.kinds`."""
        if names and len(input_shape) != 3:
            cure = "the examples of this task are no images: leave it out"
            raise InputError("augmentation needs images", (Fault("augmentation", list(names), cure),))
        self.ways, self.strength = [WAYS[name] for name in names], strength
        self._names, self._kind = tuple(names), kind

    def __call__(
        self, x: torch.Tensor, y: torch.Tensor | None, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(inputs, targets). Targets that are images move as the inputs do; noise and light change inputs alone."""
        for name, way in zip(self._names, self.ways, strict=True):
            if y is not None and name in GEOMETRIC and self._kind in ("mask", "itself"):
                state = generator.get_state()
                y = way(y, generator, self.strength)
                y = y.round() if self._kind == "mask" else y
                generator.set_state(state)  # the same draw again
            x = way(x, generator, self.strength)
        return x, y
