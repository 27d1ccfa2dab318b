"""The search space: what may be tried. Sample it, walk it, ask whether a configuration lies in it."""

from tuner.space.domains import Choice, Constant, Domain, Float, Int, canonical, same
from tuner.space.naming import arguments, branch_name, flatten, nest
from tuner.space.parameter import Parameter
from tuner.space.size import identity, size, untried
from tuner.space.space import Space
from tuner.space.spelling import closest, did_you_mean
from tuner.space.translate import Misfit, Translated, rename, translate

__all__ = [
    "Choice",
    "Constant",
    "Domain",
    "Float",
    "Int",
    "Misfit",
    "Parameter",
    "Space",
    "Translated",
    "arguments",
    "branch_name",
    "canonical",
    "closest",
    "did_you_mean",
    "flatten",
    "identity",
    "nest",
    "rename",
    "same",
    "size",
    "translate",
    "untried",
]
