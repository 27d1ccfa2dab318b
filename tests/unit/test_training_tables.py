"""The torch-free tables say what torch and the builders say."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

from tuner.records.catalogue import Component
from tuner.training import tables, torch_tables
from tuner.training.augmentation import WAYS as AUGMENTATIONS
from tuner.training.catalogue import CATALOGUE
from tuner.training.initialisation import WAYS as INITIALISATIONS
from tuner.training.kinds import KINDS, reported
from tuner.training.locate import locate, signature_of


def test_the_generated_tables_are_those_of_the_installed_torch() -> None:
    assert len(torch_tables.OPTIMIZERS) >= 13
    assert tables.optimizers() == torch_tables.OPTIMIZERS
    assert tables.schedules() == torch_tables.SCHEDULES


def built(family: str) -> list[Component]:
    return list(CATALOGUE.family(family).values())


@pytest.mark.parametrize("component", [c for f in CATALOGUE.components for c in built(f)], ids=lambda c: c.name)
def test_every_component_is_where_the_table_says(component: Component) -> None:
    if component.family == "initialisation":
        assert component.name == "default" or component.name in INITIALISATIONS
    elif component.family == "augmentation":
        assert component.name in AUGMENTATIONS
    else:
        assert callable(locate(component.where))


@pytest.mark.parametrize("component", built("model"), ids=lambda c: c.name)
def test_a_models_table_is_its_builders_signature(component: Component) -> None:
    builder = locate(component.where)
    assert signature_of(builder).required == ()
    assert set(signature_of(builder).optional) == {spec.name for spec in component.parameters}
    defaults = {name: item.default for name, item in inspect.signature(builder).parameters.items()}
    for spec in component.parameters:
        assert defaults[spec.name] == spec.default


def test_every_word_allowed_for_a_family_is_a_component() -> None:
    specs = [spec for model in built("model") for spec in model.parameters] + list(CATALOGUE.trainer)
    assert any(spec.family for spec in specs)
    for spec in specs:
        if spec.family:
            assert set(spec.choices) <= set(CATALOGUE.family(spec.family))
            assert not isinstance(spec.default, str) or spec.default in CATALOGUE.family(spec.family)


def test_metrics_name_no_parameter_of_the_trainer_but_lr() -> None:
    assert {spec.name for spec in CATALOGUE.trainer} & {
        name for kind in KINDS.values() for name in reported(kind.metrics)
    } == {"lr"}


def test_the_tables_the_plan_and_the_data_need_no_torch() -> None:
    modules = "catalogue, plan, data, settings, worker, run_one, trial, user_loop, locate"
    code = f"import sys; from tuner.training import {modules}; print('torch' in sys.modules, 'sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
