"""Where keys stand in TOML and JSON texts."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crashrig.reading.toml_lines import json_lines, toml_lines

TOML = '''\
# a comment with [brackets] and = signs
title = "a # no comment"
text = """
[not.a.table]
key = "still text" """
list = [
  1,
  # between
  [2, 3],
  { a = 1, b.c = "}" },
]

[agents.worker]
behaviour = [ { beat = "30s" }, { exit = 3 } ]
"quoted key" = 1
dotted.key . again = 'x'

[[expect]]
always = "x"
[expect.inner]
deep = true
[[expect]]
never = "y"
when = 1979-05-27 07:32:00   # a date
end = 1'''

EXPECTED = {
    ("title",): 2,
    ("text",): 3,
    ("list",): 6,
    ("list", 0): 7,
    ("list", 1): 9,
    ("list", 1, 1): 9,
    ("list", 2, "b", "c"): 10,
    ("agents", "worker"): 13,
    ("agents", "worker", "behaviour", 1, "exit"): 14,
    ("agents", "worker", "quoted key"): 15,
    ("agents", "worker", "dotted", "key", "again"): 16,
    ("expect",): 18,
    ("expect", 0): 18,
    ("expect", 0, "inner", "deep"): 21,
    ("expect", 1): 22,
    ("expect", 1, "when"): 24,
    ("expect", 1, "end"): 25,
}


@pytest.mark.parametrize(("path", "line"), EXPECTED.items(), ids=str)
def test_every_kind_of_key_is_found(path: tuple[str | int, ...], line: int) -> None:
    assert tomllib.loads(TOML)
    assert toml_lines(TOML).line(path) == line


def test_what_is_not_there_is_found_by_what_is_around_it() -> None:
    lines = toml_lines(TOML)
    assert lines.line(("expect", 1, "missing", 3)) == 22
    assert lines.line(("nowhere",)) == 1


def test_line_ends_of_other_systems_count_the_same() -> None:
    assert toml_lines("a = 1\r\n\r\nb = 2\r\n").line(("b",)) == 3


def test_json_is_followed_by_the_same_rules() -> None:
    text = '{\n "a": [1,\n  {"b" :\n "x"}],\n "c": {}\n}\n'
    lines = json_lines(text)
    assert [lines.line(p) for p in [("a",), ("a", 1), ("a", 1, "b"), ("c",)]] == [2, 3, 3, 5]


def test_a_key_given_twice_in_json_is_told() -> None:
    assert json_lines('{"a": {"b": 1,\n"b": 2}, "b": 3}').repeated == [(("a", "b"), 2)]
    assert json_lines('{"a": {"b": 1}, "b": 3}').repeated == []


_keys = st.text("ab é.[]{}=:#,'0", max_size=6)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab\n\"\\'#{}[],", max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(_keys, _values, max_size=5))
def test_every_path_of_any_json_is_found_on_its_own_line(value: dict[str, object]) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False)
    lines = json_lines(text)
    rows = text.split("\n")
    for path in _paths(value, ()):
        row = rows[lines.line(path) - 1].lstrip()
        assert path in lines
        assert isinstance(path[-1], int) or row.startswith(f'"{path[-1]}":')


def _paths(value: object, base: tuple[str | int, ...]) -> list[tuple[str | int, ...]]:
    items = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    found = [(*base, key) for key, _ in items]
    return found + [deeper for key, inner in items for deeper in _paths(inner, (*base, key))]
