"""Whether the values that a setting may take are ones that its taker allows: kind, words, bounds."""

from __future__ import annotations

import math

from tuner.records.catalogue import ParameterSpec
from tuner.records.values import Scalar
from tuner.space import Choice, Float, Int, did_you_mean
from tuner.sweep.setting import Listed, Setting
from tuner.sweep.tree import Faults, Place

SPLIT = "split"
"""The one list whose numbers have to fit together."""


def check_range(setting: Setting, spec: ParameterSpec, faults: Faults) -> None:
    """Every value of the setting against the spec; each wrong one is a fault."""
    domain = setting.domain
    if domain is None or spec.kind == "any":
        return
    if isinstance(domain, Listed):
        if spec.kind == "list":
            _check_list(setting, domain, spec, faults)
        else:
            faults.add(setting.where, list(domain.values), f"is {_kind(spec)}, not a list", setting.place)
        return
    if isinstance(domain, Float | Int):
        if spec.kind not in ("float", "int") or (spec.kind == "int" and isinstance(domain, Float)):
            cure = f"is {_kind(spec)}: write {_instead(spec)}"
            faults.add(setting.where, f"{domain}", cure, setting.place)
            return
        for bound in (domain.low, domain.high):
            _check_number(bound, setting, setting.place, spec, faults)
        return
    for value, place in setting.placed:
        if isinstance(domain, Choice) and spec.kind == "list" and spec.family is None:
            faults.add(setting.where, value, "is a list, the same in every trial: write it in `fixed`", place)
            return
        _check_value(value, setting, place, spec, faults)


def _check_value(value: Scalar, setting: Setting, place: Place, spec: ParameterSpec, faults: Faults) -> None:
    if value is None:
        if spec.default is not None or spec.required:
            faults.add(setting.where, None, f"null says nothing here: write {_kind(spec)}", place)
        return
    fits = {
        "bool": isinstance(value, bool),
        "int": isinstance(value, int) and not isinstance(value, bool),
        "float": isinstance(value, int | float) and not isinstance(value, bool),
        "text": isinstance(value, str),
        "list": isinstance(value, str) and spec.family is not None,
    }[spec.kind]
    if not fits:
        cure = f"is {_kind(spec)}"
        if spec.kind == "bool" and isinstance(value, str):
            cure += f": in YAML 1.2 `{value}` is text, so write true or false"
        faults.add(setting.where, value, cure, place)
    elif spec.kind in ("float", "int"):
        _check_number(value, setting, place, spec, faults)
    elif spec.choices and spec.family is None and value not in spec.choices:
        faults.add(setting.where, value, did_you_mean(value, map(str, spec.choices)), place)


def _check_number(value: Scalar, setting: Setting, place: Place, spec: ParameterSpec, faults: Faults) -> None:
    assert isinstance(value, int | float)
    low, high = spec.low, spec.high
    below = low is not None and (value < low or (spec.open_low and value == low))
    above = high is not None and (value > high or (spec.open_high and value == high))
    if below or above:
        faults.add(setting.where, value, f"{spec.name} is {_bounds(spec)}", place)


def _check_list(setting: Setting, domain: Listed, spec: ParameterSpec, faults: Faults) -> None:
    if spec.family is not None:
        for value, place in setting.placed:
            if not isinstance(value, str):
                faults.add(setting.where, value, f"holds names of {spec.family}s", place)
        return
    if spec.name != SPLIT:
        return
    numbers = [v for v in domain.values if isinstance(v, int | float) and not isinstance(v, bool)]
    found = list(domain.values)
    if len(numbers) != 3 or len(found) != 3:
        faults.add(
            setting.where, found, "three shares: training, validation and test, as [0.8, 0.1, 0.1]", setting.place
        )
    elif numbers[0] <= 0 or numbers[1] <= 0 or numbers[2] < 0:
        faults.add(setting.where, found, "shares are above 0; only the test's may be 0", setting.place)
    elif not math.isclose(sum(numbers), 1.0, abs_tol=1e-6):
        faults.add(setting.where, found, f"the shares sum to {sum(numbers):g}, not to 1", setting.place)


def _kind(spec: ParameterSpec) -> str:
    if spec.kind in ("float", "int"):
        number = "a whole number" if spec.kind == "int" else "a number"
        bounds = _bounds(spec)
        return f"{number}, {bounds}" if bounds else number
    return {"bool": "true or false", "text": "text", "list": "a list"}[spec.kind]


def _bounds(spec: ParameterSpec) -> str:
    """`from 0 to below 1`; empty without bounds."""
    low = "" if spec.low is None else f"above {spec.low:g}" if spec.open_low else f"at least {spec.low:g}"
    high = "" if spec.high is None else f"below {spec.high:g}" if spec.open_high else f"at most {spec.high:g}"
    return " and ".join(part for part in (low, high) if part)


def _instead(spec: ParameterSpec) -> str:
    if spec.kind == "int":
        return "{int: [low, high]} or a choice"
    return "a choice" if spec.kind in ("bool", "text") else "a list in `fixed`"
