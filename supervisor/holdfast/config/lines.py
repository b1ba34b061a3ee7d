"""On which line of a TOML file each key and each array element stands.

`tomllib` reads the values but forgets the places. This is a second, smaller walk over the same text, made only
for texts that `tomllib` has accepted: it knows where things begin and end, and nothing of what they mean.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING_FORMS = (
    r'"""(?:\\.|[^\\])*?"""["]{0,2}',
    r"'''.*?'''[']{0,2}",
    r'"(?:\\.|[^"\\\n])*"',
    r"'[^'\n]*'",
)
_STRING = re.compile("|".join(_STRING_FORMS), re.DOTALL)
_SCALAR = re.compile(r"[^,\]}\n#]+")


def key_lines(text: str) -> dict[Path, int]:
    """Line numbers, from 1, by path: `("agents", "worker", "backoff", 2)`. The text must be valid TOML."""
    return _Walk(text).document()


class _Walk:
    """One pass over a text; `_at` is where it stands."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._lines: dict[Path, int] = {}
        self._tables: dict[Path, int] = {}

    def document(self) -> dict[Path, int]:
        """Headers and statements up to the end of the text."""
        table: Path = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._statement(table)
            self._skip(_BLANK)
        return self._lines

    def _header(self) -> Path:
        array = self._text.startswith("[[", self._at)
        self._at += 2 if array else 1
        path: Path = ()
        for step in self._key():
            path = self._open(path, step)
        if array:
            number = self._tables.get(path, -1) + 1
            self._tables[path] = number
            path = (*path, number)
            self._mark(path)
        self._at += 2 if array else 1
        return path

    def _open(self, path: Path, step: str | int) -> Path:
        """Go down one step of a header; inside an array of tables its newest element is meant."""
        if path in self._tables:
            path = (*path, self._tables[path])
        path = (*path, step)
        self._mark(path)
        return path

    def _statement(self, table: Path) -> None:
        path = table
        for step in self._key():
            path = (*path, step)
            self._mark(path)
        self._at += 1  # the equals sign
        self._skip(_BLANK)
        self._value(path)

    def _key(self) -> list[str]:
        """The parts of a dotted key, which is all on one line."""
        parts = []
        while True:
            self._skip(_BLANK)
            parts.append(self._key_part())
            self._skip(_BLANK)
            if self._text[self._at] != ".":
                return parts
            self._at += 1

    def _key_part(self) -> str:
        quoted = _STRING.match(self._text, self._at)
        if quoted:
            self._at = quoted.end()
            return str(tomllib.loads(f"key = {quoted[0]}")["key"])
        bare = _BARE_KEY.match(self._text, self._at)
        assert bare is not None, "tomllib accepted this text, so a key stands here"
        self._at = bare.end()
        return bare[0]

    def _value(self, path: Path) -> None:
        first = self._text[self._at]
        if first == "[":
            self._array(path)
        elif first == "{":
            self._inline_table(path)
        else:
            self._skip(_STRING if first in "\"'" else _SCALAR)

    def _array(self, path: Path) -> None:
        for number in self._items("]"):
            element = (*path, number)
            self._mark(element)
            self._value(element)

    def _inline_table(self, path: Path) -> None:
        for _ in self._items("}"):
            self._statement(path)

    def _items(self, closing: str) -> Iterator[int]:
        """Stand at each element between brackets in turn; at the end, behind the closing one."""
        self._at += 1
        number = 0
        while True:
            self._skip(_BLANK)
            if self._text[self._at] == closing:
                self._at += 1
                return
            if self._text[self._at] == ",":
                self._at += 1
                continue
            yield number
            number += 1

    def _mark(self, path: Path) -> None:
        self._lines.setdefault(path, bisect_right(self._starts, self._at))

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._at)
        if match:
            self._at = match.end()
