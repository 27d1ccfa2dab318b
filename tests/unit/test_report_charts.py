"""The report's charts that need no script: what is counted in them, by hand, and that users' text stays text."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.report_large import large, large_lines
from tests.unit.report_records import OVERFITS, START, SweepLines, four_endings
from tests.unit.test_report_html import EVIL, Page
from tuner.records.finding import Finding
from tuner.records.fold import Fold
from tuner.records.seeds import chosen_by_mean
from tuner.records.trial import FinalTest, SweepRecord
from tuner.report import (
    chart_range,
    expected,
    importance,
    rungs_chart,
    seeds_curves,
    slices,
    symptom_multiples,
    timeline,
)
from tuner.report.html import html
from tuner.report.night_axes import labels
from tuner.report.page_data import map_parameters, page_data
from tuner.report.small_chart import MOST, Curve, Mark, draw, thinned


@pytest.fixture(scope="module")
def sweep() -> SweepRecord:
    return large(60)


def two_nodes() -> SweepLines:
    """Trial 0 on node a from 20 to 40 s, lost there; on node b from 60 to 70 s. Nobody drives from 70 to 180 s."""
    made = SweepLines()
    made.add("suggestion", trial="0000", number=0, config={"lr": 0.1}, origin="tpe", seed=0)  # at 20 s
    made.lines[-1]["at"] = START + 20
    made.now = START + 20
    made.start("0000")
    made.lines.append({**_report("0000", 1, "a"), "at": START + 30})
    made.now = START + 40
    made.add("lost", trial="0000", attempt=1, failure="lost", reason=EVIL, node="a")
    made.add("avoid", node="a", trials=["0000"], until=START + 90, reason="node a lost 3 workers")  # at 50 s
    made.start("0000", attempt=2)  # at 60 s
    made.lines.append({**_report("0000", 1, "b", 2), "at": START + 65})
    made.now = START + 70
    made.end_trial("0000", "completed", "all epochs", "healthy")
    made.now = START + 180
    made.driver(2)
    made.end()  # at 190 s
    return made


def _report(trial: str, epoch: int, node: str, attempt: int = 1) -> dict[str, object]:
    line = {"kind": "report", "trial": trial, "attempt": attempt, "epoch": epoch, "seconds": 1.0, "node": node}
    return {**line, "metrics": {"val_loss": 1.0}}


def test_the_record_knows_what_was_lost_where_and_when_nobody_drove() -> None:
    record = two_nodes().record()
    assert [(loss.trial, loss.at - START, loss.node, loss.failure) for loss in record.losses] == [
        ("0000", 40.0, "a", "lost")
    ]
    assert [(one.node, one.at - START, one.until - START) for one in record.avoided] == [("a", 50.0, 90.0)]
    assert [(since - START, to - START) for since, to in record.away] == [(70.0, 180.0)]


def test_idle_time_is_what_the_rows_leave_free_without_the_times_between_drivers() -> None:
    found = timeline.timeline(two_nodes().record())
    assert found is not None
    assert found.seconds == 80.0  # 190 s less the 110 s without a driver
    assert [(row.node, [(span.start, span.end) for span in row.spans]) for row in found.rows] == [
        ("a", [(20.0, 40.0)]),
        ("b", [(60.0, 70.0)]),
    ]
    assert (found.busy, found.idle) == (30.0, 130.0)


def test_losses_and_avoided_nodes_are_marked_on_the_time_line() -> None:
    text = timeline.section(two_nodes().record())
    assert text.count('class="shape halo"') == 2  # one loss, in the wide and in the narrow drawing
    assert text.count('class="avoided"') == 2
    assert "1 min 50 s without a driver" in text
    assert EVIL not in text


def test_every_trial_that_is_opened_by_a_click_is_in_the_table(sweep: SweepRecord) -> None:
    """A further seed's bar opened a trial that the table does not have."""
    opened = re.findall(r'data-trial="([^"]+)"', html(sweep))
    assert len(opened) > 60
    assert set(opened) <= {trial.trial for trial in sweep.trials}


def test_trials_that_ran_at_once_have_rows_of_their_own(sweep: SweepRecord) -> None:
    found = timeline.timeline(sweep)
    assert found is not None
    for row in found.rows:
        spans = sorted(row.spans)
        assert all(one.end <= other.start + 1e-6 for one, other in pairwise(spans))
    assert sum(len(row.spans) for row in found.rows) == sum(len(trial.spans) for trial in sweep.everything)
    assert len(found.rows) <= 9


def test_rungs_count_who_came_went_on_and_was_stopped() -> None:
    made = SweepLines(trials=4)
    for number, (value, promoted) in enumerate([(0.5, True), (0.9, False), (math.nan, False), (0.7, False)]):
        trial = made.suggest(number, {"lr": 0.1})
        made.report(trial, 1, {"val_loss": value})
        made.rung(trial, 1, value, promoted, "a reason")
        if number == 3:  # it waited, and was promoted later
            made.report(trial, 2, {"val_loss": 0.6})
        elif not promoted:
            made.end_trial(trial, "pruned" if number == 1 else "doomed", "a reason", "unknown")
    (level,) = rungs_chart.levels(made.record())
    assert [name for name, _, _ in level.came] == ["0000", "0003", "0001", "0002"]
    assert level.names(rungs_chart.WENT) == ["0000", "0003"]
    assert level.names(rungs_chart.STOPPED) == ["0001"]
    assert level.names(rungs_chart.OTHER) == ["0002"]
    text = rungs_chart.section(made.record())
    assert "Of 4 trials 1 were stopped at a rung, and 2 went on beyond the last one." in text
    assert '<td class="n">0.7</td><td class="n">0.9 <button' in text


def test_a_sweep_without_a_scheduler_has_no_rungs() -> None:
    assert rungs_chart.section(SweepLines().record()) == ""


def test_each_symptom_is_shown_by_its_clearest_trial_with_a_mark_where_it_begins() -> None:
    record = four_endings().record()
    text = symptom_multiples.section(record, {})
    assert text.count("<figure") == 2
    assert 'data-trial="0001"' in text
    assert text.count('text-anchor="end">since epoch 4</text>') == 1
    assert text.count('class="ring"') == 2  # on both losses at epoch 4; none where the loss is NaN


def test_a_median_interval_is_exact_by_order_statistics() -> None:
    """By hand: P(B(6, 1/2) < 1) = 1/64; P(B(9, 1/2) < 2) = 10/512 = 0.0195, and P(B(9, 1/2) < 3) = 46/512."""
    assert slices.median_interval(range(5)) is None
    assert slices.median_interval(range(6)) == (0, 5)
    assert slices.median_interval(range(9)) == (1, 7)
    assert slices.median_interval([*range(5000)]) is not None


def test_middles_divide_an_axis_into_stretches_of_as_many_trials() -> None:
    found = [(place / 47, float(place), True) for place in range(48)]
    between = slices.middles(found)
    assert [one.count for one in between] == [8] * 6
    assert between[0].median == 3.5
    assert (between[0].left, between[0].right) == (0.0, 7 / 47)
    by_option = slices.middles([(0.25, 1.0, True), (0.25, 2.0, True), (0.75, 5.0, False)])
    assert [(one.left, one.right, one.count, one.median) for one in by_option] == [
        (0.25, 0.25, 2, 1.5),
        (0.75, 0.75, 1, 5),
    ]


def test_diverged_trials_count_as_the_worst_in_a_slice() -> None:
    record = four_endings().record()
    assert [value for _, value, _ in slices.points(record.parameters[0], record)][-1] == math.inf
    assert "lies between" in slices.section(record, ["lr"])


def test_what_went_astray_does_not_stretch_the_range() -> None:
    assert chart_range.usual([1.0, 1.1, 1.2, 1e9], "min") == [1.0, 1.1, 1.2]
    assert chart_range.usual([-1e9, 0.7, 0.9, 0.8], "max") == [0.9, 0.8, 0.7]
    panel = chart_range.panel([1.0, 2.0, math.nan], "min", 0, 10, 0, 10)
    assert panel is not None
    assert panel.low < 1.0 < 2.0 < panel.high
    assert chart_range.panel([math.nan], "min", 0, 10, 0, 10) is None


def test_labels_of_a_narrow_range_are_told_apart() -> None:
    """Three lines at 2.3095, 2.31 and 2.3105 were all called 2.31."""
    assert labels([2.3095, 2.31, 2.3105]) == ["2.3095", "2.3100", "2.3105"]


def test_importance_puts_first_what_moves_the_value(sweep: SweepRecord) -> None:
    found = importance.importances(sweep)
    assert found is not None
    assert found.rows[0].name == "lr"
    assert all(row.low <= row.share <= row.high and row.share < 1.2 for row in found.rows)
    assert importance.ranking(sweep, found)[0] == "lr"
    assert importance.importances(four_endings().record()) is None
    assert "Not told" in importance.section(None)


def test_the_map_takes_the_forests_word() -> None:
    record = four_endings().record()
    assert map_parameters(record, ["optimizer", "lr"]) == ["lr", "batch_size"]
    without = replace(
        record, trials=tuple(replace(t, config={"a": i, "b": i, "c": i}) for i, t in enumerate(record.trials))
    )
    assert map_parameters(without, ["c", "a", "b"]) == ["c", "a"]


def test_diverged_trials_are_told_to_the_map() -> None:
    assert [trial.get("diverged", False) for trial in page_data(four_endings().record())["trials"]] == [
        False,
        False,
        True,
        False,
    ]


def accuracies(values: list[float], n_val: int = 400) -> SweepLines:
    made = SweepLines(metric="val_accuracy", mode="max", trials=len(values))
    for number, value in enumerate(values):
        trial = made.suggest(number, {"lr": 0.1})
        made.report(trial, 1, {"val_accuracy": value})
        made.lines[-1]["facts"] = {"n_val": n_val}
        made.end_trial(trial, "completed", "all epochs", "healthy")
    made.end()
    return made


def test_an_accuracy_of_one_trial_has_the_noise_of_its_examples() -> None:
    found = expected.expected(accuracies([0.9]).record())
    assert found is not None
    half = 1.959964 * math.sqrt(0.9 * 0.1 / 400)
    assert (found.value, found.low, found.high) == pytest.approx((0.9, 0.9 - half, 0.9 + half))


def test_the_best_of_many_is_expected_lower() -> None:
    values = [0.9 + 0.001 * place for place in range(20)]
    found = expected.expected(accuracies(values).record())
    assert found is not None
    assert found.value < max(values)
    assert "lower: the best of 20 owes so much to luck" in found.because[0]


def test_seeds_widen_what_is_expected(sweep: SweepRecord) -> None:
    found = expected.expected(sweep)
    assert found is not None
    assert found.known
    assert any("between seeds" in part for part in found.because)
    chosen = chosen_by_mean(sweep)
    assert chosen is not None
    assert chosen.half is not None
    assert found.value == chosen.mean
    assert found.high - found.low > 2 * chosen.half  # one more training differs by more than the mean is unsure


def test_a_final_test_is_taken_as_it_is_with_its_own_noise() -> None:
    record = accuracies([0.9]).record()
    test = FinalTest(
        "0000", "0000", 1, {"test_accuracy": 0.88}, {"val_accuracy": 0.9}, {"accuracy": 0.03}, 300, 100, 1, 0.0, ""
    )
    found = expected.expected(replace(record, final_test=test))
    assert found is not None
    half = 1.959964 * 0.03 * math.sqrt(100 / 400)
    assert (found.value, found.low, found.high) == pytest.approx((0.88, 0.88 - half, 0.88 + half))


def test_a_loss_is_never_promised_a_whole_interval(sweep: SweepRecord) -> None:
    """Only its seeds' noise is known: how much the validation examples' losses differ is in no record."""
    found = expected.expected(sweep)
    assert found is not None
    assert not found.whole
    assert "give or take at least" in expected.told(found, "val_loss")
    accuracy = expected.expected(accuracies([0.9]).record())
    assert accuracy is not None
    assert "95 % interval: 0.8706 to 0.9294" in expected.told(accuracy, "val_accuracy")


def test_nothing_is_promised_where_no_noise_is_known() -> None:
    made = SweepLines()
    made.losses(made.suggest(0, {"lr": 0.1}), [0.5], [0.6])
    found = expected.expected(made.record())
    assert found is not None
    assert not found.known
    assert "is not known" in expected.told(found, "val_loss")
    assert expected.expected(SweepLines().record()) is None


def test_further_seeds_curves_are_drawn_each_in_its_own_way(sweep: SweepRecord) -> None:
    text = seeds_curves.figures(sweep)
    assert text.count("<figure") == 3
    assert {f"line c{place}" for place in range(3)} <= set(re.findall(r"line c\d", text))
    assert seeds_curves.figures(four_endings().record()) == ""


def test_a_small_chart_marks_what_is_not_finite_and_keeps_ends() -> None:
    curve = Curve("loss", "c0", ((1, 1.0), (2, math.nan), (3, 0.5)))
    text = draw([curve], "told", [Mark(9, "since epoch 9", "star")])
    assert "loss is NaN at epoch 2" in text
    assert text.count("since epoch 9") == 1
    assert "nan" not in re.sub("<title>.*?</title>", "", text)
    assert draw([Curve("loss", "c0", ((1, math.inf),))], "told") == ""
    long = [(epoch, 1.0) for epoch in range(1, 1001)]
    assert (len(thinned(long)), thinned(long)[0], thinned(long)[-1]) == (MOST, (1, 1.0), (1000, 1.0))


def test_the_page_has_every_section_in_its_order_and_names_each_picture(sweep: SweepRecord) -> None:
    page = html(sweep, "name: x")
    order = (
        "answer seeds curves symptoms parallel importance slices map rungs time losses findings endings trials sweep"
    )
    assert re.findall(r'<section id="(\w+)"', page) == order.split()
    assert re.findall(r'<a href="#(\w+)">', page.split("</nav>")[0]) == order.split()
    pictures = [attributes for tag, attributes in Page(page).elements if tag == "svg" and "role" in attributes]
    assert len(pictures) > 12
    assert all(attributes["aria-label"] for attributes in pictures)
    assert not re.search(r'd="[^"]*(nan|inf)', page.split("</main>")[0])


@pytest.mark.parametrize("metric", ["val_loss", "val_accuracy"])
def test_a_sweep_that_was_killed_anywhere_is_drawn(metric: str) -> None:
    lines = large_lines(24, 4, metric).lines
    for cut in range(2, len(lines), len(lines) // 12):
        page = html(Fold("runs/x").apply(lines[:cut]).record())
        assert '<section id="answer"' in page


TEXTS = st.text(
    st.sampled_from("<>&'\"`=/\\ ab\u2028\x00\n\u202e") | st.characters(codec="utf-8"), min_size=1, max_size=30
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEXTS, TEXTS, TEXTS)
def test_whatever_users_write_adds_no_element_and_no_attribute(one: str, two: str, three: str) -> None:
    assert _shape(_named(one, two, three)) == _plain()


@cache
def _plain() -> list[tuple[str, list[str]]]:
    return _shape(_named("a", "b", "c"))


def _named(metric: str, symptom: str, node: str) -> SweepRecord:
    """The same sweep, with a user's texts in all places."""
    parameters = [{"name": "x" + metric, "kind": "float", "low": 0.0, "high": 1.0}]
    made = SweepLines(metric="m" + metric, name=node, parameters=parameters, trials=3)
    finding = Finding("s" + symptom, 0.9, three_times(symptom), 2, {"e" + node: 1.0})
    for number in range(3):
        trial = made.suggest(number, {"x" + metric: number / 3}, origin=node)
        made.lines.append({**_report(trial, 1, "n" + node), "at": made.now, "metrics": {"m" + metric: 1.0 + number}})
        made.report(trial, 2, {"m" + metric: 0.5 + number})
        made.rung(trial, 2, 0.5 + number, number == 0, "r" + symptom)
        made.end_trial(trial, "pruned" if number else "completed", "r" + symptom, "s" + symptom, [finding, OVERFITS])
    trial = made.suggest(3, {"x" + metric: 0.9})
    made.add("lost", trial=trial, attempt=1, failure="lost", reason=symptom, node="n" + node)
    made.add("avoid", node="n" + node, trials=[trial], until=made.now + 9, reason=symptom)
    made.end()
    return made.record()


def three_times(text: str) -> str:
    return f"{text} {text} {text}"


def _shape(record: SweepRecord) -> list[tuple[str, list[str]]]:
    """Elements and the names of their attributes, of all that stands before the scripts."""
    page = html(record).split('<script type="application/json"')[0].split("</style>", 1)[1]
    return [(tag, sorted(attributes)) for tag, attributes in Page(page).elements]


def test_a_trial_that_named_no_node_takes_a_row_that_was_free() -> None:
    """It had a row of its own, so a sweep whose trials raise at once was idle for as long again."""
    made = SweepLines(trials=3)
    first = made.suggest(0, {"lr": 0.1})
    made.report(first, 1, {"val_loss": 1.0})
    made.end_trial(first, "completed", "all epochs", "healthy")
    raised = made.suggest(1, {"lr": 0.2})
    made.end_trial(raised, "failed", "ValueError", "unknown")
    made.end()
    record = made.record()
    assert [span[2] for span in record.trials[1].spans] == [""]
    found = timeline.timeline(record)
    assert found is not None
    assert [[span.trial for span in row.spans] for row in found.rows] == [[first, raised]]
    assert "unnamed" not in timeline.section(record)
    assert "on a node that it did not name" in timeline.section(record)
