"""The reader's tables hold what the rooms above it build, and reading imports none of the heavy libraries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tuner.errors import InputError
from tuner.search import make
from tuner.space import Float, Parameter, Space
from tuner.sweep.claims import PARTS
from tuner.sweep.methods import ALGORITHMS, SCHEDULERS
from tuner.training import settings
from tuner.training.catalogue import CATALOGUE

ROOT = Path(__file__).parents[2]
SPACE = Space((Parameter("lr", "lr", Float(0.1, 1.0)),))


def test_every_searcher_and_scheduler_of_the_tables_is_built_with_its_options() -> None:
    assert ALGORITHMS
    for method in ALGORITHMS.values():
        searcher = make.make_searcher(method.name, method.defaults(), SPACE, mode="min", seed=0)
        assert searcher.name == method.name
    for method in SCHEDULERS.values():
        assert make.make_scheduler(method.name, method.defaults(), max_epochs=9).name == method.name


def test_search_builds_no_other() -> None:
    for known, build in (
        (ALGORITHMS, lambda name: make.make_searcher(name, {}, SPACE, mode="min", seed=0)),
        (SCHEDULERS, lambda name: make.make_scheduler(name, {}, max_epochs=9)),
    ):
        with pytest.raises(InputError) as caught:
            build("nothing")
        (fault,) = caught.value.faults
        assert all(name in fault.cure for name in known)
        assert len(fault.cure.split(",")) == len(known)


def test_parts_with_parameters_of_their_own_are_the_trainers() -> None:
    assert PARTS == settings.PARTS


def test_every_family_that_a_parameter_names_is_in_the_catalogue() -> None:
    specs = [*CATALOGUE.trainer]
    specs += [spec for parts in CATALOGUE.components.values() for part in parts.values() for spec in part.parameters]
    families = {spec.family for spec in specs if spec.family is not None}
    assert families
    for family in families:
        assert CATALOGUE.family(family), family


READ = """
import sys
from tuner.sweep import read_sweep, sweep_from_mapping, dump_sweep
from tuner.training.catalogue import CATALOGUE
dump_sweep(read_sweep("search_spaces/digits_mlp.yaml", catalogue=CATALOGUE))
heavy = {"torch", "torchvision", "ray", "optuna", "mlflow", "pandas", "scipy", "sklearn", "rich"}
print(sorted(heavy & set(sys.modules)))
"""


def test_reading_a_file_imports_neither_torch_nor_ray_nor_optuna_nor_mlflow() -> None:
    done = subprocess.run([sys.executable, "-c", READ], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
