"""The JSON Schema of scenario files, for editors: the records of `scenario`, and what the checks know beyond them.

It is published as docs/scenario.schema.json and printed by `crashrig schema`. It says less than the checks do: what
conditions mean, and what does not fit together, only `crashrig validate` can tell.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from crashrig.promises import PROMISES
from crashrig.quantities import Duration, schema_hook
from crashrig.reading.checks.agents import NAME_PATTERN, RESERVED
from crashrig.reading.checks.expectations import MODIFIERS
from crashrig.reading.checks.steps import SIGNALS, Verb, behaviour_verbs
from crashrig.reading.scenario_keys import KEYS
from crashrig.scenario import FAULT_KINDS, OPERATORS, Scenario
from crashrig.subjects.protocol import CAPABILITIES

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def schema_text() -> str:
    """The schema as it is published."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def json_schema() -> Schema:
    """The schema as data."""
    made = msgspec.json.schema(Scenario, schema_hook=schema_hook)
    kinds = {name: _record(name, record) for name, record in made["$defs"].items()}
    _refine(kinds)
    return {"$schema": DIALECT, "title": "A crashrig scenario", **kinds.pop("Scenario"), "$defs": kinds}


def _record(name: str, record: Schema) -> Schema:
    """One record: without null, which TOML does not have, and with the meaning of each key."""
    meanings = next(keys for kind, keys in KEYS.items() if kind.__name__ == name)
    properties = {
        key: {**_without_null(value), "description": meanings[key]} for key, value in record["properties"].items()
    }
    first = " ".join(record["description"].partition("\n\n")[0].split())
    return {**record, "title": name, "description": first, "properties": properties}


def _without_null(value: Schema) -> Schema:
    value = {key: item for key, item in value.items() if not (key == "default" and item is None)}
    options = [one for one in value.pop("anyOf", []) if one != {"type": "null"}]
    if len(options) == 1:
        return {**options[0], **value}
    if "enum" in value:
        value["enum"] = [one for one in value["enum"] if one is not None]
    return {**value, "anyOf": options} if options else value


def _refine(kinds: dict[str, Schema]) -> None:
    """What the records themselves do not say."""
    scenario, agent, expect = (kinds[name]["properties"] for name in ("Scenario", "Agent", "Expect"))
    scenario["promises"]["items"] = _enum(PROMISES)
    scenario["needs"]["items"] = _enum(CAPABILITIES)
    scenario["expect"]["minItems"] = 1
    scenario["modes"]["minItems"] = 1
    scenario["agents"] |= {
        "minProperties": 1,
        "propertyNames": {"pattern": NAME_PATTERN, "not": {"enum": list(RESERVED)}},
    }
    expect["promise"] |= _enum(PROMISES)
    kinds["Kill"]["properties"]["signal"] |= _enum(SIGNALS)
    for key in ("clean_codes", "fatal_codes", "restart_codes"):
        kinds["Policy"]["properties"][key]["items"] |= {"minimum": 0, "maximum": 255}
    kinds["Fault"]["oneOf"] = [{"required": [kind]} for kind in FAULT_KINDS]
    kinds["Expect"]["oneOf"] = [_operator(name) for name in OPERATORS]
    kinds["Step"] = _steps()
    agent["behaviour"]["items"] = {"$ref": "#/$defs/Step"}
    agent["starts"]["items"]["items"] = {"$ref": "#/$defs/Step"}


def _enum(words: Any) -> Schema:
    return {"enum": list(words)}


def _operator(name: str) -> Schema:
    wanted = MODIFIERS[name]
    schema: Schema = {"required": [name, *wanted.required]}
    if wanted.one_of:
        schema["anyOf"] = [{"required": [key]} for key in wanted.one_of]
    return schema


def _steps() -> Schema:
    verbs = behaviour_verbs().values()
    return {"title": "Step", "description": "One step of a behaviour.", "oneOf": [_step(verb) for verb in verbs]}


def _step(verb: Verb) -> Schema:
    kinds = {verb.name: verb.value, **verb.options}
    properties = {key: _value(verb, key, kind) for key, kind in kinds.items()}
    properties[verb.name]["description"] = verb.summary
    return {
        "title": verb.name,
        "type": "object",
        "required": [verb.name],
        "additionalProperties": False,
        "properties": properties,
    }


def _value(verb: Verb, key: str, kind: str) -> Schema:
    match kind:
        case "word":
            return _enum(verb.choices[key])
        case "duration":
            return dict(schema_hook(Duration))
        case "signal":
            return _enum(SIGNALS)
        case "code":
            return {"type": "integer", "minimum": 0, "maximum": 255}
        case "count":
            return {"type": "integer", "minimum": 1}
        case "probability":
            return {"type": "number", "minimum": 0, "maximum": 1}
        case _:
            return {"type": "boolean"}
