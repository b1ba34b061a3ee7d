"""Durations, sizes and windows of time in scenario files, and the hooks by which msgspec reads and writes them.

How their units are spelled is known in `units`.
"""

from __future__ import annotations

from crashrig.units import DURATION_PATTERN, SIZE_PATTERN, exact_duration, parse_duration, parse_size


class Duration(float):
    """Seconds; written with a unit: "90s", "5m", "250ms"."""


class Size(int):
    """Bytes; written with a unit: "256MiB"."""


class Window:
    """A stretch of time in seconds, `low` to `high`; written "3s" (from 0) or ["1s", "3s"]."""

    __slots__ = ("high", "low")

    def __init__(self, low: float, high: float) -> None:
        self.low = low
        self.high = high

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Window) and (self.low, self.high) == (other.low, other.high)

    def __hash__(self) -> int:
        return hash((self.low, self.high))

    def __repr__(self) -> str:
        return f"Window({self.low}, {self.high})"


def decode_hook(kind: type, value: object) -> object:
    """Turn text into Duration, Size or Window for msgspec; ValueError carries what was expected."""
    if kind is Duration and isinstance(value, str):
        return Duration(parse_duration(value))
    if kind is Size and isinstance(value, str):
        return Size(parse_size(value))
    if kind is Window:
        return _window(value)
    raise ValueError(f"expected text with a unit, found {value!r}")


def _window(value: object) -> Window:
    match value:
        case str():
            return Window(0.0, parse_duration(value))
        case [str() as low, str() as high]:
            window = Window(parse_duration(low), parse_duration(high))
            if window.low > window.high:
                raise ValueError(f"expected [shortest, longest], found {value!r}: it is the wrong way round")
            return window
        case _:
            raise ValueError(f'expected a duration such as "3s" or a pair such as ["1s", "3s"], found {value!r}')


def encode_hook(value: object) -> object:
    """Turn Duration, Size and Window back into what is written in a file."""
    match value:
        case Duration():
            return exact_duration(value)
        case Size():
            return f"{value:d}B"
        case Window():
            return [exact_duration(value.low), exact_duration(value.high)]
        case _:
            raise NotImplementedError(type(value))


def schema_hook(kind: type) -> dict[str, object]:
    """Describe Duration, Size and Window in a JSON Schema."""
    if kind is Duration:
        return {"type": "string", "pattern": DURATION_PATTERN, "description": 'a duration: "90s", "5m", "250ms"'}
    if kind is Size:
        return {"type": "string", "pattern": SIZE_PATTERN, "description": 'a size: "256MiB"'}
    if kind is Window:
        duration = {"type": "string", "pattern": DURATION_PATTERN}
        pair = {"type": "array", "items": duration, "minItems": 2, "maxItems": 2}
        return {"anyOf": [duration, pair], "description": 'a duration "3s", or a pair ["1s", "3s"]'}
    raise NotImplementedError(kind)
