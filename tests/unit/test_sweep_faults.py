"""Every fault of a sweep file at once, each at its line and with its cure."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.unit.sweep_kit import CATALOGUE, DESIGN, SMALL, faults_of, only_fault, with_space
from tuner.errors import Fault, InputError, SweepFileError
from tuner.sweep import parse_sweep

NINE = """\
name: nine
task: fashion_mnst
space:
  model:
    choice:
      mlp: {depth: {int: [1, 6]}, wdith: {int: [32, 512]}}
      cnn: {blocks: {int: [1, 3]}}
  lr: {float: [1, 1e-5], log: true}
  batch_size: [32, 64, 128]
  dropout: {float: [0, 1.5]}
  optimizer:
    choice:
      - adamww
      - sgd: {momentum: {float: [0, 0.99], default: 2}}
fixed: {schedule: cosine, split: [0.8, 0.1, 0.2]}
search:
  trails: 20
"""


def test_nine_planted_faults_come_in_one_message_each_with_its_line() -> None:
    with pytest.raises(SweepFileError) as caught:
        parse_sweep(NINE, path="nine.yaml", catalogue=CATALOGUE)
    expected = [
        (2, "task", "did you mean `fashion_mnist`?"),
        (6, "space.model.mlp.wdith", "did you mean `width`?"),
        (8, "space.lr.float", "write [1e-05, 1]"),
        (9, "space.batch_size", "did you mean `choice`?"),
        (10, "space.dropout", "at least 0 and below 1"),
        (13, "space.optimizer", "did you mean `adamw`?"),
        (14, "space.optimizer.sgd.momentum.default", "outside the range"),
        (15, "fixed.split", "sum to 1.1"),
        (17, "search.trails", "did you mean `trials`?"),
    ]
    found = caught.value.faults
    assert [(fault.line, fault.where) for fault in found] == [(line, where) for line, where, _ in expected]
    message = str(caught.value).splitlines()
    assert message[0] == "nine.yaml: 9 to mend"
    for row, (line, where, cure) in zip(message[1:], expected, strict=True):
        assert row.startswith(f"  line {line}: {where}")
        assert cure in row
    assert caught.value.exit_code == 2


def test_the_designs_own_example_has_no_fault() -> None:
    assert faults_of(DESIGN) == ()


@pytest.mark.parametrize(
    ("space", "where", "line", "cure"),
    [
        ("lr: {float: [0.1, 0.1]}", "space.lr.float", 4, "write `0.1` alone"),
        ("lr: {float: [0, 1], log: true}", "space.lr.float", 4, "above 0"),
        ("lr: {float: [0.1]}", "space.lr.float", 4, "two bounds"),
        ("lr: {float: 0.1}", "space.lr.float", 4, "two bounds"),
        ("lr: {float: [low, 1]}", "space.lr.float", 4, "a bound is a number"),
        ("lr: {float: [0.1, 1_000]}", "space.lr.float", 4, "write 1000"),
        ("lr: {float: [0.1, .inf]}", "space.lr.float", 4, "finite"),
        ("lr: {float: [0.1, 1], log: yes}", "space.lr.log", 4, "true or false"),
        ("lr: {float: [0.1, 1], lgo: true}", "space.lr.lgo", 4, "did you mean `log`?"),
        ("lr: {flaot: [0.1, 1]}", "space.lr", 4, "did you mean `float`?"),
        ("lr: {float: [0.1, 1], choice: [1]}", "space.lr", 4, "at once"),
        ("lr: {log: true}", "space.lr", 4, "write {float: [low, high]}"),
        ("lr: {float: [0.1, 1], default: 2}", "space.lr.default", 4, "a number from 0.1 to 1"),
        ("lr: {float: [0.1, 1], default: [0.1]}", "space.lr.default", 4, "one value"),
        ("lr: .nan", "space.lr", 4, "finite"),
        ("lr: -1", "space.lr", 4, "lr is above 0"),
        ("lr: {float: [0, 1]}", "space.lr", 4, "lr is above 0"),
        ("lr: fast", "space.lr", 4, "is a number"),
        ("lr: null", "space.lr", 4, "null says nothing"),
        ("batch_size: {float: [1, 64]}", "space.batch_size", 4, "write {int: [low, high]}"),
        ("batch_size: {int: [1.5, 64]}", "space.batch_size.int", 4, "whole number"),
        ("batch_size: {int: [0, 64]}", "space.batch_size", 4, "at least 1"),
        ("batch_size: {choice: [32, 0]}", "space.batch_size", 4, "at least 1"),
        ("batch_size: {choice: [32, 32]}", "space.batch_size", 4, "twice"),
        ("batch_size: {choice: [32, '32']}", "space.batch_size", 4, "twice"),
        ("batch_size: {choice: []}", "space.batch_size", 4, "needs options"),
        ("batch_size: {choice: 32}", "space.batch_size", 4, "as a list"),
        ("batch_size: {choice: [32], log: true}", "space.batch_size.log", 4, "no scale"),
        ("batch_size: {choice: [[32]]}", "space.batch_size", 4, "one value"),
        ("standardise: {choice: [yes, false]}", "space.standardise", 4, "YAML 1.2"),
        ("standardise: {float: [0, 1]}", "space.standardise", 4, "a choice"),
        ("amp: bf61", "space.amp", 4, "did you mean `bf16`?"),
        ("split: {choice: [0.5]}", "space.split", 4, "in `fixed`"),
        ("activation: {choice: [relu, leeky_relu]}", "space.activation", 4, "did you mean `leaky_relu`?"),
        ("optimizer:\n  choice:\n    - adamw\n    - sgd: {momentun: 0.9}", "space.optimizer.sgd.momentun", 7, "`momentum`"),  # noqa: E501
        ("optimizer: {choice: {adamw: {momentum: 0.9}}}", "space.optimizer.adamw.momentum", 4, "`sgd` does"),
        ("optimizer: {choice: {adamw: 3}}", "space.optimizer.adamw", 4, "parameters by name"),
        ("optimizer: {choice: {adamw: {schedule: cosine}}}", "space.optimizer.adamw.schedule", 4, "the trainer's"),
        ("optimizer: {adamw: {}, sgd: {}}", "space.optimizer", 4, "under `choice`"),
        ("optimizer: {choice: [{adamw: {}, sgd: {}}]}", "space.optimizer", 4, "one name with its parameters"),
        ("amp: {choice: {off: {lr: 0.1}, bf16: {}}}", "space.amp.off.lr", 4, "write it at the top"),
        ("momentum: 0.9", "space.momentum", 4, "`optimizer: {sgd: {momentum: ...}}`"),
        ("blocks: 2", "space.blocks", 4, "`cnn` does"),
        ("optimiser: adamw", "space.optimiser", 4, "did you mean `optimizer`?"),
        ("optimizer.sgd.momentum: 0.9", "space.optimizer.sgd.momentum", 4, "nest it"),
        ("3: 0.9", "space.3", 4, "name"),
        ("schedule: step", "space.schedule.step.step_size", 4, "is needed by `step`"),
        ("width: {choice: {8: {depth: 1}, 16: {}}}\ndepth: 3", "space.depth", 5, "the same builder"),
        ("model: cnn", "model", 2, "is in `space` too"),
    ],
)  # fmt: skip
def test_faults_of_the_space(space: str, where: str, line: int, cure: str) -> None:
    fault = only_fault(with_space(space))
    assert (fault.where, fault.line) == (where, line)
    assert cure in fault.cure


@pytest.mark.parametrize(
    ("rest", "where", "cure"),
    [
        ("fixed: {lr: 0.1}", "fixed.lr", "is in `space` too (line 4)"),
        ("fixed: {schedule: cosin}", "fixed.schedule", "did you mean `cosine`?"),
        ("fixed: {optimizer: {sgd: {}, adamw: {}}}", "fixed.optimizer", "the one branch"),
        ("fixed: {optimizer: {sgd: {beta1: 0.5}}}", "fixed.optimizer.sgd.beta1", "`adam`, `adamw` does"),
        ("fixed: {optimizer: {sgd: {momentum: 1.0}}}", "fixed.optimizer.sgd.momentum", "below 1"),
        ("fixed: {batch_size: {choice: [32, 64]}}", "fixed.batch_size", "belongs in `space`"),
        ("fixed: {batch_size: [32, 64]}", "fixed.batch_size", "not a list"),
        ("fixed: {augmentation: [flip, rotat]}", "fixed.augmentation", "did you mean `rotate`?"),
        ("fixed: {augmentation: [flip, 3]}", "fixed.augmentation", "names of augmentations"),
        ("fixed: {augmentation: [{flip: {p: 1}}]}", "fixed.augmentation", "plain finite values"),
        ("fixed: {split: [0.8, 0.2]}", "fixed.split", "three shares"),
        ("fixed: {split: [0.8, 0.3, -0.1]}", "fixed.split", "above 0"),
        ("fixed: {droput: 0.3}", "fixed.droput", "did you mean `dropout`?"),
        ("fixed: [schedule]", "fixed", "by name"),
        ("metric: val_accuracy", "metric", "{name: val_accuracy, mode: max}"),
        ("metric: val_los", "metric", "did you mean `val_loss`?"),
        ("metric: 3", "metric", "ends in _loss"),
        ("metric: {name: val_accuracy, mode: maximise}", "metric.mode", "write max"),
        ("metric: {name: val_accuracy, mod: max}", "metric.mod", "did you mean `mode`?"),
        ("metric: {mode: max}", "metric.name", "name a metric"),
        ("search: {algorithm: bayes}", "search.algorithm", "write one of rung_tpe, tpe"),
        ("search: {algorithm: [tpe]}", "search.algorithm", "one name"),
        ("search: {algorithm: {tpe: {start: 3}}}", "search.algorithm.tpe.start", "did you mean `startup`?"),
        ("search: {algorithm: {random: {start: 3}}}", "search.algorithm.random.start", "no options"),
        ("search: {algorithm: {tpe: 3}}", "search.algorithm.tpe", "as a mapping"),
        ("search: {scheduler: ahsa}", "search.scheduler", "did you mean `asha`?"),
        ("search: {scheduler: {asha: {eta: 1}}}", "search.scheduler.asha.eta", "at least 2"),
        ("search: {scheduler: {asha: {grace: 1.5}}}", "search.scheduler.asha.grace", "whole number"),
        ("search: {max_epochs: 0}", "search.max_epochs", "at least 1"),
        ("search: {max_epochs: 1.5}", "search.max_epochs", "whole number"),
        ("search: {trials: '20'}", "search.trials", "whole number"),
        ("search: {doomed: off}", "search.doomed", "YAML 1.2"),
        ("search: 3", "search", "a mapping"),
        ("search: {hours: 3}", "search.hours", "`stop: {hours: ...}`"),
        ("search: {seed: 3}", "search.seed", "at the top"),
        ("max_epochs: 3", "max_epochs", "`search: {max_epochs: ...}`"),
        ("search: {enqueue: {lr: 0.1}}", "search.enqueue", "a list"),
        ("search: {enqueue: [0.1]}", "search.enqueue[0]", "a configuration"),
        ("search: {enqueue: [{lr: 3}]}", "search.enqueue[0].lr", "from 0.0001 to 1"),
        ("search: {enqueue: [{lrr: 0.1, lr: 0.1}]}", "search.enqueue[0].lrr", "did you mean `lr`?"),
        ("search: {enqueue: [{}]}", "search.enqueue[0].lr", "no default"),
        ("stop: {target: 0.2}", "stop.target", "{val_loss: 0.2}"),
        ("stop: {target: {val_loss: low}}", "stop.target.val_loss", "a number"),
        ("stop: {target: {f1: 0.9}}", "stop.target.f1", "lower or higher"),
        ("stop: {hours: 0}", "stop.hours", "above 0"),
        ("resources: {gpu: 1.5}", "resources.gpu", "whole"),
        ("resources: {gpu: 0.5, workers: 2}", "resources.gpu", "a GPU of its own"),
        ("resources: {workers: 0}", "resources.workers", "1"),
        ("resources: {memory: plenty}", "resources.memory", "4GB"),
        ("resources: {cpus: 2}", "resources.cpus", "did you mean `cpu`?"),
        ("retries: {times: -1}", "retries.times", "at least 0"),
        ("checkpoints: {every: 0}", "checkpoints.every", "at least 1"),
        ("tracking: {curves: al}", "tracking.curves", "did you mean `all`?"),
        ("tracking: {uri: 'postgresql://me:hush@host/db'}", "tracking.uri", "PGPASSWORD"),
        ("data: /data", "data", "a mapping"),
        ("name: 3", "name", "in quotes"),
        ("seed: -1", "seed", "at least 0"),
        ("sede: 3", "sede", "did you mean `seed`?"),
        ("loop: pkg.train:loop", "loop", "keep one"),
    ],
)  # fmt: skip
def test_faults_of_the_sections(rest: str, where: str, cure: str) -> None:
    found = [fault for fault in faults_of(SMALL + rest) if fault.where == where]
    assert [fault.line for fault in found] == [5], faults_of(SMALL + rest)
    assert cure in found[0].cure


def test_a_password_is_not_printed_either() -> None:
    assert "hush" not in str(only_fault(SMALL + "tracking: {uri: 'postgresql://me:hush@host/db'}"))


@pytest.mark.parametrize(
    ("text", "where", "cure"),
    [
        ("model: mlp\nspace: {lr: 0.1}", "task", "digits, fashion_mnist"),
        ("task: digits\nspace: {lr: 0.1}", "model", "softmax, mlp, cnn"),
        ("task: digits\nmodel: mlpp\nspace: {lr: 0.1}", "model", "did you mean `mlp`?"),
        ("task: digits\nspace: {model: pkg.nets:build}", "space.model", "at the top of the file"),
        ("task: digits\nmodel: mlp", "space", "is missing"),
        ("task: digits\nmodel: mlp\nspace: [lr]", "space", "by name"),
        ("loop: train\nspace: {lr: 0.1}", "loop", "my_package.train:loop"),
        ("loop: pkg.train:loop\nmodel: mlp\nspace: {lr: 0.1}", "model", "makes its own model"),
    ],
)
def test_task_loop_and_model(text: str, where: str, cure: str) -> None:
    fault = only_fault(text)
    assert fault.where == where
    assert cure in fault.cure


@pytest.mark.parametrize(
    "space",
    [
        "loss: {choice: [cross_entropy, huber]}",
        "loss: {choice: {huber: {delta: {float: [0.1, 2]}}}}",
        "target_scale: {float: [0.1, 10], log: true}",
    ],
)
def test_a_loss_that_is_searched_is_no_metric(space: str) -> None:
    fault = only_fault(with_space(space, rest="metric: val_loss"))
    assert fault.where == "metric"
    assert "shrinking the loss" in fault.cure
    assert not faults_of(with_space(space, rest="metric: {name: val_accuracy, mode: max}"))


def test_a_loss_that_stays_the_same_is_a_metric() -> None:
    assert not faults_of(with_space("loss: {choice: {huber: {delta: 0.5}}}"))
    assert not faults_of(SMALL + "fixed: {loss: huber, target_scale: 2.0}")


def test_a_misspelt_component_is_one_fault_whatever_hangs_on_it() -> None:
    fault = only_fault(with_space("optimizer: {choice: {sdg: {momentum: 0.9, anything: {choice: [1, 2]}}}}"))
    assert "did you mean `sgd`?" in fault.cure


def test_faults_in_what_an_anchor_holds_name_the_lines_of_the_anchor() -> None:
    text = "x-bad: &bad\n  width: {int: [0, 3]}\ntask: digits\nspace:\n  model:\n    choice:\n      mlp: *bad\n"
    assert (only_fault(text).line, only_fault(text).where) == (2, "space.model.mlp.width")


def test_what_every_version_can_do_is_no_fault() -> None:
    assert not faults_of(
        SMALL + "resources: {workers: 4, gpu: 1}\nstorage: s3://bucket/runs\ntracking: {curves: top}\n"
    )


# --- a model of one's own ----------------------------------------------------------------------------------------

OWN = "task: digits\nmodel: pkg.nets:build\nspace:\n  lr: {float: [1e-4, 1], log: true}\n  heads: {int: [1, 8]}\n"


def signature(required: tuple[str, ...] = (), optional: tuple[str, ...] = (), anything: bool = False):
    return lambda where: SimpleNamespace(required=required, optional=optional, anything=anything)


def test_a_builder_of_ones_own_gets_what_the_trainer_does_not_claim() -> None:
    assert not faults_of(OWN)
    assert not faults_of(OWN, inspect=signature(("heads",)))
    assert not faults_of(OWN, inspect=signature(anything=True))
    fault = only_fault(OWN, inspect=signature(optional=("head",)))
    assert (fault.where, fault.line) == ("space.heads", 5)
    assert "did you mean `head`?" in fault.cure
    fault = only_fault(OWN, inspect=signature(("heads", "width")))
    assert (fault.where, fault.line) == ("model", 2)
    assert "needs `width`" in fault.cure
    assert "trainer claims" in only_fault(OWN, inspect=signature(("heads", "lr"))).cure


def test_its_module_is_not_imported_while_the_file_has_faults() -> None:
    def inspect(where: str):
        raise AssertionError("imported")

    assert "at least 0" in only_fault(OWN + "seed: -1", inspect=inspect).cure


def test_what_its_module_raises_is_the_users_fault() -> None:
    def absent(where: str):
        raise InputError("not found", (Fault(where, None, "there is no module 'pkg'"),))

    def broken(where: str):
        raise ZeroDivisionError("division by zero")

    for inspect, cure in ((absent, "there is no module 'pkg'"), (broken, "ZeroDivisionError: division by zero")):
        fault = only_fault(OWN, inspect=inspect)
        assert (fault.where, fault.line) == ("model", 2)
        assert cure in fault.cure


def test_two_parameters_that_reach_the_builder_under_one_name() -> None:
    fault = only_fault(OWN + "  kind: {choice: {wide: {heads: 3}, deep: {}}}\n")
    assert (fault.where, fault.line) == ("space.kind.wide.heads", 6)
    assert not faults_of(OWN + "  kind: {choice: {wide: {size: 3}, deep: {size: 4}}}\n")


def test_a_loop_of_ones_own_takes_whatever_it_is_given() -> None:
    assert not faults_of("loop: pkg.train:loop\nspace: {lr: fast, anything: {choice: {a: {b: {choice: [1, x]}}}}}\n")


def test_a_storage_with_a_key_in_it_is_refused_and_the_key_not_shown() -> None:
    fault = only_fault(SMALL + "storage: s3://AKIA:planted@bucket/runs")
    assert fault.where == "storage"
    assert "planted" not in str(fault)
    assert "AWS_ACCESS_KEY_ID" in fault.cure


def test_resources_by_name_are_read_and_written_again() -> None:
    assert not faults_of(SMALL + "resources: {custom: {license: 0.5, tpu: 4}}")
    for text, cure in {
        "{GPU: 1}": "write resources.gpu",
        '{"accelerator_type:A100": 1}': "write resources.accelerator",
        "{license: 1.5}": "a whole number",
        "{license: 0}": "a part of one",
    }.items():
        assert cure in only_fault(f"{SMALL}resources: {{custom: {text}}}").cure
