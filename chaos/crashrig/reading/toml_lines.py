"""Where each key of a TOML or JSON text stands: key path -> line.

`tomllib` and `json` give values without places. This scanner reads text that one of them has already accepted,
so it checks nothing: it only follows the structure and notes lines. JSON is scanned by the same rules, because
its values are written like TOML's inline ones with `:` for `=`. A quoted key is noted as it is written, escapes
and all: one that needs them is found by the line of the table around it.
"""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

KeyPath: TypeAlias = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n,]+|#[^\n]*)*")
_KEY = re.compile(r"""[ \t]*(?:([A-Za-z0-9_-]+)|"((?:[^"\\]|\\.)*)"|'([^']*)')[ \t]*""")
_EQUALS = re.compile(r"[ \t\r\n]*[=:][ \t\r\n]*")
_SCALAR = re.compile(r"[^,\]}#\r\n]*")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}'
    r"|'''(?:[^']|'(?!''))*'{3,5}"
    r'|"(?:[^"\\]|\\.)*"'
    r"|'[^']*'",
    re.DOTALL,
)


class LineMap:
    """Lines of the key paths of one text, counted from 1; list items are numbered from 0.

    `repeated` holds the keys that a JSON text gives twice in one object, each with the line of the second time
    (TOML's parser refuses those itself).
    """

    def __init__(self) -> None:
        self._lines: dict[KeyPath, int] = {(): 1}
        self.repeated: list[tuple[KeyPath, int]] = []

    def line(self, path: KeyPath) -> int:
        """The line of `path`, or of the nearest thing around it that is in the text."""
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]

    def note(self, path: KeyPath, line: int) -> None:
        """Remember where `path` begins; the first place counts."""
        self._lines.setdefault(path, line)

    def __contains__(self, path: KeyPath) -> bool:
        return path in self._lines


def toml_lines(text: str) -> LineMap:
    """Map a TOML text that `tomllib` accepts."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.map


def json_lines(text: str) -> LineMap:
    """Map a JSON text that `json` accepts."""
    scanner = _Scanner(text)
    scanner.blank()
    scanner.value(())
    return scanner.map


class _Scanner:
    """Goes once through the text; `at` is how far it has come."""

    def __init__(self, text: str) -> None:
        self.map = LineMap()
        self.text = text
        self.at = 0
        self._counted = (0, 1)
        self._items: dict[KeyPath, int] = {}

    def document(self) -> None:
        """Table headers and pairs until the text ends."""
        table: KeyPath = ()
        self.blank()
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self.blank()

    def value(self, path: KeyPath) -> None:
        """One value, which belongs to `path`, with all that it contains."""
        match self.text[self.at]:
            case "{":
                self._inside("}", lambda: self._pair(path))
            case "[":
                numbers = count()
                self._inside("]", lambda: self._item((*path, next(numbers))))
            case '"' | "'":
                self._take(_STRING)
            case _:
                self._take(_SCALAR)

    def blank(self) -> None:
        """Skip white space, line ends, commas and comments."""
        self._take(_BLANK)

    def _inside(self, end: str, part: Callable[[], None]) -> None:
        """What stands between a bracket and its `end`."""
        self.at += 1
        self.blank()
        while self.text[self.at] != end:
            part()
            self.blank()
        self.at += 1

    def _item(self, path: KeyPath) -> None:
        self.map.note(path, self._line())
        self.value(path)

    def _pair(self, table: KeyPath) -> None:
        line = self._line()
        *outer, last = self._keys()
        path = table
        for key in outer:
            path = (*path, key)
            self.map.note(path, line)
        path = (*path, last)
        if path in self.map:
            self.map.repeated.append((path, line))
        self.map.note(path, line)
        self._take(_EQUALS)
        self.value(path)

    def _header(self) -> KeyPath:
        """`[a.b]` or `[[a.b]]`; the path of the table that the lines after it fill."""
        line = self._line()
        brackets = 2 if self.text.startswith("[[", self.at) else 1
        self.at += brackets
        *outer, last = self._keys()
        self.at += brackets
        path: KeyPath = ()
        for key in outer:
            path = self._newest((*path, key))
        path = (*path, last)
        self.map.note(path, line)
        if brackets == 2:
            self._items[path] = self._items.get(path, -1) + 1
            path = self._newest(path)
            self.map.note(path, line)
        return path

    def _newest(self, path: KeyPath) -> KeyPath:
        """The path itself, or the last item so far when it names an array of tables."""
        return (*path, self._items[path]) if path in self._items else path

    def _keys(self) -> list[str]:
        """The parts of a dotted key."""
        keys = [self._key()]
        while self.text[self.at] == ".":
            self.at += 1
            keys.append(self._key())
        return keys

    def _key(self) -> str:
        match = self._take(_KEY)
        return next(group for group in match.groups() if group is not None)

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str]:
        match = pattern.match(self.text, self.at)
        assert match is not None, f"scanned a text that no parser has accepted, at character {self.at}"
        self.at = match.end()
        return match

    def _line(self) -> int:
        """The line of this place; counting goes on from where it was left."""
        since, line = self._counted
        self._counted = (self.at, line + self.text.count("\n", since, self.at))
        return self._counted[1]
