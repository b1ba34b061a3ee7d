"""Whatever stands in a file, a variable or a flag: settings come out, or a list of problems, and nothing else."""

from __future__ import annotations

import json
import tomllib

from hypothesis import given
from hypothesis import strategies as st

from holdfast.config import ConfigError, keys, load
from holdfast.config.lines import key_lines
from holdfast.handoff import from_json, to_json

KEYS = sorted({*keys.TOP, *keys.FLEET, *keys.AGENT, *keys.POLICY, *keys.HEARTBEAT, *keys.SECTIONS, "heartbeat"})

plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
likely = st.sampled_from(
    [
        "5s",
        "0s",
        "1s,2",
        "unlimited",
        "off",
        "on-failure",
        "external",
        "SIGTERM",
        "a",
        "x/../y",
        "~/z",
        "inherit",
        "90",
        "",
    ]
)
scalars = st.one_of(
    likely, plain, st.booleans(), st.integers(-2, 300), st.integers(), st.floats(allow_nan=True, allow_infinity=True)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | plain, inner, max_size=3),
    max_leaves=6,
)
tables = st.dictionaries(st.sampled_from(KEYS) | plain, values, max_size=8)
agents = st.dictionaries(
    st.sampled_from(["a", "b", "c d"]), tables | tables.map(lambda table: {"command": ["x"], **table}), max_size=3
)
documents = st.builds(lambda top, agents: {**top, "agents": agents}, tables, agents) | tables


def written(value: object) -> str:
    """TOML of a value, all in one line."""
    match value:
        case bool() | str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case int():
            return str(value % 2**63)
        case float():
            return repr(value)
        case list():
            return "[" + ", ".join(map(written, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{written(name)} = {written(inner)}" for name, inner in value.items()) + "}"
        case _:
            raise TypeError(value)


def text_of(document: dict[str, object]) -> str:
    return "".join(f"{written(name)} = {written(value)}\n" for name, value in document.items())


@given(documents)
def test_any_document_is_settings_or_problems(document: dict[str, object]) -> None:
    text = text_of(document)
    assert tomllib.loads(text) is not None
    try:
        settings = load(text, environ={})
    except ConfigError as error:
        assert error.problems
        for problem in error.problems:
            line = int(problem.place.rpartition(":")[2])
            assert 1 <= line <= max(1, len(document))
            assert problem.expected
            assert problem.found
    else:
        assert from_json(to_json(settings)) == settings


@given(st.dictionaries(st.sampled_from(sorted(keys.of_variables())), likely | plain, max_size=4))
def test_any_variables_are_settings_or_problems(environ: dict[str, str]) -> None:
    try:
        load('[agents.a]\ncommand = ["x"]\nheartbeat = { notify = true }\n', environ=environ)
    except ConfigError as error:
        assert all(problem.place == "environment" for problem in error.problems)


@given(documents)
def test_every_key_has_a_line(document: dict[str, object]) -> None:
    lines = key_lines(text_of(document))
    for number, name in enumerate(document, start=1):
        assert lines[(name,)] == number


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_settings_or_problems(text: str) -> None:
    try:
        load(text, environ={})
    except ConfigError as error:
        assert str(error).startswith("<text>: ")
