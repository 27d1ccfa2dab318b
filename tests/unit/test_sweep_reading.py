"""What a sweep file comes to: values, branches, defaults of sections, flags and environment, and back to text."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.space_strategies import SCALARS, TEXT, spaces
from tests.unit.sweep_kit import CATALOGUE, DESIGN, SMALL, faults_of, only_fault, read, with_space
from tuner.errors import InputError, SweepFileError
from tuner.space import Choice, Constant, Float, Int, Space, arguments
from tuner.sweep import (
    Metric,
    Resources,
    Search,
    Stop,
    Sweep,
    Tracking,
    dump_sweep,
    parse_sweep,
    ray_address,
    read_config,
    sweep_from_mapping,
)
from tuner.sweep.sections import CheckpointsSection, DataSection, RetriesSection


def test_the_designs_own_example() -> None:
    sweep = read(DESIGN)
    assert (sweep.name, sweep.slug, sweep.task, sweep.model, sweep.loop) == (
        "fashion-cnn",
        "fashion-cnn",
        "fashion_mnist",
        None,
        None,
    )
    assert sweep.metric == Metric("val_loss", "min")
    assert sweep.space.names == (
        "model",
        "model.mlp.depth",
        "model.mlp.width",
        "model.cnn.blocks",
        "model.cnn.width",
        "lr",
        "batch_size",
        "dropout",
        "weight_decay",
        "optimizer",
        "optimizer.sgd.momentum",
        "optimizer.sgd.nesterov",
    )
    assert sweep.space["lr"].domain == Float(1e-5, 1.0, log=True)
    assert (sweep.space["lr"].default, sweep.space["lr"].has_default) == (1e-3, True)
    assert sweep.space["model.mlp.width"].domain == Int(32, 512, log=True)
    assert sweep.space["optimizer"].domain == Choice(("adamw", "sgd"))
    assert sweep.fixed == {"schedule": "cosine", "augmentation": ("flip",), "split": (0.8, 0.1, 0.1)}
    assert sweep.search == Search("tpe", {"startup": 10}, "asha", {"grace": 1, "eta": 3}, 64, 27, True, None, ())
    assert sweep.stop == Stop(2.0, {"val_loss": 0.2})
    assert sweep.resources == Resources(1.0, 0.25)
    assert sweep.seed == 7
    assert sweep.notes == ()


def test_what_is_left_out_has_the_defaults_of_the_schema() -> None:
    sweep = read(SMALL)
    assert sweep.metric == Metric("val_loss", "min")
    searcher, scheduler = ("rung_tpe", {"startup": 10}), ("asha_promotion", {"grace": 1, "eta": 3})
    assert sweep.search == Search(*searcher, *scheduler, 64, 27, True, None, ())
    assert (sweep.data, sweep.retries, sweep.checkpoints) == (DataSection(), RetriesSection(), CheckpointsSection())
    assert (sweep.storage, sweep.tracking, sweep.seed, sweep.name) == (None, Tracking(), 0, "sweep")


@pytest.mark.parametrize(
    "options",
    [
        "[adamw, sgd]",
        "{adamw: , sgd: {}}",
        "[adamw: , sgd]",
        "[{adamw: {}}, sgd: null]",
        "\n  - adamw\n  - sgd:",
    ],
)
def test_a_choice_is_a_list_or_a_mapping_and_a_branch_may_be_empty(options: str) -> None:
    sweep = read(
        with_space(f"optimizer: {{choice: {options}}}" if "\n" not in options else f"optimizer:\n  choice:{options}")
    )
    assert sweep.space["optimizer"].domain == Choice(("adamw", "sgd"))
    assert len(sweep.space) == 1


def test_branches_of_numbers_and_truth_values_nest_too() -> None:
    sweep = read("""\
        loop: pkg.train:loop
        space:
          depth: {choice: {1: , 2: {width: {choice: [8, 16]}}}}
          bias: {choice: [true, false: {scale: {float: [0.5, 1], default: 1}}]}
          note: no
        """)
    assert sweep.space.names == ("depth", "depth.2.width", "bias", "bias.false.scale", "note")
    assert sweep.space["depth.2.width"].parent_value == 2
    assert sweep.space["bias.false.scale"].parent_value is False
    assert sweep.space["note"].domain == Constant("no")


def test_the_trainers_simple_parameters_may_stand_in_a_branch() -> None:
    sweep = read(with_space("optimizer: {choice: {adamw: {lr: {float: [1e-4, 0.1]}}, sgd: {lr: {float: [0.01, 1]}}}}"))
    assert sweep.space.names == ("optimizer", "optimizer.adamw.lr", "optimizer.sgd.lr")


def test_settings_are_what_is_fixed_and_over_it_the_trials_own() -> None:
    sweep = read(
        SMALL + "fixed: {optimizer: {sgd: {momentum: 0.9}}, schedule: {step: {step_size: 3}}, split: [0.8, 0.2, 0]}"
    )
    settings = sweep.settings({"lr": 0.1})
    assert settings == {
        "model": "mlp",
        "optimizer": "sgd",
        "optimizer.sgd.momentum": 0.9,
        "schedule": "step",
        "schedule.step.step_size": 3,
        "split": (0.8, 0.2, 0),
        "lr": 0.1,
    }
    assert arguments(settings, "optimizer") == ("sgd", {"momentum": 0.9})


@pytest.mark.parametrize(
    ("text", "metric"),
    [
        ("val_loss", Metric("val_loss", "min")),
        ("{name: val_accuracy, mode: max}", Metric("val_accuracy", "max")),
        ("{name: bleu_loss}", Metric("bleu_loss", "min")),
        ("{name: odd_loss, mode: max}", Metric("odd_loss", "max")),
    ],
)
def test_metrics(text: str, metric: Metric) -> None:
    assert read(SMALL + f"metric: {text}").metric == metric


def test_searchers_and_schedulers_by_name_or_with_options() -> None:
    search = read(SMALL + "search: {algorithm: {tpe: {startup: 3}}, scheduler: none}").search
    assert (search.algorithm, search.algorithm_options) == ("tpe", {"startup": 3})
    assert (search.scheduler, search.scheduler_options) == ("none", {})
    search = read(SMALL + "search: {algorithm: random, scheduler: {asha: }}").search
    assert (search.algorithm, search.scheduler_options) == ("random", {"grace": 1, "eta": 3})


def test_a_grace_above_max_epochs_is_clipped_and_said() -> None:
    sweep = read(SMALL + "search: {max_epochs: 5, scheduler: {asha: {grace: 9}}}")
    assert sweep.search.scheduler_options == {"grace": 5, "eta": 3}
    assert sweep.notes == ("search.scheduler: grace 9 is above max_epochs and was clipped to 5",)


def test_a_grid_ends_by_itself_and_its_size_is_said() -> None:
    sweep = read(SMALL + "search: {algorithm: {grid: {points: 4}}}")
    assert sweep.search.trials is None
    assert "has 4 points" in sweep.notes[0]
    assert read(SMALL + "search: {algorithm: grid, trials: 3}").search.trials == 3


def test_a_parameter_that_some_models_ignore_is_said() -> None:
    sweep = read("task: digits\nspace: {model: {choice: [softmax, mlp]}, dropout: {float: [0, 0.5]}}")
    assert sweep.notes == ("dropout does nothing with softmax: nest it in the models that take it",)


def test_an_empty_space_is_said() -> None:
    assert "every trial has the same configuration" in read("task: digits\nmodel: mlp\nspace: {}\n").notes[0]


def test_enqueued_configurations_are_flat_or_nested_and_filled_up_from_the_defaults() -> None:
    space = """\
        lr: {float: [1e-4, 1], default: 0.01}
        weight_decay: 0.1
        optimizer:
          choice:
            - adamw
            - sgd: {momentum: {float: [0, 0.9], default: 0.5}, nesterov: {choice: [true, false]}}
        """
    rest = """\
search:
  enqueue:
    - {lr: 1, optimizer: adamw}
    - {optimizer: {sgd: {nesterov: true}}}
    - {optimizer.sgd.momentum: 0.25, optimizer.sgd.nesterov: false}
"""
    shared = {"lr": 0.01, "weight_decay": 0.1, "optimizer": "sgd"}
    assert read(with_space(space, rest=rest)).search.enqueue == (
        {"lr": 1.0, "weight_decay": 0.1, "optimizer": "adamw"},
        {**shared, "optimizer.sgd.momentum": 0.5, "optimizer.sgd.nesterov": True},
        {**shared, "optimizer.sgd.momentum": 0.25, "optimizer.sgd.nesterov": False},
    )
    found = faults_of(with_space(space, rest="search:\n  enqueue:\n    - {optimizer: {sgd: {}}}\n    - {lr: 9}\n"))
    assert [(fault.line, fault.where) for fault in found] == [
        (12, "search.enqueue[0].optimizer.sgd.nesterov"),
        (13, "search.enqueue[1].lr"),
    ]


@pytest.mark.parametrize(
    ("text", "size"), [("4GB", 4 * 10**9), ("512 MiB", 512 * 2**20), ("1.5gib", 3 * 2**29), ("1000", 1000)]
)
def test_memory_has_a_unit(text: str, size: int) -> None:
    assert read(SMALL + f"resources: {{memory: {text}}}").resources.memory == size


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Größe & Höhe", "groe-hohe"),
        ("  A/B: test #2 ", "a-b-test-2"),
        ("日本", "sweep"),
        ("x" * 99, "x" * 60),
    ],
)
def test_a_name_is_free_text_and_its_slug_a_folder(name: str, slug: str) -> None:
    assert read(SMALL + f"name: '{name}'").slug == slug


# --- flags and environment ---------------------------------------------------------------------------------------


def test_a_flag_beats_the_file_and_the_file_beats_the_environment() -> None:
    environment = {"MLFLOW_TRACKING_URI": "http://env", "MLFLOW_EXPERIMENT_NAME": "42", "TUNER_DATA": "", "HOME": "x"}
    assert read(SMALL, environment=environment).tracking == Tracking("http://env", "42", "all")
    assert read(SMALL, environment=environment).data.dir is None
    text = SMALL + "tracking: {uri: 'http://file'}\n"
    assert read(text, environment=environment).tracking == Tracking("http://file", "42", "all")
    flag = {"tracking.uri": "http://flag", "data.dir": "2024"}
    sweep = read(text, environment=environment, overrides=flag)
    assert (sweep.tracking.uri, sweep.data.dir) == ("http://flag", "2024")


def test_the_clusters_address_is_in_no_file() -> None:
    assert ray_address("ray://flag", {"RAY_ADDRESS": "ray://env"}) == "ray://flag"
    assert ray_address(None, {"RAY_ADDRESS": "ray://env"}) == "ray://env"
    assert ray_address(None, {"RAY_ADDRESS": ""}) is None


def test_flags_set_values_by_the_rules_of_the_file() -> None:
    sweep = read(
        DESIGN,
        overrides={
            "search.trials": "20",
            "search.scheduler.asha.eta": "4",
            "search.doomed": "false",
            "space.lr.float": "[1e-3, 1e-1]",
            "space.lr.default": "null",
            "space.lr": "{float: [1e-3, 1e-1], log: true}",
            "space.model.choice.mlp.depth": "3",
            "space.optimizer.choice.sgd.momentum": "0.5",
            "space.optimizer.choice.adam.beta1": "0.8",
            "fixed.schedule.step.step_size": "5",
            "fixed.split.0": "0.7",
            "fixed.split.1": "0.2",
            "name": "2024",
            "metric": "{name: val_accuracy, mode: max}",
        },
    )
    assert (sweep.search.trials, sweep.search.doomed, sweep.name) == (20, False, "2024")
    assert sweep.search.scheduler_options == {"grace": 1, "eta": 4}
    assert (sweep.space["lr"].domain, sweep.space["lr"].has_default) == (Float(1e-3, 1e-1, log=True), False)
    assert sweep.space["model.mlp.depth"].domain == Constant(3)
    assert sweep.space["optimizer.sgd.momentum"].domain == Constant(0.5)
    assert sweep.space["optimizer"].domain == Choice(("adamw", "sgd", "adam"))
    assert sweep.space["optimizer.adam.beta1"].domain == Constant(0.8)
    assert sweep.fixed["schedule.step.step_size"] == 5
    assert sweep.fixed["split"] == (0.7, 0.2, 0.1)


def test_a_name_that_stands_alone_opens_for_its_options() -> None:
    sweep = read(SMALL + "search: {scheduler: asha}", overrides={"search.scheduler.asha.grace": "2"})
    assert sweep.search.scheduler_options == {"grace": 2, "eta": 3}


@pytest.mark.parametrize(
    ("path", "text", "cure"),
    [
        ("search.trials", "many", "whole number"),
        ("search.trails", "3", "did you mean `trials`?"),
        ("space.lr.float", "[1, 0]", "not below"),
        ("space.lr", "[1", "cannot be read"),
        ("search..trials", "3", "PATH=VALUE"),
        ("serach.trials", "3", "did you mean `search`?"),
    ],
)
def test_a_fault_in_a_flag_names_the_flag(path: str, text: str, cure: str) -> None:
    found = [fault for fault in faults_of(SMALL, overrides={path: text}) if fault.where == f"--set {path}"]
    assert found, faults_of(SMALL, overrides={path: text})
    assert found[0].line is None
    assert cure in found[0].cure


def test_a_fault_names_the_flag_as_it_was_typed() -> None:
    fault = only_fault(SMALL, overrides={"search.trials": "0"}, flags={"search.trials": "--trials"})
    assert str(fault) == "--trials = 0: write a number of at least 1"


def test_a_fault_in_the_environment_names_the_variable() -> None:
    assert only_fault(SMALL, environment={"MLFLOW_TRACKING_URI": "http://a:b@c"}).where == "MLFLOW_TRACKING_URI"


def test_a_configuration_from_the_command_line() -> None:
    space = read(DESIGN).space
    given = {"lr": "1", "optimizer.sgd.nesterov": "false", "model": "cnn", "batch_size": "32"}
    config = read_config(given, space)
    assert config == {"lr": 1.0, "optimizer.sgd.nesterov": False, "model": "cnn", "batch_size": 32}
    assert isinstance(config["lr"], float)
    assert space.contains(space.complete(config))
    with pytest.raises(InputError) as caught:
        read_config({"lr": "2", "lrr": "1", "momentum": "0.5", "model.mlp.depth": "2", "model": "cnn"}, space)
    assert {fault.where for fault in caught.value.faults} == {
        "--config lr",
        "--config lrr",
        "--config momentum",
        "--config model.mlp.depth",
    }
    text = read("loop: p.t:f\nspace: {version: {choice: ['1e-5', '2']}, flag: {choice: [1, 2]}}").space
    assert read_config({"version": "1e-5", "flag": "2"}, text) == {"version": "1e-5", "flag": 2}


# --- from Python, and back to text -------------------------------------------------------------------------------


def test_a_mapping_is_read_like_a_file() -> None:
    data = yaml.safe_load(DESIGN.replace("1e-5", "0.00001").replace("1e-3", "0.001").replace("1e-6", "0.000001").replace("1e-2", "0.01"))  # fmt: skip  # noqa: E501
    assert sweep_from_mapping(data, catalogue=CATALOGUE) == read(DESIGN)


def test_numpy_numbers_and_tuples_are_values_in_a_mapping() -> None:
    space = {"lr": {"float": (np.float64(1e-4), 1), "log": True}, "batch_size": {"choice": [np.int64(32), 64]}}
    sweep = sweep_from_mapping({"loop": "__main__:train", "space": space}, catalogue=CATALOGUE)
    assert sweep.space["lr"].domain == Float(1e-4, 1.0, log=True)
    assert sweep.space["batch_size"].domain == Choice((32, 64))


def test_faults_of_a_mapping_have_paths_and_no_lines() -> None:
    data = {"task": "digits", "model": "mlp", "space": {"lr": [1, 2], "fn": {"choice": [print]}}, "sede": 1}
    with pytest.raises(SweepFileError) as caught:
        sweep_from_mapping(data, catalogue=CATALOGUE)
    assert {fault.where: fault.line for fault in caught.value.faults} == {
        "space.fn.choice[0]": None,
        "sede": None,
        "space.lr": None,
        "space.fn": None,
    }


def test_a_sweep_crosses_processes() -> None:
    sweep = read(DESIGN)
    assert pickle.loads(pickle.dumps(sweep)) == sweep


@pytest.mark.parametrize("text", [SMALL, DESIGN, SMALL + "retries: {silent_minutes: null}"])
def test_a_dumped_sweep_reads_back_to_an_equal_one(text: str) -> None:
    sweep = read(text)
    assert parse_sweep(dump_sweep(sweep), path="again.yaml", catalogue=CATALOGUE) == sweep


OPTIONS = st.builds(
    lambda **options: {name: value for name, value in options.items() if value is not None},
    uri=st.none() | st.just("sqlite:///mlflow.db") | st.just("http://127.0.0.1:5000"),
    experiment=st.none() | TEXT,
    curves=st.sampled_from(("all", "none")),
)
NUMBERS = st.floats(0.001, 1e9)
TARGETS = st.dictionaries(TEXT.map(lambda text: text + "_loss"), NUMBERS, max_size=2)
MEMORY = st.none() | st.integers(1, 2**40)
RESOURCES = st.one_of(
    st.builds(Resources, NUMBERS, st.sampled_from((0.0, 0.25, 1.0, 2.0)), MEMORY),
    st.builds(Resources, NUMBERS, st.sampled_from((0.0, 1.0)), MEMORY, workers=st.integers(1, 9)),
)


@st.composite
def sweeps(draw: st.DrawFn) -> Sweep:
    space: Space = draw(spaces())
    max_epochs = draw(st.integers(1, 100))
    scheduler = draw(st.sampled_from(({}, {"grace": draw(st.integers(1, max_epochs)), "eta": draw(st.integers(2, 9))})))
    algorithm = draw(st.sampled_from((("tpe", {"startup": 7}), ("random", {}), ("grid", {"points": 2}))))
    first = tuple(space.sample(np.random.default_rng(seed)) for seed in range(draw(st.integers(0, 2))))
    fixed = {
        f"Fixed{i}": value for i, value in enumerate(draw(st.lists(SCALARS | st.tuples(SCALARS, SCALARS), max_size=3)))
    }
    mode = draw(st.sampled_from(("min", "max")))
    return Sweep(
        name=draw(TEXT),
        metric=Metric(draw(TEXT), mode),
        space=space,
        loop="pkg.train:loop",
        fixed=fixed,
        data=DataSection(dir=draw(st.none() | TEXT), limit=draw(st.none() | st.integers(1, 10**6))),
        search=Search(
            *algorithm,
            "asha" if scheduler else "none",
            scheduler,
            draw(st.integers(1, 10**4)),
            max_epochs,
            draw(st.booleans()),
            draw(st.none() | st.integers(1, 64)),
            first,
        ),
        stop=Stop(draw(st.none() | NUMBERS), draw(TARGETS)),
        resources=draw(RESOURCES),
        retries=RetriesSection(times=draw(st.integers(0, 9)), silent_minutes=draw(st.none() | NUMBERS)),
        checkpoints=CheckpointsSection(keep=draw(st.integers(1, 9)), every=draw(st.integers(1, 9))),
        storage=draw(st.none() | st.just("some/folder")),
        tracking=Tracking(**draw(OPTIONS)),
        seed=draw(st.integers(0, 2**32 - 1)),
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(sweeps())
def test_any_sweep_reads_back_equal(sweep: Sweep) -> None:
    text = dump_sweep(sweep)
    assert parse_sweep(text, path=Path("again.yaml"), catalogue=CATALOGUE) == sweep
