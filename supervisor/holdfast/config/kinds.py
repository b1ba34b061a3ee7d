"""How the value of a key is read: one small reader for each kind of value.

A `Kind` reads a TOML value and refuses a wrong one with its place. Text from the environment or from a flag is
first turned into the TOML value it stands for, so that every source is held to the same rules. Which key is of
which kind is in `keys`.
"""

from __future__ import annotations

import os
import re
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from holdfast.config.origins import At, Refused
from holdfast.config.problems import nearest, show
from holdfast.config.units import DURATION_UNITS, parse_duration
from holdfast.policy import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from enum import StrEnum

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
NAME_EXPECTED = "a name of at most 64 letters, digits, _, . or -, that begins with a letter, digit or _"
UNLIMITED = "unlimited"
OFF = "off"

_DURATION = 'a duration with a unit, such as "90s", "5m" or "250ms"'
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_EXPONENTIAL_KEYS = ("initial", "multiplier", "max")


@dataclass(frozen=True, slots=True)
class Kind:
    """`read` makes the setting of a TOML value; `from_text` makes the TOML value of a variable or a flag.

    `form` is how the documentation and the help name such a value.
    """

    form: str
    read: Callable[[object, At], Any]
    from_text: Callable[[str], object] = str


# Text ------------------------------------------------------------------------------------------------------------


def _text(value: object, at: At) -> str:
    if not isinstance(value, str):
        raise at.refused("a text in quotes", value)
    if "\0" in value:
        raise at.refused("a text without a NUL character", value)
    return value


def _filled(value: object, at: At) -> str:
    text = _text(value, at)
    if not text:
        raise at.refused("a text that is not empty", value, "leave the key out for its default")
    return text


def _path(value: object, at: At) -> str:
    """A path as written, with ~/ replaced; whoever knows the directory it is relative to completes it."""
    text = _filled(value, at)
    return os.path.expanduser(text) if text == "~" or text.startswith("~/") else text


def _directory(value: object, at: At) -> str:
    """An absolute path; a relative one starts from where the source is."""
    return os.path.normpath(os.path.join(at.origin.base, _path(value, at)))


def _texts(value: object, at: At) -> list[str]:
    if not isinstance(value, list):
        hint = f"write [{show(value)}]" if isinstance(value, str) else ""
        raise at.refused("a list of texts", value, hint)
    return _each(value, at, _text)


def _each(values: Sequence[object], at: At, read: Callable[[object, At], Any]) -> list[Any]:
    """Read all elements; refuse the list only after every wrong element has been reported."""
    good: list[Any] = []
    for number, value in enumerate(values):
        try:
            good.append(read(value, at.child(number)))
        except Refused:
            continue
    if len(good) < len(values):
        raise Refused
    return good


def _command(value: object, at: At) -> tuple[str, ...]:
    if isinstance(value, str):
        raise at.refused(
            "a list: the program, then its arguments",
            value,
            'write ["program", "argument"], or ["sh", "-c", "…"] for a shell',
        )
    words = _texts(value, at)
    if not words or not words[0]:
        raise at.refused("a list that begins with the program to run", value)
    return tuple(words)


def _environment(value: object, at: At) -> dict[str, str]:
    if not isinstance(value, dict):
        raise at.refused('a table of texts, such as { LANG = "C" }', value)
    good = {}
    for name, text in value.items():
        below = at.child(name)
        if not name or "=" in name or "\0" in name:
            below.report("the name of an environment variable: not empty, no =, no NUL", show(name))
            continue
        try:
            good[name] = _text(text, below)
        except Refused:
            continue
    if len(good) < len(value):
        raise Refused
    return good


def _names(value: object, at: At) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_texts(value, at)))


# Words -----------------------------------------------------------------------------------------------------------


def _word(value: object, at: At, words: list[str]) -> str:
    expected = "one of " + ", ".join(map(show, words))
    if not isinstance(value, str) or value not in words:
        meant = nearest(value, words) if isinstance(value, str) else ""
        raise at.refused(expected, value, f"did you mean {show(meant)}?" if meant else "")
    return value


def choice(words: type[StrEnum]) -> Kind:
    """One of the words of an enumeration."""
    names = [str(word) for word in words]
    return Kind(" | ".join(names), lambda value, at: words(_word(value, at, names)))


def word(names: list[str]) -> Kind:
    """One of some words that are no enumeration."""
    return Kind(" | ".join(names), lambda value, at: _word(value, at, names))


def _yes(value: object, at: At) -> bool:
    if value is not True:
        raise at.refused("true", value, 'leave the key out, or write heartbeat = "off"')
    return True


# Numbers ---------------------------------------------------------------------------------------------------------


def _whole(value: object, at: At, low: int, high: int | None, expected: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < low or (high is not None and value > high):
        raise at.refused(expected, value)
    return value


def whole(low: int, high: int | None = None) -> Kind:
    """A whole number from `low` to `high`."""
    expected = f"a whole number from {low} " + (f"to {high}" if high is not None else "up")
    return Kind("number", lambda value, at: _whole(value, at, low, high, expected), _whole_from_text)


def whole_or_unlimited(low: int) -> Kind:
    """A whole number, or None for "unlimited"."""
    expected = f"a whole number from {low} up, or {show(UNLIMITED)}"

    def read(value: object, at: At) -> int | None:
        return None if value == UNLIMITED else _whole(value, at, low, None, expected)

    return Kind(f"number | {UNLIMITED}", read, _whole_from_text)


def _fraction(value: object, at: At) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise at.refused("a number from 0.0 to 1.0", value)
    return float(value)


def _multiplier(value: object, at: At) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1.0 <= value <= 1000.0:
        raise at.refused("a number from 1.0 to 1000.0", value)
    return float(value)


def _code(value: object, at: At) -> int:
    return _whole(value, at, 0, 255, "an exit code: a whole number from 0 to 255")


def _codes(value: object, at: At) -> frozenset[int]:
    if not isinstance(value, list):
        raise at.refused("a list of exit codes, such as [0, 143]", value)
    return frozenset(_each(value, at, _code))


def _signal(value: object, at: At) -> int:
    names = [name.name for name in signal.Signals]
    if not isinstance(value, str) or value not in names:
        meant = nearest(value if value.startswith("SIG") else f"SIG{value}", names) if isinstance(value, str) else ""
        raise at.refused('a signal name, such as "SIGTERM"', value, f"did you mean {show(meant)}?" if meant else "")
    return int(signal.Signals[value])


def _signals(value: object, at: At) -> frozenset[int]:
    if not isinstance(value, list):
        raise at.refused('a list of signal names, such as ["SIGTERM"]', value)
    return frozenset(_each(value, at, _signal))


# Durations -------------------------------------------------------------------------------------------------------


def _duration(value: object, at: At) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise at.refused(_DURATION, value)
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        raise at.refused(_DURATION, value, f'a bare number has no unit: write "{value}s" for seconds')
    try:
        return parse_duration(value)
    except ValueError:
        raise at.refused(_DURATION, value, f"the units are {DURATION_UNITS}; no blanks") from None


def _duration_above_zero(value: object, at: At) -> float:
    seconds = _duration(value, at)
    if seconds <= 0.0:
        raise at.refused("a duration longer than zero", value)
    return seconds


def _backoff(value: object, at: At) -> Backoff:
    match value:
        case dict():
            return _exponential(value, at)
        case [_, *_]:
            return Backoff(delays=tuple(_each(value, at, _duration)))
        case _:
            hint = f"write [{show(value)}]" if isinstance(value, str) else ""
            expected = 'a list of durations, such as ["1s", "2s", "4s"], or a table with initial, multiplier and max'
            raise at.refused(expected, value, hint)


def _exponential(value: dict[str, object], at: At) -> Backoff:
    """`initial`, `multiplier`, `max` as RST-4 names them, with its numbers where one is left out."""
    reported = len(at.problems)
    for name in value:
        if name not in _EXPONENTIAL_KEYS:
            at.unknown(name, "a key of back-off", _EXPONENTIAL_KEYS)
    initial = _member(value, "initial", "1s", at, _duration)
    multiplier = _member(value, "multiplier", 2.0, at, _multiplier)
    longest = _member(value, "max", "300s", at, _duration)
    if len(at.problems) > reported:
        raise Refused
    if longest < initial:
        raise at.child("max").refused("at least as long as initial", value.get("max", "300s"))
    return Backoff(delays=(initial,), multiplier=multiplier, maximum=longest)


def _member(table: dict[str, object], name: str, default: object, at: At, read: Callable[[object, At], float]) -> float:
    try:
        return read(table.get(name, default), at.child(name))
    except Refused:
        return 0.0


# Text of variables and flags -----------------------------------------------------------------------------------


def _whole_from_text(text: str) -> object:
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else text


def _real_from_text(text: str) -> object:
    return float(text) if re.fullmatch(r"-?" + _NUMBER.pattern, text) else text


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


TEXT = Kind("text", _filled)
PATH = Kind("path", _path)
DIRECTORY = Kind("path", _directory)
COMMAND = Kind("list of texts", _command)
ENVIRONMENT = Kind("table of texts", _environment)
NAMES = Kind("list of names", _names)
YES = Kind("true", _yes)
FRACTION = Kind("number from 0 to 1", _fraction, _real_from_text)
CODES = Kind("list of exit codes", _codes, _codes_from_text)
SIGNALS = Kind("list of signal names", _signals, lambda text: list(_split(text)))
DURATION = Kind("duration", _duration)
DURATION_ABOVE_ZERO = Kind("duration", _duration_above_zero)
BACKOFF = Kind("list of durations, or { initial, multiplier, max }", _backoff, _backoff_from_text)
