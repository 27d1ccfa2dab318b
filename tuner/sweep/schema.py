"""The JSON Schema of a sweep file, for editors: sections from their models, the grammar, the catalogue's names.

It holds what one place of the file can show. What has to fit together (a default inside its range, who takes what) is
the reader's to check. With a `loop` of the user's own the space is free.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tuner.records.catalogue import Catalogue, Component, ParameterSpec
from tuner.sweep.claims import MODEL, NO_PART
from tuner.sweep.methods import ALGORITHMS, SCHEDULERS, Method
from tuner.sweep.sections import SECTIONS, SweepFile

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NULL: Schema = {"type": "null"}
SCALAR: Schema = {"type": ["boolean", "number", "string", "null"]}
PARAMETER: Schema = {"$ref": "#/$defs/Parameter"}
BRANCH: Schema = {"$ref": "#/$defs/Branch"}


def json_schema(catalogue: Catalogue) -> Schema:
    """Draft 2020-12."""
    schema = SweepFile.model_json_schema()
    properties, definitions = schema["properties"], schema["$defs"]
    for name in SECTIONS:
        section = definitions[properties[name]["$ref"].rsplit("/", 1)[-1]]
        properties[name] = {"anyOf": [properties[name], NULL], "description": section["description"]}
    nightly = definitions["NightlySection"]["properties"]
    for name in ("budget", "notify"):
        inner = definitions[nightly[name]["$ref"].rsplit("/", 1)[-1]]
        nightly[name] |= {"description": inner["description"]}
    nightly["control"] |= {"anyOf": [_configuration(), NULL]}
    nightly["false_alarms"] |= {"anyOf": [{"type": "number"}, {"type": "string", "pattern": "^ *[0-9]+ in [0-9]+"}]}
    nightly["minimum_effect"] |= {"anyOf": [{"type": "number"}, {"type": "string", "pattern": "%"}, NULL]}
    models = catalogue.family("model")
    properties["task"] |= {"examples": list(catalogue.family("task"))}
    properties["model"] |= {"examples": list(models)}
    properties["metric"] |= _metric()
    search = definitions["SearchSection"]["properties"]
    search["algorithm"] |= _methods(ALGORITHMS)
    search["scheduler"] |= _methods(SCHEDULERS)
    search["enqueue"] |= {"anyOf": [{"type": "array", "items": _configuration()}, NULL]}
    search["warm_start"] |= _warm_start()
    number: Schema = {"type": "object", "additionalProperties": {"type": "number"}}
    definitions["StopSection"]["properties"]["target"] |= {"anyOf": [number, NULL]}
    memory = [{"type": "integer", "exclusiveMinimum": 0}, {"type": "string", "pattern": "^[0-9.]+ *[A-Za-z]+$"}, NULL]
    definitions["ResourcesSection"]["properties"]["memory"] |= {"anyOf": memory}
    definitions |= _grammar() | _catalogue(catalogue)
    free: Schema = {"space": {"$ref": "#/$defs/Space"}, "fixed": {"$ref": "#/$defs/Fixed"}}
    named: Schema = {"space": {"$ref": "#/$defs/NamedSpace"}, "fixed": {"$ref": "#/$defs/NamedFixed"}}
    return {
        "$schema": DIALECT,
        **schema,
        "title": "tuner sweep file",
        "patternProperties": {"^x-": {"description": "Anchors, to be repeated elsewhere by their aliases."}},
        "oneOf": [{"required": ["task"]}, {"required": ["loop"]}],
        "if": {"required": ["loop"]},
        "then": {"properties": free},
        "else": {"properties": named},
    }


def _configuration() -> Schema:
    return {"type": "object", "additionalProperties": {"anyOf": [SCALAR, {"type": "object"}]}}


def _metric() -> Schema:
    mapping: Schema = {
        "type": "object",
        "properties": {"name": {"type": "string", "minLength": 1}, "mode": {"enum": ["min", "max"]}},
        "required": ["name"],
        "additionalProperties": False,
    }
    return {"anyOf": [{"type": "string", "pattern": "_loss$"}, mapping]}


def _warm_start() -> Schema:
    run: Schema = {"type": "string", "minLength": 1}
    mapping: Schema = {
        "type": "object",
        "properties": {
            "run": run,
            "ignore": {"type": "array", "items": {"type": "string"}},
            "rename": {"type": "object", "additionalProperties": {"type": "string"}},
            "trust": {"type": "boolean"},
        },
        "required": ["run"],
        "additionalProperties": False,
    }
    return {"anyOf": [run, mapping, {"type": "array", "items": {"anyOf": [run, mapping]}}, NULL]}


def _methods(methods: Mapping[str, Method]) -> Schema:
    alone = [{"const": method.name, "description": method.says} for method in methods.values()]
    return {"anyOf": [*alone, *(_one_key(method.name, _options(method)) for method in methods.values())]}


def _options(method: Method) -> Schema:
    options = {
        option.name: {
            "type": "integer",
            "minimum": option.low,
            "default": option.default,
            "description": option.says,
        }
        for option in method.options
    }
    return {"anyOf": [{"type": "object", "properties": options, "additionalProperties": False}, NULL]}


def _one_key(name: str, value: Schema) -> Schema:
    return {"type": "object", "properties": {name: value}, "required": [name], "additionalProperties": False}


# --- the grammar -------------------------------------------------------------------------------------------------


def _grammar() -> Schema:
    number: Schema = {"type": "number"}
    option: Schema = {
        "anyOf": [
            SCALAR,
            {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": BRANCH},
        ]
    }
    fixed: Schema = {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": _inside("Fixed")}
    return {
        "Parameter": {
            "anyOf": [SCALAR, _range("float", number), _range("int", {"type": "integer"}), _choice(option, BRANCH)]
        },
        "Branch": _inside("Space"),
        "Space": {"type": "object", "additionalProperties": PARAMETER},
        "FixedValue": {"anyOf": [SCALAR, {"type": "array", "items": SCALAR}, fixed]},
        "Fixed": {"type": "object", "additionalProperties": {"$ref": "#/$defs/FixedValue"}},
    }


def _inside(definition: str) -> Schema:
    return {"anyOf": [{"$ref": f"#/$defs/{definition}"}, NULL]}


def _range(kind: str, number: Schema) -> Schema:
    bounds: Schema = {"type": "array", "items": number, "minItems": 2, "maxItems": 2, "description": "low, high"}
    return {
        "type": "object",
        "properties": {
            kind: bounds,
            "log": {"type": "boolean", "default": False, "description": "Search on a logarithmic scale."},
            "default": number,
        },
        "required": [kind],
        "additionalProperties": False,
    }


def _choice(option: Schema, branch: Schema, branches: Mapping[str, Schema] | None = None) -> Schema:
    table: Schema = {"type": "object", "minProperties": 1, "additionalProperties": branch}
    if branches is not None:
        table = {"type": "object", "minProperties": 1, "properties": dict(branches), "additionalProperties": False}
    return {
        "type": "object",
        "properties": {
            "choice": {"anyOf": [{"type": "array", "items": option, "minItems": 1}, table]},
            "default": SCALAR,
        },
        "required": ["choice"],
        "additionalProperties": False,
    }


# --- the catalogue's names ---------------------------------------------------------------------------------------


def _catalogue(catalogue: Catalogue) -> Schema:
    """The space and the fixed values with the trainer's names; what only models take is left open at the top."""
    specs = [MODEL, *catalogue.trainer]
    space = {spec.name: _described(spec, _searched(spec, catalogue)) for spec in specs}
    fixed = {spec.name: _described(spec, _held(spec, catalogue)) for spec in specs}
    for model in catalogue.family("model").values():
        for spec in model.parameters:
            space.setdefault(spec.name, {**PARAMETER, "description": f"{spec.says} (of {model.name})"})
            fixed.setdefault(spec.name, {"$ref": "#/$defs/FixedValue", "description": f"{spec.says} (of {model.name})"})
    for task in catalogue.family("task").values():
        for spec in task.parameters:
            fixed.setdefault(spec.name, _described(spec, _value(spec, catalogue)))
    free: Schema = {"$ref": "#/$defs/FixedValue"}
    return {
        "NamedSpace": {"type": "object", "properties": space, "additionalProperties": PARAMETER},
        "NamedFixed": {"type": "object", "properties": fixed, "additionalProperties": free},
    }


def _described(spec: ParameterSpec, schema: Schema) -> Schema:
    return {**schema, "description": spec.says} if spec.says else schema


def _names(spec: ParameterSpec, catalogue: Catalogue) -> dict[str, Component]:
    """The components that a parameter can name."""
    known = catalogue.family(spec.family) if spec.family is not None else {}
    return {name: known[name] for name in known if not spec.choices or name in spec.choices}


def _searched(spec: ParameterSpec, catalogue: Catalogue) -> Schema:
    value = _value(spec, catalogue)
    if spec.kind == "any":
        return PARAMETER
    names = _names(spec, catalogue)
    if spec.kind == "text" and names:
        branches = {name: _part(part.parameters, "Parameter") for name, part in names.items()}
        option: Schema = {"anyOf": [value, *(_one_key(name, branches[name]) for name in names)]}
        return {"anyOf": [value, _choice(option, BRANCH, branches)]}
    found = [value, _choice({"anyOf": [value, _one_branch()]}, BRANCH)]
    if spec.kind in ("float", "int"):
        number = _number(spec)
        found += [_range("int", number)] + ([_range("float", number)] if spec.kind == "float" else [])
    return {"anyOf": found}


def _held(spec: ParameterSpec, catalogue: Catalogue) -> Schema:
    value = _value(spec, catalogue)
    if spec.kind == "any":
        return {"$ref": "#/$defs/FixedValue"}
    if spec.kind == "list":
        items = value if spec.family is not None else SCALAR
        return {"anyOf": [value, {"type": "array", "items": items}]}
    names = _names(spec, catalogue)
    parts = [_one_key(name, _part(part.parameters, "FixedValue")) for name, part in names.items()]
    return {"anyOf": [value, *parts]}


def _one_branch() -> Schema:
    return {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": BRANCH}


def _part(parameters: Iterable[ParameterSpec], definition: str) -> Schema:
    """What stands below a component's name: its own parameters are offered, the trainer's may stand there too."""
    ref: Schema = {"$ref": f"#/$defs/{definition}"}
    own = {spec.name: {**ref, "description": spec.says} for spec in parameters}
    return {"anyOf": [{"type": "object", "properties": own, "additionalProperties": ref}, NULL]}


def _value(spec: ParameterSpec, catalogue: Catalogue) -> Schema:
    """One value of the parameter."""
    names = list(_names(spec, catalogue))
    if names:
        found: Schema = {"enum": [*names, NO_PART] if spec.kind == "list" and NO_PART not in names else names}
    elif spec.choices:
        found = {"enum": list(spec.choices)}
    elif spec.kind in ("float", "int"):
        found = _number(spec)
    else:
        found = {"bool": {"type": "boolean"}, "text": {"type": "string"}}.get(spec.kind, SCALAR)
    return {"anyOf": [found, NULL]} if spec.default is None and not spec.required and spec is not MODEL else found


def _number(spec: ParameterSpec) -> Schema:
    found: Schema = {"type": "integer" if spec.kind == "int" else "number"}
    if spec.low is not None:
        found["exclusiveMinimum" if spec.open_low else "minimum"] = spec.low
    if spec.high is not None:
        found["exclusiveMaximum" if spec.open_high else "maximum"] = spec.high
    return found
