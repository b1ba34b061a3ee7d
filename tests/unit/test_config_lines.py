"""Every key and every element of a TOML file is found on its line."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from holdfast.config.lines import key_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

TRICKY = '''
# a comment with [brackets] = "and quotes
top = 1   # = 2
dotted.one.two = "a # no comment"
"quoted key" = 'literal \\ [ { '

[table] # a comment
list = [
    "one",  # ] not the end
    [ 1, 2,
      3, ],
    { inner = "x", deep.er = [ true, 1979-05-27T07:32:00Z ] },
]
long = """
two
"lines" \\""" still
"""
raw = \'\'\'
[not.a.table]
key = 1
\'\'\'
after = 1.5

  [ spaced . "out\\u0041" ]
key = "\\" escaped"

[[array]]
name = 1
[[array]]
name = 2
[array.sub]
deep = {}
last = []'''


def _paths(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    children: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    for step, child in children:
        yield (*path, step)
        yield from _paths(child, (*path, step))


def test_no_path_is_missed_and_none_is_invented() -> None:
    assert set(key_lines(TRICKY)) == set(_paths(tomllib.loads(TRICKY)))


@pytest.mark.parametrize(
    ("path", "needle"),
    [
        (("top",), "top = 1"),
        (("dotted", "one", "two"), "dotted.one.two"),
        (("quoted key",), '"quoted key"'),
        (("table",), "[table]"),
        (("table", "list"), "list = ["),
        (("table", "list", 0), '"one"'),
        (("table", "list", 1, 2), "3, ]"),
        (("table", "list", 2, "deep", "er", 1), "deep.er"),
        (("table", "raw"), "raw = "),
        (("table", "after"), "after = 1.5"),
        (("spaced", "outA"), "[ spaced"),
        (("array", 1, "name"), "name = 2"),
        (("array", 1, "sub", "deep"), "deep = {}"),
        (("array", 1, "sub", "last"), "last = []"),
    ],
)
def test_lines(path: tuple[str | int, ...], needle: str) -> None:
    lines = TRICKY.split("\n")
    assert needle in lines[key_lines(TRICKY)[path] - 1]


@pytest.mark.parametrize("text", ["", "\n", "# nothing", "a=1", "a=1\r\nb=2\r\n", "[a]", "a=[]", "a={}", "''=1"])
def test_small_texts(text: str) -> None:
    assert set(key_lines(text)) == set(_paths(tomllib.loads(text)))


def test_lines_of_a_file_with_carriage_returns() -> None:
    assert key_lines("a = 1\r\n\r\nb = 2\r\n")[("b",)] == 3
