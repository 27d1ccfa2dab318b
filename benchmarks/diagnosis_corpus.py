"""The corpus: real small networks trained with one planted cause each, healthy ones included.

    TUNER_DATA=... python benchmarks/diagnosis_corpus.py tuning|scoring [--out tests/corpus]

One half sets thresholds; the other, of other data sets, models, ranges and seeds, only scores. A run is trained once,
long, and cut at a random epoch among those where the planted cause is there and can be seen (`corpus_rules`); a seed
whose cause is not visible after the last dose is discarded, and counted. Written: curves of five digits, the cause, the
verdicts a fair reader would accept, and what only the maker knows (`truth`).
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import math
import pickle
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from corpus_families import FAMILIES, SCORING, TUNING
from corpus_recipes import Recipe, recipe
from corpus_rules import Seen, accepted, truth, visible
from corpus_settings import DOSES, SHARES
from corpus_shown import read
from corpus_training import Trace, train_run

LENGTHS = (8, 9, 10, 12, 14, 17, 20, 24, 30, 36, 44, 52, 64, 80, 100, 125, 150, 200)
FIRST_SEED = {"tuning": 110_000, "scoring": 370_000}
IN_CONFIG = ("lr", "optimizer", "dropout", "weight_decay", "width", "depth", "schedule", "augment")


def history_of(r: Recipe, trace: Trace) -> tuple[dict[str, Any] | None, list[Any]]:
    """The run cut where its cause is visible, as an object of a history file; and why at other lengths it was not."""
    rng, why = np.random.default_rng([r.seed, 1]), []
    cuts = lengths(r, trace, rng)
    draw = rng.random(4)
    for full in (False, True):  # a cause that cannot be seen without the baseline is shown with it
        facts = np.where(full, 0.0, draw)
        for cut in cuts:
            seen = Seen(
                cut,
                np.array(trace.train),
                np.array(trace.held_out),
                np.array(trace.epoch_mean if r.shown == "epoch_mean" else trace.train),
                np.array(trace.val),
                np.array(trace.epoch_mean),
                trace.reference,
                trace.initial,
                r.schedule != "constant",
                int(r.epochs * r.drop_at) if r.schedule == "late_step" else 0,
            )
            true, item = truth(seen), shown_part(r, trace, cut, facts)
            shown = read(item)
            if not visible(r.cause, true, shown):
                high = {name: round(value, 2) for name, value in true.items() if value >= 0.5}
                why.append((cut, high, round(shown.evidence.get(r.cause, max(shown.evidence.values())), 2)))
                continue
            head: dict[str, Any] = {
                "id": f"{r.family}-{r.cause}-{r.seed}",
                "cause": r.cause,
                "accepted": accepted(r.cause, true, shown),
            }
            return {**head, **item, **known(r, trace, cut, true, shown.evidence)}, why
    return None, why


def lengths(r: Recipe, trace: Trace, rng: np.random.Generator) -> list[int]:
    """The epochs after which the run may be cut, in the order in which they are tried."""
    ran = len(trace.epoch_mean)
    broken = not math.isfinite(trace.epoch_mean[-1])
    if r.schedule == "late_step":  # the drop shows, or, in one of three, is yet to come
        drop = int(r.epochs * r.drop_at)
        before, after = [n for n in LENGTHS if n <= drop], [n for n in {*LENGTHS, ran} if drop + 3 < n <= ran]
        first, then = (before, after) if rng.random() < 0.3 else (after, before)
        return [*rng.permutation(sorted(first)).tolist(), *rng.permutation(sorted(then)).tolist()]
    if r.schedule != "constant":
        return [ran]
    out = [n for n in LENGTHS if n <= (ran if broken else ran / 1.5)]
    if broken and ran not in out:
        out.append(ran)
    return sorted(out, reverse=True) if r.long else rng.permutation(out).tolist()


def shown_part(r: Recipe, trace: Trace, cut: int, facts: np.ndarray) -> dict[str, Any]:
    """What a reader is given."""
    data = FAMILIES[r.family].data()
    out: dict[str, Any] = {
        "train_loss": _short((trace.epoch_mean if r.shown == "epoch_mean" else trace.train)[:cut]),
        "val_loss": _short(trace.val[:cut]),
        "train_eval": r.shown,
        "n_train": r.n_train,
        "n_val": r.n_val,
        "max_epochs": cut,
        "config": {k: v for k, v in asdict(r).items() if k in IN_CONFIG} | {"batch_size": r.batch},
    }
    if r.shown == "epoch_mean" and (r.cause == "train_eval_mismatch" or facts[0] < 0.6):
        out["train_eval_loss"] = _short(trace.train[:cut])
    if facts[1] < 0.8:
        out["baseline_loss"] = float(f"{trace.reference:.5g}")
    elif data.classes and r.loss == "auto":
        out["num_classes"] = data.classes
    if (r.cause == "bad_initialisation" or facts[2] < 0.6) and math.isfinite(trace.initial):
        out["initial_loss"] = float(f"{trace.initial:.5g}")
    per_epoch = len(trace.steps[0])
    if r.shown == "epoch_mean" and per_epoch * cut <= 1500 and facts[3] < 0.5:
        out["steps"] = {"steps_per_epoch": per_epoch, "train_loss": _short(np.concatenate(trace.steps[:cut]), 3)}
    return out


def known(r: Recipe, trace: Trace, cut: int, true: dict[str, float], evidence: dict[str, float]) -> dict[str, Any]:
    """What only the maker knows; no detector may read it."""
    held, after = np.array(trace.held_out[:cut]), np.array(trace.train[:cut])
    return {
        "family": r.family,
        "seed": r.seed,
        "dose": r.dose,
        "strength": {name: round(value, 2) for name, value in true.items() if value >= 0.3},
        "evidence": {name: round(value, 2) for name, value in evidence.items() if value >= 0.3},
        "truth": {
            "train_last": _short(after[-1:])[0],
            "held_out_best": _short([held.min()])[0],
            "held_out_best_epoch": int(held.argmin()) + 1,
            "held_out_last": _short(held[-1:])[0],
            "reference": _short([trace.reference])[0],
            "epochs_run": len(trace.train),
        },
    }


def _short(values: Any, digits: int = 5) -> list[Any]:
    return [
        float(f"{v:.{digits}g}") if math.isfinite(v) else ("NaN" if math.isnan(v) else "Infinity")
        for v in map(float, values)
    ]


def traced(r: Recipe, keep: Path | None) -> Trace:
    """The run, trained, or read where it was kept."""
    path = keep / (hashlib.sha256(json.dumps(asdict(r)).encode()).hexdigest()[:24] + ".pkl") if keep else None
    if path and path.exists():
        loaded: Trace = pickle.loads(path.read_bytes())
        return loaded
    trace = train_run(r)
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(trace))
    return trace


def seeds(cause: str, families: tuple[str, ...], first: int) -> Iterator[tuple[str, int]]:
    """Family and seed of each attempt at a cause, one family after another."""
    able = [name for name in families if cause not in FAMILIES[name].cannot]
    base = first + 1000 * list(SHARES).index(cause)
    for attempt in range(1000):
        yield able[attempt % len(able)], base + attempt


def plant(cause: str, name: str, seed: int, keep: Path | None = None) -> tuple[dict[str, Any] | None, list[Any]]:
    """Plant a cause, more strongly each time until it is visible."""
    why: list[Any] = []
    for dose in DOSES.get(cause, (0, 1, 2)):
        r = recipe(cause, name, seed, dose)
        made, reasons = history_of(r, traced(r, keep))
        why += [(dose, *reason) for reason in reasons]
        if made is not None:
            return made, why
    return None, why


def make(cause: str, families: tuple[str, ...], first: int, want: int, keep: Path | None) -> tuple[list[Any], int]:
    """So many histories of a cause, and how many seeds it took."""
    torch.set_num_threads(1)
    out, tried, began = [], 0, time.process_time()
    for name, seed in seeds(cause, families, first):
        if len(out) == want or tried == 3 * want:
            break
        made, why = plant(cause, name, seed, keep)
        tried += 1
        if made is None:
            print(f"  not visible: {cause} {name} {seed}: {why[:: max(1, len(why) // 6)]}", file=sys.stderr)
        else:
            out.append(made)
    doses = dict(sorted(Counter(item["dose"] for item in out).items()))
    spent = time.process_time() - began
    print(
        f"{cause:32s} {tried - len(out)} of {tried} discarded, doses {doses}, {spent:.0f} s",
        file=sys.stderr,
        flush=True,
    )
    return out, tried


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("half", choices=("tuning", "scoring"))
    parser.add_argument("--share", type=float, default=1.0, help="of SHARES")
    parser.add_argument("--seed", type=int, default=None, help="another first seed, for a trial of the recipes")
    parser.add_argument("--out", type=Path, default=Path("tests/corpus"))
    parser.add_argument("--causes", nargs="*", default=list(SHARES))
    parser.add_argument("--families", nargs="*", default=None)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=None, help="folder of trained runs: kept there, and read again")
    given = parser.parse_args()
    families = tuple(given.families or (TUNING if given.half == "tuning" else SCORING))
    first = given.seed if given.seed is not None else FIRST_SEED[given.half]
    with ProcessPoolExecutor(given.workers, mp_context=get_context("spawn")) as pool:
        jobs = [
            pool.submit(make, cause, families, first, max(1, round(SHARES[cause] * given.share)), given.keep)
            for cause in given.causes
        ]
        made = [job.result() for job in jobs]
    out = [item for items, _ in made for item in items]
    given.out.mkdir(parents=True, exist_ok=True)
    path = given.out / f"{given.half}.json.gz"
    text = "[\n" + ",\n".join(json.dumps(item, separators=(",", ":")) for item in out) + "\n]\n"
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    for cause, (items, tried) in zip(given.causes, made, strict=True):
        print(f"| {cause} | {tried - len(items)} of {tried} | {np.mean([len(i['accepted']) for i in items]):.2f} |")
    points = [len(item["train_loss"]) for item in out]
    print(
        f"{path}: {len(out)} histories, {np.mean([len(item['accepted']) for item in out]):.2f} accepted verdicts each, "
        f"{sum(n >= 100 for n in points)} of 100 points and more, {sum(n >= 200 for n in points)} of 200, "
        f"{sum(n <= 17 for n in points)} of 17 and fewer, {sum('steps' in item for item in out)} with steps, "
        f"{path.stat().st_size} bytes, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}"
    )


if __name__ == "__main__":
    main()
