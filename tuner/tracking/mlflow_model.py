"""An MLflow model's folder: the export of a trial's weights, and what MLflow has to know to load it.

It is a `python_function` model whose loader is ours, so nothing is pickled and no torch is needed to write it. The
folder is written by hand: `pyfunc.save_model` reads the metadata of every installed package to warn of mismatches,
0.7 to 1.3 seconds of a sweep's end, and `pytorch.log_model` takes some ten.
"""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
import yaml
from mlflow.entities import LoggedModel
from mlflow.models import Model, ModelSignature
from mlflow.types.schema import Schema, TensorSpec

from tuner.tracking.best_model import BestModel
from tuner.training.exported import write_export

LOADER = "tuner.tracking.pyfunc_loader"
_PACKAGES = ("mlflow", "numpy", "safetensors", "torch", "tuner")
_EXAMPLE, _SERVED = "input_example.json", "serving_input_example.json"


def write_model(folder: Path, best: BestModel, logged: LoggedModel) -> None:
    """`folder` is made; `logged` is MLflow's record that it will belong to."""
    folder.mkdir(parents=True)
    write_export(best.weights, best.record, folder / "network", best.known)
    model = Model(
        artifact_path=logged.artifact_location,
        model_uuid=logged.model_id,
        model_id=logged.model_id,
        run_id=logged.source_run_id,
        signature=_signature(best),
        saved_input_example_info=_example(folder, best),
    )
    model.add_flavor(
        "python_function",
        loader_module=LOADER,
        data="network",
        python_version=platform.python_version(),
        env={"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
    )
    model.model_size_bytes = best.weights.stat().st_size
    _environment(folder)
    model.save(str(folder / "MLmodel"))


def _signature(best: BestModel) -> ModelSignature | None:
    if best.input is None:
        return None
    schemas = [
        None if given is None else Schema([TensorSpec(np.dtype(given[0]), given[1])])
        for given in (best.input, best.output)
    ]
    return ModelSignature(*schemas)


def _example(folder: Path, best: BestModel) -> dict[str, str] | None:
    """As `Model.load_input_example` reads it, and as a server is asked."""
    if best.example is None:
        return None
    rows = best.example.tolist()
    (folder / _EXAMPLE).write_text(json.dumps(rows), encoding="utf-8")
    (folder / _SERVED).write_text(json.dumps({"inputs": rows}), encoding="utf-8")
    return {"artifact_path": _EXAMPLE, "type": "ndarray", "serving_input_path": _SERVED}


def _environment(folder: Path) -> None:
    """What has to be installed where the model is loaded."""
    requirements = [f"{name}=={version(name)}" for name in _PACKAGES]
    python = platform.python_version()
    (folder / "requirements.txt").write_text("\n".join(requirements) + "\n", encoding="utf-8")
    env = {"python": python, "build_dependencies": ["pip"], "dependencies": ["-r requirements.txt"]}
    (folder / "python_env.yaml").write_text(yaml.safe_dump(env, sort_keys=False), encoding="utf-8")
    conda = {
        "name": "mlflow-env",
        "channels": ["conda-forge"],
        "dependencies": [f"python={python}", "pip", {"pip": requirements}],
    }
    (folder / "conda.yaml").write_text(yaml.safe_dump(conda, sort_keys=False), encoding="utf-8")
