"""What the replay trains: recorded learning curves, and a surrogate of such curves, behind one interface.

A table has a fixed set of configurations, its rows; a surrogate answers for any configuration. Both know every epoch's
validation loss (lower is better, NaN from where a run broke off) and, a table, its training loss.
"""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tuner.errors import Fault, InputError
from tuner.records.values import Config, Scalar
from tuner.search.cube import decode
from tuner.space import Domain, Float, Int, Parameter, Space

Array = npt.NDArray[np.float64]
CURVES = ("valid_loss", "train_loss")
LCBENCH_EVERY = 6
"""One LCBench data set in so many, by place in the list: none is picked by hand."""
LOG_RANGE = 10.0
"""A column is logarithmic only if its largest value is at least so many times its smallest."""


class Draws(Protocol):
    """The configurations of one sweep over one task."""

    def take(self, config: Config) -> tuple[Any, dict[str, Scalar]] | None:
        """(what to ask curves for, the configuration that is trained); None when no row is left."""
        ...


class Task(Protocol):
    """One problem to tune."""

    table: str
    name: str
    space: Space
    epochs: int
    """Of a full training."""
    best: float
    """The lowest loss of any configuration at any epoch: a surrogate's is looked for."""
    scale: float
    """From there to the median configuration's."""
    initial: float | None
    """Training loss of the untrained network, where known."""

    def draws(self) -> Draws: ...

    def report(self, key: Any, epoch: int) -> dict[str, float]:
        """Metrics after `epoch`, which counts from 1: `val_loss`, and `train_loss` where there is one."""
        ...


# --- tables ------------------------------------------------------------------------------------------------------


class RowsTask:
    """A table's rows. Ranges are the data's own; each column's scale is the one on which it lies most evenly."""

    def __init__(self, table: str, path: Path) -> None:
        self.table = table
        arrays = _read(path)
        self.name = str(arrays["task"]) if "task" in arrays else path.stem
        names = [str(name) for name in arrays["hp_names"]]
        values = np.asarray(arrays["hp64"] if "hp64" in arrays else arrays["hp"], float)
        steps = np.asarray(arrays["steps"])
        first = 1 if len(steps) and steps[0] == 0 else 0  # column 0 is the untrained network
        self._curves = {name[:5]: np.asarray(arrays[name], float) for name in CURVES if name in arrays}
        valid, train = self._curves["valid"], self._curves.get("train")
        start = train[:, 0] if train is not None and first else np.zeros(0)
        self.initial = float(np.median(start[np.isfinite(start)])) if np.isfinite(start).any() else None
        self._curves = {name: curve[:, first:] for name, curve in self._curves.items()}
        self.epochs = valid.shape[1] - first
        self.space, self.rows, self.configs = _space(names, values)
        self.best, self.scale = best_and_scale(self._curves["valid"])

    def draws(self) -> RowDraws:
        return RowDraws(self.space, self.rows, self.configs)

    def report(self, key: int, epoch: int) -> dict[str, float]:
        found = {"val_loss": float(self._curves["valid"][key, epoch - 1])}
        if "train" in self._curves:
            found["train_loss"] = float(self._curves["train"][key, epoch - 1])
        return found


class RowDraws:
    """A suggestion becomes the nearest row not yet used: Euclid in the unit cube that the space maps onto.

    What is trained, and what the searcher is told, is the row's own configuration. Told its own suggestion, a searcher
    would learn that this point has the value of another one, somewhere near: noise that comes from the table alone.
    """

    def __init__(self, space: Space, rows: Array, configs: Sequence[dict[str, Scalar]]) -> None:
        self._space, self._configs = space, configs
        self._rows = rows.copy()
        self._left = len(rows)

    def take(self, config: Config) -> tuple[int, dict[str, Scalar]] | None:
        if not self._left:
            return None
        away = self._rows - self._space.encode(config)
        row = int(np.argmin(np.einsum("ij,ij->i", away, away)))
        self._rows[row] = np.inf
        self._left -= 1
        return row, dict(self._configs[row])


def best_and_scale(valid: Array) -> tuple[float, float]:
    """(lowest loss anywhere, distance from it to the median row's lowest): a row that never was finite is worst."""
    lowest = np.where(np.isfinite(valid), valid, np.inf).min(axis=1)
    best = float(lowest.min())
    for share in (0.5, 0.9, 1.0):
        at = float(np.quantile(lowest, share, method="lower"))
        if math.isfinite(at) and at > best:
            return best, at - best
    finite = lowest[np.isfinite(lowest)]
    spread = float(finite.max() - best) if len(finite) else 0.0
    return best, spread if spread > 0 else 1.0


def read_tables(folder: Path, table: str) -> list[RowsTask]:
    """Every .npz of the folder; raises InputError with all faults."""
    paths = sorted(folder.glob("*.npz")) if folder.is_dir() else []
    if not paths:
        raise InputError("the tables", (Fault(str(folder), None, "name a folder that holds .npz files"),))
    found, faults = [], []
    for path in paths:
        try:
            found.append(RowsTask(table, path))
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError("the tables", tuple(faults))
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        with np.load(path) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InputError("a table", (Fault(str(path), None, f"is not an .npz file of arrays: {error}"),)) from None
    needed = ["hp_names", "steps", "valid_loss", "hp64" if "hp64" in arrays else "hp"]
    faults = [Fault(f"{path.name}: {name}", None, "is missing: add the array") for name in needed if name not in arrays]
    if not faults:
        rows, columns = arrays[needed[-1]].shape if arrays[needed[-1]].ndim == 2 else (0, 0)
        shape = (rows, len(arrays["steps"]))
        wanted = {"hp_names": (columns,), **{name: shape for name in CURVES if name in arrays}}
        faults = [
            Fault(f"{path.name}: {name}", arrays[name].shape, f"expected shape {form}")
            for name, form in wanted.items()
            if arrays[name].shape != form or not rows
        ]
    if not faults and not np.isfinite(np.asarray(arrays[needed[-1]], float)).all():
        faults = [Fault(f"{path.name}: {needed[-1]}", "NaN", "every configuration needs all of its values")]
    if not faults and not np.isfinite(np.asarray(arrays["valid_loss"], float)[:, -len(arrays["steps"]) :]).any():
        faults = [Fault(f"{path.name}: valid_loss", "NaN", "has no finite value: leave the table out")]
    if faults:
        raise InputError("a table", tuple(faults))
    return arrays


def _space(names: Sequence[str], values: Array) -> tuple[Space, Array, list[dict[str, Scalar]]]:
    """(space, rows in its unit cube, configurations in its values) of the columns that vary.

    A column that lies evenly in log(1 − x), as Adam's betas are drawn, is searched as 1 − x, under the same name.
    """
    parameters, columns = [], []
    for name, column in zip(names, values.T, strict=True):
        if column.min() < column.max():
            domain, told = _domain(column)
            parameters.append(Parameter(name, name, domain))
            columns.append([domain.from_unit(domain.to_unit(v)) if isinstance(domain, Int) else v for v in told])
    space = Space(tuple(parameters))
    configs = [dict(zip(space.names, row, strict=True)) for row in zip(*columns, strict=True)]
    rows = np.array([space.encode(config) for config in configs])
    return space, rows, configs


def _domain(column: Array) -> tuple[Domain, list[Scalar]]:
    """The range and scale of a column, and its values as that domain has them."""
    forms: list[tuple[Array, bool]] = [(column, False)]
    if column.min() > 0 and column.max() / column.min() >= LOG_RANGE:
        forms.append((column, True))
    rest = 1.0 - column
    if column.min() >= 0 and rest.min() > 0 and rest.max() / rest.min() >= LOG_RANGE:
        forms.append((rest, True))
    told, log = min(forms, key=lambda form: _unevenness(np.log(form[0]) if form[1] else form[0]))
    if told is column and np.array_equal(column, np.rint(column)) and np.abs(column).max() < 2**53:
        whole = [int(value) for value in column]
        return Int(min(whole), max(whole), log=log), list(whole)
    return Float(float(told.min()), float(told.max()), log=log), [float(value) for value in told]


def _unevenness(values: Array) -> float:
    """Kolmogorov's distance from an even spread over the values' own range."""
    at = (np.sort(values) - values.min()) / (values.max() - values.min())
    return float(np.abs(at - (np.arange(len(at)) + 0.5) / len(at)).max())


# --- the surrogate -----------------------------------------------------------------------------------------------


class LcBenchTask:
    """One data set of YAHPO Gym's surrogate of LCBench; `val_loss` is the share of wrong answers on validation.

    Epoch 1 of the surrogate is the untrained network and 52 repeats 51, so ours are its 2 to 51.
    """

    table, epochs, initial = "lcbench", 50, None

    def __init__(self, folder: Path, name: str) -> None:
        import onnxruntime

        self.name = name
        onnxruntime.set_default_logger_severity(3)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._code = json.loads((folder / "encoding.json").read_text())["OpenML_task_id"][name]
        inputs = json.loads((folder / "io.json").read_text())
        self._columns = inputs["inputs"]["x_cont"]["columns"][1:]
        self._output = inputs["output"]["columns"].index("val_accuracy")
        self.space = _surrogate_space(folder, self._columns)
        self.best, self.scale = self._look_for_the_best()

    def draws(self) -> SurrogateDraws:
        return SurrogateDraws()

    def report(self, key: _Predicted, epoch: int) -> dict[str, float]:
        if epoch > len(key.losses):  # three times as many as before: most trials are pruned early
            upto = min(self.epochs, max(3, 3 * len(key.losses), epoch))
            row = [[float(key.config[name]) for name in self._columns]]  # type: ignore[arg-type]
            key.losses.extend(self.losses(np.array(row), np.arange(len(key.losses) + 1, upto + 1))[0].tolist())
        return {"val_loss": key.losses[epoch - 1]}

    def losses(self, configs: Array, epochs: npt.NDArray[np.int64]) -> Array:
        """[configuration, epoch] of raw values in the surrogate's columns."""
        count = len(configs) * len(epochs)
        inputs = np.column_stack([np.tile(epochs + 1, len(configs)), np.repeat(configs, len(epochs), axis=0)])
        feed = {"x_cat": np.full((count, 1), self._code, np.int32), "x_cont": inputs.astype(np.float32)}
        accuracy = np.asarray(self._session.run(None, feed)[0])[:, self._output].astype(float)
        return 1.0 - accuracy.reshape(len(configs), len(epochs)) / 100.0

    def _look_for_the_best(self) -> tuple[float, float]:
        """Best of 2,000 even draws and of twelve rounds of small steps from the best 20; the scale is the draws'."""
        rng, epochs = np.random.default_rng(0), np.array([10, 30, 50])
        cube = rng.random((2000, len(self._columns)))
        lowest = self.losses(self._decoded(cube), epochs).min(axis=1)
        best, scale = best_and_scale(lowest[:, None])
        for step in range(12):
            kept = np.argsort(lowest)[:20]
            moved = np.repeat(cube[kept], 10, axis=0)
            moved = np.clip(
                moved + rng.normal(0, 0.15 * 0.8**step, moved.shape) * (rng.random(moved.shape) < 0.5), 0, 1
            )
            cube = np.concatenate([cube[kept], moved])
            lowest = np.concatenate([lowest[kept], self.losses(self._decoded(moved), epochs).min(axis=1)])
        curves = self.losses(self._decoded(cube[np.argsort(lowest)[:20]]), np.arange(1, self.epochs + 1))
        found = min(best, float(curves.min()))
        return found, scale + best - found

    def _decoded(self, cube: Array) -> Array:
        configs = [decode(self.space, point) for point in cube]
        return np.array([[float(config[name]) for name in self._columns] for config in configs])  # type: ignore[arg-type]


class _Predicted:
    """A configuration and as many of its epochs as were asked for."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.losses: list[float] = []


class SurrogateDraws:
    """Any configuration is as good as a row."""

    def take(self, config: Config) -> tuple[_Predicted, dict[str, Scalar]] | None:
        return _Predicted(config), dict(config)


def lcbench_names(folder: Path) -> list[str]:
    space = json.loads((folder / "config_space.json").read_text())["hyperparameters"]
    names = next(item["choices"] for item in space if item["name"] == "OpenML_task_id")
    return list(names[::LCBENCH_EVERY])


def _surrogate_space(folder: Path, columns: Sequence[str]) -> Space:
    known = {item["name"]: item for item in json.loads((folder / "config_space.json").read_text())["hyperparameters"]}
    parameters = []
    for name in columns:
        low, high, log = known[name]["lower"], known[name]["upper"], known[name]["log"]
        domain: Domain = Int(low, high, log) if known[name]["type"] == "uniform_int" else Float(low, high, log)
        parameters.append(Parameter(name, name, domain))
    return Space(tuple(parameters))
