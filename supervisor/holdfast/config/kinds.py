"""The kinds of values that keys have: how each is read, from TOML and from text, and what it is called.

Text from the environment or from a flag is first turned into the TOML value it stands for, so that every source
is held to the same rules. The reading itself is in `readers`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.config import readers
from holdfast.config.problems import show

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import StrEnum

    from holdfast.config.origins import At

UNLIMITED = "unlimited"


@dataclass(frozen=True, slots=True)
class Kind:
    """`read` makes the setting of a TOML value; `from_text` makes the TOML value of a variable or a flag.

    `form` is how the documentation names such a value, `metavar` how the help of a flag does.
    """

    form: str
    metavar: str
    read: Callable[[object, At], Any]
    from_text: Callable[[str], object] = str


def choice(words: type[StrEnum]) -> Kind:
    """One of the words of an enumeration."""
    names = [str(word) for word in words]
    return Kind(" | ".join(names), "|".join(names), lambda value, at: words(readers.read_word(value, at, names)))


def word(names: list[str]) -> Kind:
    """One of some words that are no enumeration."""
    return Kind(" | ".join(names), "|".join(names), lambda value, at: readers.read_word(value, at, names))


def whole(low: int, high: int | None = None) -> Kind:
    """A whole number from `low` to `high`."""
    expected = f"a whole number from {low} " + (f"to {high}" if high is not None else "up")
    return Kind("number", "N", lambda value, at: readers.read_whole(value, at, low, high, expected), _whole_from_text)


def whole_or_unlimited(low: int) -> Kind:
    """A whole number, or None for "unlimited"."""
    expected = f"a whole number from {low} up, or {show(UNLIMITED)}"

    def read(value: object, at: At) -> int | None:
        return None if value == UNLIMITED else readers.read_whole(value, at, low, None, expected)

    return Kind(f"number | {UNLIMITED}", f"N|{UNLIMITED}", read, _whole_from_text)


def _whole_from_text(text: str) -> object:
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else text


def _real_from_text(text: str) -> object:
    return float(text) if re.fullmatch(r"-?" + readers.NUMBER.pattern, text) else text


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")] if text else []


def _codes_from_text(text: str) -> object:
    return [_whole_from_text(part) for part in _split(text)]


def _backoff_from_text(text: str) -> object:
    """`1s,2s,4s`, or `initial=1s,multiplier=2,max=5m`."""
    parts = _split(text)
    if not any("=" in part for part in parts):
        return parts
    pairs = (part.partition("=") for part in parts)
    return {name: _real_from_text(value) if name == "multiplier" else value for name, _, value in pairs}


TEXT = Kind("text", "TEXT", readers.read_filled)
PATH = Kind("path", "PATH", readers.read_path)
DIRECTORY = Kind("path", "PATH", readers.read_directory)
COMMAND = Kind("list of texts", "COMMAND", readers.read_command)
ENVIRONMENT = Kind("table of texts", "K=V", readers.read_environment)
NAMES = Kind("list of names", "NAMES", readers.read_names)
YES = Kind("true", "", readers.read_yes)
FRACTION = Kind("number from 0 to 1", "FRACTION", readers.read_fraction, _real_from_text)
CODES = Kind("list of exit codes", "CODE,...", readers.read_codes, _codes_from_text)
SIGNALS = Kind("list of signal names", "SIGNAL,...", readers.read_signals, lambda text: list(_split(text)))
DURATION = Kind("duration", "DURATION", readers.read_duration)
DURATION_ABOVE_ZERO = Kind("duration", "DURATION", readers.read_duration_above_zero)
BACKOFF = Kind(
    "list of durations, or { initial, multiplier, max }", "1s,2s,...", readers.read_backoff, _backoff_from_text
)
