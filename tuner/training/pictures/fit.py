"""Numbers that were predicted beside the true ones; with a single input, the curve through the examples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from tuner.training.device_data import DeviceData
from tuner.training.loop import Trainer

POINTS = 500
WIDTH, HEIGHT, MARGIN = 460, 340, 56


def draw(trainer: Trainer, data: DeviceData, task: Any, folder: Path) -> list[Path]:  # noqa: ARG001  (of every picture)
    """Of the first value alone where a task has several."""
    x, y = data.val_x[:POINTS].clone(), data.val_y[:POINTS]
    found = trainer.outputs(x).float()
    if data.scale is not None:
        y, found = data.scale.unscale(y), data.scale.unscale(found)
    y, found = y.flatten(1)[:, 0], found.flatten(1)[:, 0]
    if data.task.input_shape == (1,):
        path = folder / "fitted_curve.svg"
        path.write_text(_curve(x[:, 0], y, found), encoding="utf-8")
    else:
        path = folder / "predicted_and_true.svg"
        path.write_text(_scatter(y, found), encoding="utf-8")
    return [path]


def _curve(x: torch.Tensor, y: torch.Tensor, found: torch.Tensor) -> str:
    both = torch.cat([y, found])
    picture = _Frame((float(x.min()), float(x.max())), (float(both.min()), float(both.max())), "input", "target")
    order = x.argsort()
    line = " ".join("{:.1f},{:.1f}".format(*picture.at(float(x[i]), float(found[i]))) for i in order.tolist())
    dots = picture.dots(x.tolist(), y.tolist())
    return picture.svg(f'{dots}<polyline points="{line}" fill="none" stroke="#c1440e" stroke-width="2"/>')


def _scatter(y: torch.Tensor, found: torch.Tensor) -> str:
    both = torch.cat([y, found])
    span = float(both.min()), float(both.max())
    picture = _Frame(span, span, "true", "predicted")
    (x0, y0), (x1, y1) = picture.at(span[0], span[0]), picture.at(span[1], span[1])
    equal = f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" stroke="#c1440e" stroke-dasharray="4 3"/>'
    return picture.svg(equal + picture.dots(y.tolist(), found.tolist()))


class _Frame:
    """Axes with their ends written at them."""

    def __init__(self, across: tuple[float, float], up: tuple[float, float], x_name: str, y_name: str) -> None:
        self.across, self.up = _widened(across), _widened(up)
        self.names = x_name, y_name

    def at(self, x: float, y: float) -> tuple[float, float]:
        (x0, x1), (y0, y1) = self.across, self.up
        return (
            MARGIN + (x - x0) / (x1 - x0) * (WIDTH - MARGIN - 12),
            (HEIGHT - 36) - (y - y0) / (y1 - y0) * (HEIGHT - 48),
        )

    def dots(self, xs: list[float], ys: list[float]) -> str:
        places = (self.at(x, y) for x, y in zip(xs, ys, strict=True))
        return "".join(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="#1f5fa8" fill-opacity="0.5"/>' for x, y in places
        )

    def svg(self, inside: str) -> str:
        left, bottom = self.at(self.across[0], self.up[0])
        right, top = self.at(self.across[1], self.up[1])
        sideways = f'transform="translate(14,{(top + bottom) / 2}) rotate(-90)" text-anchor="middle"'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
            f'font-size="11"><rect width="100%" height="100%" fill="#fff"/>'
            f'<path d="M{left:.1f} {top:.1f}V{bottom:.1f}H{right:.1f}" fill="none" stroke="#555"/>'
            f'<text x="{left}" y="{bottom + 16}">{self.across[0]:.3g}</text>'
            f'<text x="{right}" y="{bottom + 16}" text-anchor="end">{self.across[1]:.3g}</text>'
            f'<text x="{(left + right) / 2}" y="{bottom + 28}" text-anchor="middle">{self.names[0]}</text>'
            f'<text x="{left - 4}" y="{bottom}" text-anchor="end">{self.up[0]:.3g}</text>'
            f'<text x="{left - 4}" y="{top + 8}" text-anchor="end">{self.up[1]:.3g}</text>'
            f"<text {sideways}>{self.names[1]}</text>"
            f"{inside}</svg>"
        )


def _widened(span: tuple[float, float]) -> tuple[float, float]:
    low, high = span
    return (low, high) if high > low else (low - 0.5, high + 0.5)
