"""The configurations that were trained on several seeds, with their seeds' curves: do they lie close together?"""

from __future__ import annotations

from html import escape

from tuner.records.seeds import over_seeds
from tuner.records.trial import SweepRecord
from tuner.report.small_chart import curve, draw
from tuner.report.wording import count, printable

MOST = 6
"""Configurations, the best means first."""
LOOKS = 5
"""Classes of lines in report.css."""


def figures(record: SweepRecord) -> str:
    """Empty where nothing was trained on further seeds."""
    drawn = []
    for one in over_seeds(record)[:MOST]:
        named = [
            curve(training, record.metric, f"c{place % LOOKS}", training.trial)
            for place, training in enumerate(one.trainings)
        ]
        told = f"{record.metric} over the epochs of trial {one.trial.trial} on {count(len(named), 'seed')}"
        picture = draw(named, told, metric=record.metric)
        if picture:
            name = escape(printable(one.trial.trial))
            button = f'<button type="button" data-trial="{escape(one.trial.trial)}">trial {name}</button>'
            caption = f"<figcaption>{button} on {count(len(named), 'seed')}</figcaption>"
            drawn.append(f'<figure class="multiple">{caption}{picture}</figure>')
    return f'<div class="multiples">{"".join(drawn)}</div>' if drawn else ""
