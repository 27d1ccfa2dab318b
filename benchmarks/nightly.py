"""Does a nightly verdict cry wolf, and does it cry when there is one?

    python benchmarks/nightly.py [--years 20] [--histories 200] [--rates 100 20 1000]

Simulated nights, made of real trainings that were recorded once (`nightly_trainings.py`): the anchor's seeds from one
half of them, the nights' from the other. Quiet years first: how many nights are called REGRESSED that were not, in how
many distinct alarms, with a 95 % interval over the years, since the nights of one year share an accepted night. Then
something is planted after 25 quiet nights: how soon is it found, and in what share within three nights. A night on
which REGRESSED was said already, by mistake, finds nothing: it has to be said again. Beside it two rules that people
use, on the mean of the same night's first three controls: worse than yesterday by 1 %, and a 3-sigma rule on the last
14 nights.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from nightly_years import RIVALS, Plant, World, Year

from tuner.records.night import IMPROVED, INCOMPLETE, NOISY, REGRESSED

NIGHTS, BEFORE = 365, 25
FRESH = World("fresh seeds every night")
FIXED = World("fixed seeds, a change a week", changes=1 / 7, harmless=1 / 7)
QUIET = (
    FRESH,
    World("… val_accuracy, with ties", metric="val_accuracy"),
    World("… a CNN", pool="cnn"),
    World("… near the edge, heavy tails", pool="edge"),
    World("… 5 % of trainings diverge", diverge=0.05),
    FIXED,
    World("… on a GPU, jitter 0.1 widths", changes=1 / 7, jitter=0.1),
    World("… on a GPU, jitter 1 width", changes=1 / 7, jitter=1.0),
    World("… on a GPU, nothing changes", changes=0.0, jitter=0.3),
)
STEPS = tuple(Plant(f"a step of {step} width{'s' * (step > 1)}", step=step, nights=14) for step in (1, 2, 3))
PLANTED: tuple[tuple[World, Plant], ...] = (
    *((FRESH, plant) for plant in STEPS),
    *((FIXED, plant) for plant in STEPS),
    *((QUIET[3], plant) for plant in STEPS),
    *((QUIET[6], plant) for plant in STEPS),
    (FRESH, Plant("a drift, 0.05 widths a night", slope=0.05, nights=60)),
    (FIXED, Plant("a drift, 0.05 widths a night", slope=0.05, nights=60)),
    (FRESH, Plant("other data", pool="mlp_other_data", nights=14)),
    (FRESH, Plant("half the learning rate", pool="mlp_low_lr", nights=14)),
    (FRESH, Plant("the search's best 8 widths worse", best=8.0, nights=14)),
)
FAILED = Plant("half its trials failed", failed=0.5, nights=1)


@dataclass(frozen=True)
class Quiet:
    """What was said of quiet nights, in 100 of them."""

    alarms: float
    low: float
    high: float
    distinct: float
    improved: float
    noisy: float
    trained: float
    """Control trainings a night."""
    rivals: tuple[float, ...]


def quiet(world: World, years: int, rate: float) -> Quiet:
    nights, share = years * NIGHTS, 100 / (years * NIGHTS)
    by_year, distinct, trained = [], 0, 0
    counts = dict.fromkeys((IMPROVED, NOISY), 0)
    rivals = np.zeros(len(RIVALS))
    for number in range(years):
        told = Year(world, _rng("quiet", number), rate).run(NIGHTS)
        bad = [one.verdict == REGRESSED for one in told]
        by_year.append(sum(bad))
        distinct += sum(now and not before for before, now in zip([False, *bad], bad, strict=False))
        trained += sum(one.trained for one in told)
        for verdict in counts:
            counts[verdict] += sum(one.verdict == verdict for one in told)
        means = [one.first for one in told]
        for place, rule in enumerate(RIVALS.values()):
            rivals[place] += sum(rule(means[max(0, end - 15) : end]) for end in range(1, len(means) + 1))
    low, high = _interval(by_year)
    return Quiet(
        share * sum(by_year), low, high, share * distinct, share * counts[IMPROVED], share * counts[NOISY],
        trained / nights, tuple(share * rivals),
    )  # fmt: skip


def _interval(by_year: Sequence[int]) -> tuple[float, float]:
    """95 %, of nights in 100: years are drawn again, with replacement."""
    drawn = np.random.default_rng(7).choice(np.array(by_year), (4000, len(by_year))).mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(100 * low / NIGHTS), float(100 * high / NIGHTS)


def found(world: World, plant: Plant, histories: int, rate: float) -> dict[str, np.ndarray]:
    """Nights until it is said, 1 on the first; infinite where it is not."""
    ours, rivals = [], {name: list[float]() for name in RIVALS}
    for number in range(histories):
        year = Year(world, _rng(plant.name, number), rate)
        year.run(BEFORE)
        told = year.run(plant.nights, plant)
        ours.append(_first([one.verdict == REGRESSED for one in told]))
        means = [one.first for one in year.told]
        for name, rule in RIVALS.items():
            rivals[name].append(_first([rule(means[: BEFORE + night + 1]) for night in range(plant.nights)]))
    return {"tuner": np.array(ours), **{name: np.array(nights) for name, nights in rivals.items()}}


def _first(hits: list[bool]) -> float:
    return float(hits.index(True) + 1) if True in hits else np.inf


def _rng(name: str, number: int) -> np.random.Generator:
    return np.random.default_rng((zlib.crc32(name.encode()), number))


def _nights(value: float) -> str:
    return f"{value:5.0f}" if np.isfinite(value) else "never"


def tell_quiet(worlds: Sequence[World], years: int, rate: float) -> None:
    print(f"\nquiet: {years} years of {NIGHTS} nights each; per 100 nights, false_alarms: 1 in {1 / rate:.0f}")
    names = "".join(f"{name:>22}" for name in RIVALS)
    print(f"{'':31}REGRESSED (95 %)     alarms  IMPROVED  NOISY  controls a night{names}")
    for world in worlds:
        one = quiet(world, years, rate)
        rivals = "".join(f"{share:22.1f}" for share in one.rivals)
        print(
            f"{world.name:31}{one.alarms:5.2f} ({one.low:.2f}–{one.high:.2f})   {one.distinct:8.2f}"
            f"  {one.improved:8.2f}  {one.noisy:5.2f}  {one.trained:16.2f}{rivals}",
            flush=True,
        )


def tell_found(planted: Sequence[tuple[World, Plant]], histories: int, rate: float) -> None:
    print(f"\nplanted after {BEFORE} nights, {histories} histories each: nights until found, median / 90 % (within 3)")
    print(f"{'':66}" + "".join(f"{name:>24}" for name in ("tuner", *RIVALS)))
    for world, plant in planted:
        nights = found(world, plant, histories, rate)
        cells = [
            f"{_nights(np.quantile(one, 0.5, method='higher'))} /{_nights(np.quantile(one, 0.9, method='higher'))}"
            f" ({100 * (one <= 3).mean():3.0f} %)"
            for one in nights.values()
        ]
        print(f"{world.name:32} {plant.name:33}" + "".join(f"{cell:>24}" for cell in cells), flush=True)


def tell_failed(histories: int) -> None:
    said = []
    for number in range(histories):
        year = Year(FRESH, _rng("failed", number))
        year.run(BEFORE)
        said.append(year.run(1, FAILED)[0].verdict)
    print(f"\na night with half its trials failed: {said.count(INCOMPLETE)} of {histories} INCOMPLETE that night")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--years", type=int, default=20)
    parser.add_argument("--histories", type=int, default=200)
    parser.add_argument("--rates", type=int, nargs="+", default=[100, 20, 1000], help="false_alarms: 1 in so many")
    given = parser.parse_args()
    first, *others = given.rates
    tell_quiet(QUIET, given.years, 1 / first)
    tell_found(PLANTED, given.histories, 1 / first)
    tell_failed(given.histories)
    for rate in others:
        tell_quiet([FRESH, QUIET[3], FIXED], given.years, 1 / rate)
        tell_found([(FRESH, plant) for plant in STEPS], given.histories, 1 / rate)


if __name__ == "__main__":
    main()
