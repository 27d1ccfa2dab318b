"""Parameters that several of the catalogue's models take. Torch-free."""

from __future__ import annotations

from tuner.records.catalogue import ParameterSpec

DROPOUT = ParameterSpec("dropout", "float", low=0.0, high=1.0, open_high=True, default=0.0, says="share set to 0")
ACTIVATION = ParameterSpec("activation", "text", family="activation", default="relu", says="of the hidden layers")
NORMALISATION = ParameterSpec("normalisation", "text", family="normalisation", default="none", says="before activation")
NORMALISATION_OF_FEATURES = ParameterSpec(
    "normalisation",
    "text",
    choices=("none", "batch", "layer", "group"),
    family="normalisation",
    default="none",
    says="before activation",
)
"""Without `instance`: one number has no mean of its own."""
SPATIAL_DROPOUT = ParameterSpec(
    "spatial_dropout", "float", low=0.0, high=1.0, open_high=True, default=0.0, says="share of whole channels set to 0"
)
ATTENTION = ParameterSpec(
    "attention", "text", choices=("none", "channel"), default="none", says="channel: squeeze-and-excitation"
)
