"""How a value is read: one small function for each kind of value, and what is said when it is wrong.

Each takes a TOML value and its place, and returns the setting; a wrong value is reported there and `Refused` is
raised. Which key holds which kind of value is in `keys`.
"""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING, Any

from holdfast.config.origins import At, Refused
from holdfast.config.problems import nearest, show
from holdfast.policy import Backoff
from holdfast.units import DURATION_UNITS, parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
NAME_EXPECTED = "a name of at most 64 letters, digits, _, . or -, that begins with a letter, digit or _"
NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
OFF = "off"

_DURATION = 'a duration with a unit, such as "90s", "5m" or "250ms"'
_EXPONENTIAL_KEYS = ("initial", "multiplier", "max")


# Text ------------------------------------------------------------------------------------------------------------


def read_text(value: object, at: At) -> str:
    """Any text that the kernel can take."""
    if not isinstance(value, str):
        raise at.refused("a text in quotes", value)
    if "\0" in value:
        raise at.refused("a text without a NUL character", value)
    return value


def read_filled(value: object, at: At) -> str:
    """A text that is not empty."""
    text = read_text(value, at)
    if not text:
        raise at.refused("a text that is not empty", value, "leave the key out for its default")
    return text


def read_path(value: object, at: At) -> str:
    """A path as written, with ~/ replaced; whoever knows the directory it is relative to completes it."""
    text = read_filled(value, at)
    return os.path.expanduser(text) if text == "~" or text.startswith("~/") else text


def read_directory(value: object, at: At) -> str:
    """An absolute path; a relative one starts from where the source is."""
    return os.path.normpath(os.path.join(at.origin.base, read_path(value, at)))


def read_texts(value: object, at: At) -> list[str]:
    """A list of texts."""
    if not isinstance(value, list):
        hint = f"write [{show(value)}]" if isinstance(value, str) else ""
        raise at.refused("a list of texts", value, hint)
    return _each(value, at, read_text)


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


def read_command(value: object, at: At) -> tuple[str, ...]:
    """A command line: the program, then its arguments."""
    if isinstance(value, str):
        raise at.refused(
            "a list: the program, then its arguments",
            value,
            'write ["program", "argument"], or ["sh", "-c", "…"] for a shell',
        )
    words = read_texts(value, at)
    if not words or not words[0]:
        raise at.refused("a list that begins with the program to run", value)
    return tuple(words)


def read_environment(value: object, at: At) -> dict[str, str]:
    """Environment variables."""
    if not isinstance(value, dict):
        raise at.refused('a table of texts, such as { LANG = "C" }', value)
    good = {}
    for name, text in value.items():
        below = at.child(name)
        if not name or "=" in name or "\0" in name:
            below.report("the name of an environment variable: not empty, no =, no NUL", show(name))
            continue
        try:
            good[name] = read_text(text, below)
        except Refused:
            continue
    if len(good) < len(value):
        raise Refused
    return good


def read_names(value: object, at: At) -> tuple[str, ...]:
    """A list of names, each once."""
    return tuple(dict.fromkeys(read_texts(value, at)))


# Words -----------------------------------------------------------------------------------------------------------


def read_word(value: object, at: At, words: list[str]) -> str:
    """One of `words`."""
    expected = "one of " + ", ".join(map(show, words))
    if not isinstance(value, str) or value not in words:
        meant = nearest(value, words) if isinstance(value, str) else ""
        raise at.refused(expected, value, f"did you mean {show(meant)}?" if meant else "")
    return value


def read_yes(value: object, at: At) -> bool:
    """The one value of a switch."""
    if value is not True:
        raise at.refused("true", value, 'leave the key out, or write heartbeat = "off"')
    return True


# Numbers ---------------------------------------------------------------------------------------------------------


def read_whole(value: object, at: At, low: int, high: int | None, expected: str) -> int:
    """A whole number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < low or (high is not None and value > high):
        raise at.refused(expected, value)
    return value


def read_fraction(value: object, at: At) -> float:
    """A number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise at.refused("a number from 0.0 to 1.0", value)
    return float(value)


def read_multiplier(value: object, at: At) -> float:
    """A factor that lets delays grow."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1.0 <= value <= 1000.0:
        raise at.refused("a number from 1.0 to 1000.0", value)
    return float(value)


def read_code(value: object, at: At) -> int:
    """An exit code."""
    return read_whole(value, at, 0, 255, "an exit code: a whole number from 0 to 255")


def read_codes(value: object, at: At) -> frozenset[int]:
    """A set of exit codes."""
    if not isinstance(value, list):
        raise at.refused("a list of exit codes, such as [0, 143]", value)
    return frozenset(_each(value, at, read_code))


def _signal(value: object, at: At) -> int:
    names = [number.name for number in signal.Signals]
    if not isinstance(value, str):
        raise at.refused('a signal name, such as "SIGTERM"', value)
    if value not in names:
        meant = nearest(value if value.startswith("SIG") else f"SIG{value}", names)
        raise at.refused('a signal name, such as "SIGTERM"', value, f"did you mean {show(meant)}?" if meant else "")
    return int(signal.Signals[value])


def read_signals(value: object, at: At) -> frozenset[int]:
    """A set of signal numbers, given by name."""
    if not isinstance(value, list):
        raise at.refused('a list of signal names, such as ["SIGTERM"]', value)
    return frozenset(_each(value, at, _signal))


# Durations -------------------------------------------------------------------------------------------------------


def read_duration(value: object, at: At) -> float:
    """Seconds, of a text with a unit."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise at.refused(_DURATION, value)
    if not isinstance(value, str) or NUMBER.fullmatch(value):
        raise at.refused(_DURATION, value, f'a bare number has no unit: write "{value}s" for seconds')
    try:
        return parse_duration(value)
    except ValueError:
        raise at.refused(_DURATION, value, f"the units are {DURATION_UNITS}; no blanks") from None


def read_duration_above_zero(value: object, at: At) -> float:
    """Seconds, more than none."""
    seconds = read_duration(value, at)
    if seconds <= 0.0:
        raise at.refused("a duration longer than zero", value)
    return seconds


def read_backoff(value: object, at: At) -> Backoff:
    """A list of delays, or an exponential back-off (RST-4)."""
    match value:
        case dict():
            return _exponential(value, at)
        case [_, *_]:
            return Backoff(delays=tuple(_each(value, at, read_duration)))
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
    initial = _member(value, "initial", "1s", at, read_duration)
    multiplier = _member(value, "multiplier", 2.0, at, read_multiplier)
    longest = _member(value, "max", "300s", at, read_duration)
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
