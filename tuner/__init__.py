"""Tune any PyTorch model, and be told why each trial went wrong and what to try next.

Names are resolved when they are first used: `import tuner` loads neither torch, ray, mlflow nor optuna.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuner.api.entry import diagnose as diagnose
    from tuner.api.entry import open_run as open_run
    from tuner.api.entry import run as run
    from tuner.api.export import load as load
    from tuner.api.result import Result as Result
    from tuner.errors import InputError as InputError
    from tuner.errors import RunError as RunError
    from tuner.errors import SweepFileError as SweepFileError
    from tuner.errors import TunerError as TunerError
    from tuner.training.integrations.lightning import LightningReport as LightningReport
    from tuner.training.integrations.transformers import TransformersReport as TransformersReport
    from tuner.training.loaded import LoadedModel as LoadedModel
    from tuner.training.trial import StopTrial as StopTrial
    from tuner.training.trial import Trial as Trial

__version__ = "0.1.0"

_HOMES = {
    "InputError": "tuner.errors",
    "LightningReport": "tuner.training.integrations.lightning",
    "LoadedModel": "tuner.training.loaded",
    "Result": "tuner.api.result",
    "RunError": "tuner.errors",
    "StopTrial": "tuner.training.trial",
    "SweepFileError": "tuner.errors",
    "TransformersReport": "tuner.training.integrations.transformers",
    "Trial": "tuner.training.trial",
    "TunerError": "tuner.errors",
    "diagnose": "tuner.api.entry",
    "load": "tuner.api.export",
    "open_run": "tuner.api.entry",
    "run": "tuner.api.entry",
}
_NEEDS = {"LightningReport": "lightning", "TransformersReport": "transformers"}
__all__ = sorted(name for name in _HOMES if name not in _NEEDS or find_spec(_NEEDS[name]))


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'tuner' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
