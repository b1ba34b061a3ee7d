"""What can be wrong with a configuration, and the one exception that carries all of it (PRE-3).

How a problem is worded stands here once; who finds it is in `kinds`, `sections` and `checks`.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_FOUND_LENGTH_MAX = 80  # a longer value says no more about what is wrong with it


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where it stands, what was expected there, what was found, what to do."""

    place: str
    key: str
    expected: str
    found: str
    hint: str = ""

    def __str__(self) -> str:
        """Several lines for a person; the first begins with file:line, as editors like it."""
        lines = [f"{self.place}: {self.key}".rstrip(": "), f"  expected {self.expected}", f"  found    {self.found}"]
        if self.hint:
            lines.append(f"  hint     {self.hint}")
        return "\n".join(lines)


class ConfigError(Exception):
    """The configuration cannot be used; `problems` holds everything that is wrong, in order of place."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        super().__init__(source, problems)
        self.source = source
        self.problems = tuple(problems)

    def __str__(self) -> str:
        """All problems at once, after a line that counts them."""
        count = len(self.problems)
        head = f"{self.source}: {count} problem{'s' if count != 1 else ''}, nothing was started"
        return "\n\n".join([head, *map(str, self.problems)])


def show(value: object) -> str:
    """A value as the file would have it, cut where it grows long."""
    match value:
        case dict():
            text = "a table"
        case list():
            text = "[" + ", ".join(map(show, value)) + "]"
        case bool() | str():
            text = json.dumps(value, ensure_ascii=False)
        case _:
            text = str(value)
    return text if len(text) <= _FOUND_LENGTH_MAX else text[: _FOUND_LENGTH_MAX - 1] + "…"


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that was most likely meant, or ""."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return close[0]
    lowered = name.lower()
    begins = [other for other in names if other.lower().startswith(lowered) or lowered.startswith(other.lower())]
    return begins[0] if lowered and begins else ""
