"""The published schema and the tables of words agree with the records, the verbs and the checks."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import jsonschema
import pytest

from crashrig.agents.behaviours import VERBS
from crashrig.judging.reference import ATTRIBUTES, EVENTS, OBSERVABLES
from crashrig.promises import PROMISES
from crashrig.reading.checks.expectations import MODIFIERS
from crashrig.reading.checks.steps import KINDS, Verb, behaviour_verbs
from crashrig.reading.describe import EXPECTATIONS, STEPS, describe
from crashrig.reading.library import builtin_root, find, select
from crashrig.reading.scenario_file import parse_scenario
from crashrig.reading.scenario_keys import KEYS
from crashrig.reading.scenario_schema import json_schema
from crashrig.scenario import OPERATORS
from crashrig.subjects.protocol import CAPABILITIES

REPOSITORY = Path(__file__).parents[2]
WRONG = REPOSITORY / "tests/golden/scenarios"
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("path", find([], builtin_root()).values(), ids=lambda path: path.stem)
def test_every_built_in_scenario_suits_it(path: Path) -> None:
    VALIDATOR.validate(tomllib.loads(path.read_text()))


@pytest.mark.parametrize(
    "name",
    [
        "misspelt_keys",
        "wrong_types",
        "missing_keys",
        "behaviours",
        "agents",
        "faults",
        "expectations",
        "nothing_expected",
    ],
)
def test_it_refuses_what_the_checks_refuse(name: str) -> None:
    assert not VALIDATOR.is_valid(tomllib.loads((WRONG / f"{name}.toml").read_text()))


def test_every_key_has_its_meaning_and_no_other() -> None:
    for record, meanings in KEYS.items():
        assert list(meanings) == list(record.__struct_encode_fields__), record.__name__


def test_every_verb_describes_itself_in_kinds_that_are_known() -> None:
    assert [*behaviour_verbs()] == [*VERBS]
    for verb in behaviour_verbs().values():
        kinds = {verb.name: verb.value, **verb.options}
        assert set(kinds.values()) <= {*KINDS, "word"}
        assert [key for key, kind in kinds.items() if kind == "word"] == [*verb.choices]
        assert verb.summary


def test_there_are_words_for_every_verb_and_every_operator() -> None:
    assert set(STEPS) == set(VERBS)
    assert set(EXPECTATIONS) == set(MODIFIERS) == set(OPERATORS)


def test_every_built_in_scenario_can_be_said_in_words() -> None:
    for loaded in select():
        words = describe(loaded.scenario)
        assert len(words.agents) == len(loaded.scenario.agents)
        assert all(text and "{" not in text for text in [*words.agents, *words.faults, *words.expectations])


def test_the_promises_are_those_of_the_requirements() -> None:
    path = REPOSITORY / "docs/requirements.md"
    cited = re.findall(r"\b(?:RST|HB|STOP|LIM|PRE|REC|CTL|OBS|AGT|FLT|CHS)-\d+\b", path.read_text())
    assert sorted(set(cited)) == sorted(PROMISES)


DOCS = (REPOSITORY / "docs/scenarios.md").read_text()

Table = list[list[str]]


def _tables(first: str) -> list[Table]:
    """The tables of the docs whose first column is called so, without their headings."""
    blocks = [block.splitlines() for block in DOCS.split("\n\n") if block.startswith(f"| {first} |")]
    return [[_cells(row) for row in block[2:]] for block in blocks]


def _cells(row: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def _words(first: str) -> dict[str, str]:
    (table,) = _tables(first)
    return {name.strip("`"): meaning for name, meaning in table}


@pytest.mark.parametrize("record", KEYS, ids=lambda record: record.__name__)
def test_the_docs_explain_every_key(record: type) -> None:
    tables = [[(row[0].strip("`"), row[-1]) for row in table] for table in _tables("key")]
    assert [*KEYS[record].items()] in tables


def test_the_docs_explain_every_verb_and_its_options() -> None:
    (table,) = _tables("verb")
    assert table == [
        [f"`{verb.name}`", _value(verb), _options(verb), verb.summary] for verb in behaviour_verbs().values()
    ]


def _value(verb: Verb) -> str:
    words = verb.choices.get(verb.name)
    return " ".join(f"`{word}`" for word in words) if words else verb.value


def _options(verb: Verb) -> str:
    return ", ".join(f"`{key}` ({kind})" for key, kind in verb.options.items()) or "-"


def test_the_docs_explain_every_word_of_an_option() -> None:
    for verb in behaviour_verbs().values():
        for word in [word for words in verb.choices.values() for word in words]:
            assert f"`{word}`" in DOCS


def test_the_docs_explain_every_capability_and_every_name_of_conditions() -> None:
    assert _words("capability") == CAPABILITIES
    assert _words("observable") == OBSERVABLES
    assert _words("event") == EVENTS
    assert _words("attribute") == ATTRIBUTES


def test_the_docs_say_which_keys_belong_to_which_operator() -> None:
    (table,) = _tables("operator")
    assert [row[0].strip("`") for row in table] == [*MODIFIERS]
    for row in table:
        keys = MODIFIERS[row[0].strip("`")]
        needed, others = (set(re.findall(r"`(\w+)`", cell)) for cell in row[1:])
        assert needed == {*keys.required, *keys.one_of}
        assert others - needed == {*keys.allowed} - needed


def test_the_examples_of_the_docs_are_valid() -> None:
    examples = [one for one in re.findall(r"```toml\n(.*?)```", DOCS, re.DOTALL) if "title" in one]
    assert len(examples) >= 2
    for number, example in enumerate(examples, 1):
        parse_scenario(example, f"example {number}")
        VALIDATOR.validate(tomllib.loads(example))
