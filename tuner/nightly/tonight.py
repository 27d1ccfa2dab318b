"""Tonight's sweep: the file's with a seed of its own, the last good best first, finalists, earlier nights' trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tuner.nightly.identity import search_seed
from tuner.records.night import IMPROVED, INCOMPLETE, NOISY, OK, NightRecord
from tuner.records.values import Config
from tuner.space import identity
from tuner.sweep import Sweep, WarmStart
from tuner.sweep.sections import FinalistsSection

LEARNS = ("rung_tpe", "tpe", "gp")
"""Searchers that an earlier night's trials tell something. CMA-ES takes none that it did not ask for, a grid would have
nothing left to try, random and Halton search learn nothing."""
WARM_NIGHTS = 5
"""Comparable nights whose trials the searcher is told, the last ones."""
GOOD = (OK, NOISY, IMPROVED)
"""Nights whose best may be the champion: what won under a fault may have won by it."""
FINALISTS = FinalistsSection(top=3, seeds=3)
"""Where the file asks for neither finalists nor repeats."""


def tonights_sweep(sweep: Sweep, night: str, comparable: Sequence[NightRecord], runs: Path) -> Sweep:
    """`comparable`: the accepted night and those since with the same control under the same terms, oldest first."""
    search = sweep.search
    trials = sweep.nightly.budget.trials or search.trials
    finalists = search.finalists
    if finalists is None and search.repeats == 1:
        top = FINALISTS.top if trials is None else min(FINALISTS.top, trials)
        finalists = FinalistsSection(top=top, seeds=FINALISTS.seeds)
    elif finalists is not None and trials is not None and finalists.top > trials:
        finalists = FinalistsSection(top=trials, seeds=finalists.seeds)
    return replace(
        sweep,
        seed=search_seed(sweep, night),
        data=sweep.data.model_copy(update={"seed": sweep.split_seed}),
        search=replace(
            search,
            trials=trials,
            finalists=finalists,
            enqueue=(*_champion(sweep, comparable), *search.enqueue),
            warm_start=(*search.warm_start, *_earlier(sweep, comparable, runs)),
        ),
        notes=(),
    )


def _champion(sweep: Sweep, comparable: Sequence[NightRecord]) -> tuple[Config, ...]:
    """The last good night's best is trained again, or an unlucky search would be taken for a worse model."""
    known = [night for night in comparable if night.best is not None]
    good = [night for night in known if night.verdict in GOOD]
    best = next((night.best for night in reversed(good or known)), None)
    if best is None or sweep.space.faults(best.config):
        return ()
    asked = {identity(config) for config in sweep.search.enqueue}
    return () if identity(best.config) in asked else (best.config,)


def _earlier(sweep: Sweep, comparable: Sequence[NightRecord], runs: Path) -> tuple[WarmStart, ...]:
    if sweep.search.algorithm not in LEARNS:
        return ()
    whole = [n for n in comparable if n.verdict != INCOMPLETE and (runs / n.run / "journal.jsonl").is_file()]
    named = {source.run for source in sweep.search.warm_start}
    return tuple(WarmStart(night.run) for night in whole[-WARM_NIGHTS:] if night.run not in named)
