"""Spaces of every shape for property tests: all domains, defaults or none, nested to depth three."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tuner.records.values import Scalar
from tuner.space import Choice, Constant, Domain, Float, Int, Parameter, Space, branch_name
from tuner.space.naming import recorded_name

DEPTH = 3
NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,7}", fullmatch=True)
TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8)
SCALARS: SearchStrategy[Scalar] = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**40), 2**40), st.floats(allow_nan=False, allow_infinity=False), TEXT
)


@st.composite
def ranges(draw: DrawFn) -> Float | Int:
    log = draw(st.booleans())
    if draw(st.booleans()):
        low = draw(st.integers(1 if log else -(2**40), 2**40 - 1))
        return Int(low, draw(st.integers(low + 1, 2**40)), log)
    low_float = draw(st.floats(1e-12 if log else -1e12, 1e12, allow_subnormal=False))
    return Float(low_float, draw(st.floats(low_float, 1e13, exclude_min=True, allow_subnormal=False)), log)


@st.composite
def choices(draw: DrawFn) -> Choice:
    options = draw(st.lists(SCALARS, min_size=1, max_size=3, unique_by=branch_name))
    return Choice(tuple(options))


DOMAINS: SearchStrategy[Domain] = st.one_of(ranges(), choices(), SCALARS.map(Constant))


@st.composite
def parameters(
    draw: DrawFn, depth: int = DEPTH, parent: str | None = None, parent_value: Scalar = None
) -> list[Parameter]:
    found: list[Parameter] = []
    for short in draw(st.lists(NAMES, min_size=0, max_size=3 if depth == DEPTH else 2, unique=True)):
        name = recorded_name(short, parent, parent_value)
        domain = draw(DOMAINS)
        default, has_default = None, False
        if not isinstance(domain, Constant) and draw(st.booleans()):
            default, has_default = domain.from_unit(draw(st.floats(0, 1))), True
        found.append(Parameter(name, short, domain, default, has_default, parent, parent_value))
        if isinstance(domain, Choice) and depth > 1:
            for option in domain.options:
                # A dot in an option's name could make two recorded names one; the reader refuses that.
                if "." not in branch_name(option) and draw(st.booleans()):
                    found += draw(parameters(depth=depth - 1, parent=name, parent_value=option))
    return found


@st.composite
def spaces(draw: DrawFn) -> Space:
    return Space(tuple(draw(parameters())))
