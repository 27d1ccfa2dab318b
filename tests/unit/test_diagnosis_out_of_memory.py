"""The corner of a space that does not fit into memory: planted, and what must not be taken for one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sweep_records import BATCH, LR, WIDTH, bowl, record, sweep

from tuner.diagnosis import diagnose_sweep
from tuner.diagnosis.next_space import plan
from tuner.records.finding import Finding
from tuner.records.trial import FAILED, ParameterRecord, SweepRecord

DEPTH = ParameterRecord("depth", "int", 1, 8)
MODEL = ParameterRecord("model", "choice", options=("mlp", "cnn"))
MLP = ParameterRecord("model.mlp.width", "int", 16, 2048, log=True, parent="model", parent_value="mlp")
CNN = ParameterRecord("model.cnn.width", "int", 4, 128, log=True, parent="model", parent_value="cnn")


def short_of_memory(
    made: SweepRecord, too_large: Callable[[Any], bool], keep: Callable[[Any], bool] = lambda config: True
) -> SweepRecord:
    """The same sweep on a machine that cannot hold some of its trials."""
    trials = tuple(
        replace(t, ending=FAILED, failure="out_of_memory", epochs=(), value=None, best_epoch=None, diagnosis=None)
        if too_large(t.config)
        else t
        for t in made.trials
        if keep(t.config)
    )
    return replace(made, trials=trials)


def said(made: SweepRecord) -> list[Finding]:
    return [finding for finding in diagnose_sweep(made) if finding.symptom == "out_of_memory"]


@pytest.mark.parametrize("seed", range(8))
def test_the_product_that_does_not_fit_is_named_and_the_batch_is_capped(seed: int) -> None:
    made = sweep(bowl, parameters=(LR, BATCH, WIDTH), seed=seed, count=60)
    (finding,) = said(short_of_memory(made, lambda c: c["batch_size"] * c["width"] > 128 * 200))
    assert "batch_size × width" in finding.says
    assert finding.evidence["largest_that_fits"] <= 128 * 200 < finding.evidence["failed_from"]
    assert finding.evidence["failed_above"] == finding.evidence["failed"]
    remedy = finding.remedies[0]
    assert remedy.change in ("space.batch_size.high", "space.width.high")
    top = {"batch_size": 256, "width": 256} | {remedy.change.split(".")[1]: float(remedy.new or 0)}
    assert top["batch_size"] * top["width"] < finding.evidence["failed_from"], "no larger than what was seen to fail"


@pytest.mark.parametrize("seed", range(8))
def test_one_parameter_alone_is_enough_where_it_decides(seed: int) -> None:
    made = sweep(bowl, parameters=(LR, BATCH, DEPTH), seed=seed, count=40)
    (finding,) = said(short_of_memory(made, lambda c: c["depth"] > 6))
    (change, *_) = plan([finding])
    assert (change.path, change.old, change.new) == ("space.depth.high", 8, 6)
    assert "depth from 7 up" in finding.says


def test_a_product_of_three(seed: int = 0) -> None:
    made = sweep(bowl, parameters=(LR, BATCH, WIDTH, DEPTH), seed=seed, count=120)
    limit = 128 * 128 * 4
    (finding,) = said(short_of_memory(made, lambda c: c["batch_size"] * c["width"] * c["depth"] > limit))
    assert "batch_size × width × depth" in finding.says
    assert finding.evidence["failed_below"] == 0


def test_each_branch_has_its_own_corner() -> None:
    def configs(number: int, rng: Any) -> dict[str, Any]:
        model = ("mlp", "cnn")[number % 2]
        width = round(16 * 128 ** rng.random()) if model == "mlp" else round(4 * 32 ** rng.random())
        return {"lr": 10 ** rng.uniform(-4, -1), "batch_size": 64, "model": model, f"model.{model}.width": width}

    made = sweep(bowl, parameters=(LR, MODEL, MLP, CNN), configs=configs, count=80)
    found = said(short_of_memory(made, lambda c: c.get(MLP.name, 0) > 1000 or c.get(CNN.name, 0) > 60))
    changes = {change.path: change.new for change in plan(found)}
    assert set(changes) == {"space.model.mlp.width.high", "space.model.cnn.width.high"}
    assert 700 < float(changes["space.model.mlp.width.high"] or 0) <= 1200
    assert 40 < float(changes["space.model.cnn.width.high"] or 0) <= 75


def test_a_single_failure_is_told_and_moves_no_bound() -> None:
    made = sweep(bowl, parameters=(LR, BATCH, WIDTH), count=20)
    largest = max(made.trials, key=lambda t: float(t.config["batch_size"] or 0) * float(t.config["width"] or 0))
    (finding,) = said(short_of_memory(made, lambda c: c is largest.config))
    assert f"1 of 20 trials ran out of memory: {largest.trial} (batch_size 256, width" in finding.says
    assert plan([finding]) == ()


def test_failures_without_a_size_of_their_own_move_no_bound() -> None:
    made = sweep(bowl, parameters=(LR, BATCH, WIDTH), count=40)
    scattered = [t.config for t in made.trials[::7]]
    (finding,) = said(short_of_memory(made, lambda c: any(c is one for one in scattered)))
    assert "6 of 40 trials ran out of memory" in finding.says
    assert plan([finding]) == ()


def test_the_best_trial_stays_in_the_space() -> None:
    """It lies so near the corner that lowering either bound would shut it out: then the cure is words."""
    made = sweep(bowl, parameters=(LR, BATCH, WIDTH), count=60)
    short = short_of_memory(made, lambda c: c["batch_size"] * c["width"] > 128 * 200)
    able = [t for t in short.trials if t.epochs and t.config["batch_size"] == 128]
    wide = max(able, key=lambda t: float(t.config["width"] or 0))
    assert float(wide.config["width"] or 0) > 100
    kept = replace(short, trials=tuple(replace(t, value=0.0) if t is wide else t for t in short.trials))
    assert plan(said(short)) != ()
    (finding,) = said(kept)
    assert plan([finding]) == ()
    assert finding.remedies[0].change.startswith("batch_size × width below ")


def test_what_does_not_fit_is_not_widened() -> None:
    """The best widths crowd at the upper bound, where memory ends with the larger batches."""
    made = sweep(lambda c: 1 - 0.2 * math.log10(c["width"]), parameters=(LR, BATCH, WIDTH), count=80)
    assert "space.width.high" in [r.change for f in diagnose_sweep(made) for r in f.remedies]
    short = short_of_memory(made, lambda c: c["batch_size"] * c["width"] > 128 * 200)
    raised = [r for f in diagnose_sweep(short) for r in f.remedies if r.change == "space.width.high" and r.new > r.old]
    assert raised == []


def test_all_fit_and_nothing_is_said() -> None:
    assert said(sweep(bowl, parameters=(LR, BATCH, WIDTH), count=60)) == []


def test_all_failed_is_told_too() -> None:
    made = short_of_memory(sweep(bowl, parameters=(LR, BATCH), count=5), lambda c: True)
    (finding,) = said(made)
    assert "5 of 5 trials ran out of memory" in finding.says
    assert "and 2 more" in finding.says
    assert said(record([], (LR, BATCH))) == []
