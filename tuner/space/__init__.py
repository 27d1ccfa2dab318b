"""The search space: what may be tried. Sample it, walk it, ask whether a configuration lies in it."""

from tuner.space.domains import Choice, Constant, Domain, Float, Int, canonical, same
from tuner.space.naming import arguments, branch_name, flatten, nest
from tuner.space.parameter import Parameter
from tuner.space.size import identity, size, untried
from tuner.space.space import Space
from tuner.space.spelling import closest, did_you_mean

__all__ = [
    "Choice",
    "Constant",
    "Domain",
    "Float",
    "Int",
    "Parameter",
    "Space",
    "arguments",
    "branch_name",
    "canonical",
    "closest",
    "did_you_mean",
    "flatten",
    "identity",
    "nest",
    "same",
    "size",
    "untried",
]
