"""Set the limits of the symptoms' conditions by maximum likelihood on the tuning half, and check them by family.

    python benchmarks/diagnosis_limits.py [SYMPTOM ...] [--file FILE ...] [--write]

A symptom holds where its name is among the verdicts that a fair reader would accept. The histories are seen as they
are, noisy, at 5 to 35 evenly spaced epochs, with a training loss a step, without what is known of the problem, and
without validation. Each limit and width is held to its present value by a prior, so that a few hundred histories cannot
carry it off; equal conditions of a symptom stay equal. Printed: the log loss a history of the present limits, of those
set on all families, and of those set on the other families alone, which is what a new family may expect. `--write` puts
the new limits into the symptoms' files.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import re
from pathlib import Path
from types import ModuleType

import numpy as np
from diagnosis_halves import CORPUS, Item, by_step, of_length, with_noise
from scipy.optimize import minimize

from tuner.diagnosis.batch import make_batch
from tuner.diagnosis.features import Features
from tuner.diagnosis.symptoms import ORDER, SILENCES
from tuner.diagnosis.weigh import Condition
from tuner.importers import history_from_mapping

COPY = 0.3
"""Weight of a history seen in another way, beside 1 as it is."""
SHADED = 0.25
"""Weight of a history in which the symptom is acceptable but was not planted: right said and right unsaid."""
HEALTHY_WEIGHT = 2.0
"""A false alarm on a healthy run costs as much as two other errors."""
PRIOR = 3.0
PRIOR_ACROSS = 0.03
"""Of the check by family: next to none, since the present limits have seen the family that is left out."""
LENGTHS = (5, 7, 10, 14, 20, 35)
WRITTEN = re.compile(r'Condition\(\s*"(\w+)", ([-\d.e]+), ([-\d.e]+), ([-\d.e]+)\s*\)')
FLOOR, CEILING = 1e-4, 0.99

Array = np.ndarray


def seen_otherwise(items: list[Item]) -> tuple[list[Item], Array]:
    """The histories and their copies, with their weights."""
    copies = [copy for noise in (0.02, 0.05, 0.1) for copy in with_noise(items, noise)]
    copies += [copy for length in LENGTHS for copy in of_length(items, length)]
    copies += by_step(items)
    bare = ("baseline_loss", "initial_loss", "num_classes", "train_eval_loss", "config")
    needed = {"train_eval_mismatch", "bad_initialisation", "not_learning", "underfitting"}
    copies += [{k: v for k, v in i.items() if k not in bare} for i in items if not needed & set(i["accepted"])]
    copies += [{k: v for k, v in i.items() if k != "val_loss"} for i in items]
    return items + copies, np.array([1.0] * len(items) + [COPY] * len(copies))


def measured(items: list[Item]) -> dict[str, dict[str, Array]]:
    """Symptom -> measure -> one value a history."""
    histories = [history_from_mapping({k: v for k, v in item.items() if v is not None}) for item in items]
    order = np.argsort([len(item["train_loss"]) for item in items], kind="stable")
    out: dict[str, dict[str, Array]] = {module.NAME: {} for module in ORDER}
    for rows in np.array_split(order, max(1, len(items) // 64)):
        features = Features(make_batch([histories[row] for row in rows]))
        with np.errstate(all="ignore"):
            for module in ORDER:
                for name, values in module.measures(features).items():
                    out[module.NAME].setdefault(name, np.full(len(items), np.nan))[rows] = values
    return out


class Fit:
    """One symptom's conditions; parameters are the limits in asinh(measure / unit), signed, and the log widths."""

    def __init__(self, module: ModuleType, measures: dict[str, Array]) -> None:
        flat = [condition for way in module.WAYS for condition in way]
        self.conditions: list[Condition] = list(dict.fromkeys(flat))
        self.ways = [[self.conditions.index(c) for c in way] for way in module.WAYS]
        self.sign = np.array([1.0 if c.sure > c.limit else -1.0 for c in self.conditions])
        x = np.stack([np.arcsinh(np.clip(measures[c.measure] / c.unit, -1e6, 1e6)) for c in self.conditions], 1)
        self.there, self.x = ~np.isnan(x), np.nan_to_num(x) * self.sign
        limits = np.array([math.asinh(c.limit / c.unit) for c in self.conditions]) * self.sign
        self.width = np.array([1 / abs(c.slope) for c in self.conditions])
        self.start = np.concatenate([limits, np.log(self.width)])

    def probability(self, point: Array, rows: Array) -> tuple[Array, Array]:
        """[R] the probability, and [R, 2C] its derivative by each parameter."""
        count = len(self.conditions)
        width = np.exp(point[count:])
        z = np.clip((self.x[rows] - point[:count]) / width, -40, 40)
        holds = np.where(self.there[rows], 1 / (1 + np.exp(-z)), 0.0)
        ways = np.stack([holds[:, way].prod(axis=1) for way in self.ways], 1)
        none = np.prod(1 - ways, axis=1)
        by = np.zeros((len(rows), 2 * count))
        for k, way in enumerate(self.ways):
            others = np.prod(np.delete(1 - ways, k, axis=1), axis=1)
            for c in way:
                steep = others * ways[:, k] * (1 - holds[:, c])
                by[:, c] -= steep / width[c]
                by[:, count + c] -= steep * z[:, c]
        return 1 - none, by

    def loss(self, point: Array, rows: Array, y: Array, weight: Array, prior: float) -> tuple[float, Array]:
        p, by = self.probability(point, rows)
        p = np.clip(p, FLOOR, CEILING)
        value = -np.sum(weight * (y * np.log(p) + (1 - y) * np.log(1 - p)))
        slope = -(weight * (y / p - (1 - y) / (1 - p))) @ by
        away = (point - self.start) / np.concatenate([2 * self.width, np.ones(len(self.width))])
        scale = np.concatenate([2 * self.width, np.ones(len(self.width))])
        return float(value + prior * (away**2).sum()), slope + prior * 2 * away / scale

    def best(self, rows: Array, y: Array, weight: Array, prior: float) -> Array:
        found = minimize(self.loss, self.start, (rows, y[rows], weight[rows], prior), "L-BFGS-B", jac=True)
        return np.asarray(found.x)

    def written(self, point: Array) -> dict[Condition, Condition]:
        """Old condition -> new one, with three digits."""
        out, count = {}, len(self.conditions)
        for k, c in enumerate(self.conditions):
            at, wide = point[k] * self.sign[k], math.exp(point[count + k]) * self.sign[k]
            limit, sure = (c.unit * math.sinh(x) for x in (at, at + wide * math.log(9)))
            out[c] = Condition(c.measure, float(f"{limit:.3g}"), float(f"{sure:.3g}"), c.unit)
        return out


def study(module: ModuleType, items: list[Item], weight: Array, measures: dict[str, Array]) -> tuple[Fit, Array, Array]:
    """The fit, its best point, and each history's probability by the limits set on the other families."""
    name = module.NAME
    y = np.array([float(name in item["accepted"]) for item in items])
    silencers = {other for other, names in SILENCES.items() if name in names}
    asked = np.array([not (item["cause"] in silencers and name not in item["accepted"]) for item in items])
    planted = np.array([item["cause"] == name for item in items])
    weight = weight * np.where((y > 0) & ~planted, SHADED, 1.0)
    weight = weight * np.where([item["cause"] == "healthy" for item in items], HEALTHY_WEIGHT, 1.0)
    families = np.array([item["id"].split("-")[0] for item in items])
    fit, others = Fit(module, measures), np.zeros(len(items))
    for family in sorted(set(families)):
        point = fit.best(np.flatnonzero(asked & (families != family)), y, weight, PRIOR_ACROSS)
        mine = np.flatnonzero(families == family)
        others[mine] = fit.probability(point, mine)[0]
    rows = np.flatnonzero(asked)
    point = fit.best(rows, y, weight, PRIOR)
    size = weight[rows].sum()
    now, new = (fit.loss(at, rows, y[rows], weight[rows], 0.0)[0] / size for at in (fit.start, point))
    p = np.clip(others[rows], FLOOR, CEILING)
    cross = -np.sum(weight[rows] * np.where(y[rows] > 0, np.log(p), np.log(1 - p))) / size
    print(f"{name:32s} log loss now {now:.4f}, set on all {new:.4f}, on the other families {cross:.4f}")
    return fit, point, others


def write(module: ModuleType, new: dict[Condition, Condition]) -> None:
    """The same conditions with new numbers, where the file has the old ones."""
    path = Path(str(module.__file__))

    def replaced(match: re.Match[str]) -> str:
        condition = new[Condition(match[1], float(match[2]), float(match[3]), float(match[4]))]
        return f'Condition("{condition.measure}", {condition.limit}, {condition.sure}, {condition.unit})'

    path.write_text(WRITTEN.sub(replaced, path.read_text(encoding="utf-8")), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("symptoms", nargs="*", default=[module.NAME for module in ORDER])
    parser.add_argument("--file", nargs="*", type=Path, default=[CORPUS / "tuning.json.gz"])
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    plain = [item for path in given.file for item in json.loads(gzip.decompress(path.read_bytes()))]
    items, weight = seen_otherwise(plain)
    measures = measured(items)
    for module in ORDER:
        if module.NAME in given.symptoms:
            fit, point, _ = study(module, items, weight, measures[module.NAME])
            if given.write:
                write(module, fit.written(point))


if __name__ == "__main__":
    main()
