"""What a sweep lost is said on its page and in the terminal, once, and nothing is said where nothing was lost."""

from __future__ import annotations

import io

from report_records import START, SweepLines, falling, four_endings

from tuner.records.trial import SweepRecord
from tuner.report.html import html
from tuner.report.losses import TITLE, section, terminal, told
from tuner.report.terminal import final, show


def shown(record: SweepRecord) -> str:
    stream = io.StringIO()
    show(final(record), stream, width=200)
    return stream.getvalue()


def troubled() -> SweepLines:
    """A spot node is taken away, a worker dies twice on a node that lives on, a node is avoided."""
    sweep = SweepLines()
    one, two = sweep.suggest(0, {"lr": 0.1}), sweep.suggest(1, {"lr": 0.2})
    sweep.losses(one, falling(2.0, 2), falling(2.0, 2))
    sweep.add("lost", trial=one, attempt=1, failure="preempted", reason="gone", node="3f2a91bc", node_gone=True)
    sweep.add("lost", trial=two, attempt=1, failure="lost", reason="its worker died", node="77aa77aa")
    sweep.start(one, attempt=2, after_epoch=1)
    sweep.add("repeated", trial=one, attempt=2, epoch=2, seconds=1.0)
    sweep.start(two, attempt=2)
    sweep.add("lost", trial=two, attempt=2, failure="lost", reason="its worker died", node="77aa77aa", wait=10.0)
    sweep.add("avoid", node="77aa77aa", trials=[one, two], until=START + 7200, reason="node 77aa77aa is <b>avoided</b>")
    sweep.end_trial(one, "completed", "all 9 epochs", "healthy")
    sweep.end_trial(two, "failed", "out of retries", "unknown")
    sweep.end()
    return sweep


def test_nothing_is_said_where_nothing_was_lost() -> None:
    record = four_endings().record()
    assert (told(record), section(record), terminal(record)) == ((), "", None)
    assert TITLE not in html(record)
    assert TITLE not in shown(record)


def test_workers_nodes_and_what_was_repeated() -> None:
    record = troubled().record()
    assert told(record) == (
        "2 workers lost, 1 worker taken away (pre-emption, counted against no trial): trials 0000, 0001; 0001 failed "
        "in the end.",
        "1 node lost whole: 3f2a91bc.",
        "Nodes that lost workers and lived on: 77aa77aa (2).",
        "1 epoch of 1 trial trained twice.",
        "node 77aa77aa is <b>avoided</b>, until 2 h 00 min after the sweep began.",
    )
    page = html(record)
    assert page.count(f">{TITLE}</h2>") == 1
    assert "node 77aa77aa is &lt;b&gt;avoided&lt;/b&gt;" in page
    assert section(record).count("its worker died") == 2
    assert "trial 0001 on 77aa77aa: lost, its worker died" in page
    assert "Nodes that lost workers and lived on: 77aa77aa (2)." in shown(record)


def test_of_many_trials_the_first_are_named() -> None:
    sweep = SweepLines(trials=40)
    for number in range(12):
        name = sweep.suggest(number, {"lr": 0.1})
        sweep.add("lost", trial=name, attempt=1, failure="evicted", reason="short of memory")
    assert told(sweep.record()) == (
        "12 workers ended for want of memory: trials 0000, 0001, 0002, 0003, 0004 and 7 more.",
        "No epoch was trained twice.",
    )
