"""The sweep file: read it, check all of it at once, write it again, describe it to editors."""

from tuner.sweep.dump import dump_sweep
from tuner.sweep.given import read_config
from tuner.sweep.overrides import ENVIRONMENT, RAY_ADDRESS, ray_address
from tuner.sweep.own_model import BuilderSignature, Inspect
from tuner.sweep.reader import parse_sweep, read_sweep, sweep_from_mapping
from tuner.sweep.schema import json_schema
from tuner.sweep.shipped import find_sweep, shipped_sweeps
from tuner.sweep.sweep import Metric, Resources, Search, Stop, Sweep, Tracking, WarmStart

__all__ = [
    "ENVIRONMENT",
    "RAY_ADDRESS",
    "BuilderSignature",
    "Inspect",
    "Metric",
    "Resources",
    "Search",
    "Stop",
    "Sweep",
    "Tracking",
    "WarmStart",
    "dump_sweep",
    "find_sweep",
    "json_schema",
    "parse_sweep",
    "ray_address",
    "read_config",
    "read_sweep",
    "shipped_sweeps",
    "sweep_from_mapping",
]
