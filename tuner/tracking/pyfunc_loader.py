"""What `mlflow.pyfunc.load_model` calls for a model that a sweep logged: an exported folder. Imports no mlflow."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tuner.errors import Fault, InputError
from tuner.training.exported import exported_weights
from tuner.training.loaded import LoadedModel, load_weights


class Predictor:
    """MLflow's interface around a network."""

    def __init__(self, loaded: LoadedModel) -> None:
        self.loaded = loaded
        """Also by `mlflow.pyfunc.load_model(…).get_raw_model().loaded`."""

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> npt.NDArray[Any]:  # noqa: ARG002
        """Raw inputs, as `tuner.LoadedModel.predict` takes them; there are no `params`."""
        return self.loaded.predict(np.asarray(model_input))


def _load_pyfunc(path: str) -> Predictor:
    weights = exported_weights(Path(path))
    if weights is None:
        raise InputError("no exported network", (Fault(path, None, "weights or config.json are missing"),))
    return Predictor(load_weights(weights, folder=os.getcwd()))  # noqa: PTH109
