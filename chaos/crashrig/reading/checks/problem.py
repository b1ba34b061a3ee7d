"""One thing that is wrong, and how it is told: where, what was expected, what was found, what to do.

No rule is kept here; the modules beside this one know the rules.
"""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import TYPE_CHECKING

import msgspec

from crashrig.reading.toml_lines import KeyPath

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST = 60
"""Longer texts are cut when they are repeated to their author."""


class Problem(msgspec.Struct, frozen=True):
    """What is wrong at one key path of a file; `expected` and `found` go on after those words."""

    path: KeyPath
    expected: str
    found: str
    hint: str = ""

    def __str__(self) -> str:
        hint = f"; {self.hint}" if self.hint else ""
        return f"{show_path(self.path)}: expected {self.expected}, found {self.found}{hint}"


def show_path(path: KeyPath) -> str:
    """A key path as `$.expect[1].within`."""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


def show(value: object) -> str:
    """A value as its author knows it; large ones only by their kind."""
    match value:
        case None:
            return "null"
        case str():
            text = value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
            return json.dumps(text, ensure_ascii=False)
        case bool() | int() | float():
            return json.dumps(value)
        case list():
            return "a list" if value else "an empty list"
        case dict():
            return "a table" if value else "an empty table"
        case _:
            return f"the date or time {value}"


def nearest(word: str, known: Iterable[str], what: str = "known") -> str:
    """A hint: the known word nearest to `word`, or all of them when none is near."""
    known = list(known)
    return meant(word, known) or f"{what}: {', '.join(known) or 'none'}"


def meant(word: object, known: Iterable[str]) -> str:
    """A hint: the known word nearest to `word`; empty when none is near."""
    near = get_close_matches(word, list(known), n=1) if isinstance(word, str) else []
    return f'did you mean "{near[0]}"?' if near else ""
