"""Durations and sizes with units, as people write them: "90s", "5m", "250ms", "2GiB".

A bare number is refused: it is the commonest way to be wrong by a factor of a thousand.
"""

from __future__ import annotations

import re

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_PART = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h|d)")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)(B|kB|MB|GB|KiB|MiB|GiB)")

DURATION_PATTERN = r"^(\d+(\.\d+)?(us|ms|s|m|h|d))+$"
SIZE_PATTERN = r"^\d+(\.\d+)?(B|kB|MB|GB|KiB|MiB|GiB)$"


def parse_duration(text: str) -> float:
    """Seconds of "1h30m", "90s", "250ms"; ValueError says what was expected."""
    end, total = 0, 0.0
    for part in _PART.finditer(text):
        if part.start() != end:
            break
        total += float(part[1]) * _SECONDS[part[2]]
        end = part.end()
    if not text or end != len(text):
        raise ValueError(f'expected a duration with a unit such as "90s", "5m" or "250ms", found {text!r}')
    return total


def parse_size(text: str) -> int:
    """Bytes of "256MiB"; ValueError says what was expected."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f'expected a size with a unit such as "256MiB" or "2GB", found {text!r}')
    return round(float(match[1]) * _BYTES[match[2]])


def exact_duration(seconds: float) -> str:
    """A duration that `parse_duration` reads back to the last bit: "0.25s"."""
    digits = repr(float(seconds)).removesuffix(".0")
    if "e" in digits:
        from decimal import Decimal

        digits = f"{Decimal(digits):f}"
    return f"{digits}s"


def format_duration(seconds: float) -> str:
    """A duration as a person reads it: "250 ms", "1.2 s", "5 m"."""
    if seconds < 0:
        return "-" + format_duration(-seconds)
    if seconds == 0:
        return "0 s"
    if seconds < 0.0009995:  # what would be rounded up to 1000 of a unit is 1 of the next
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.3g} ms"
    if seconds < 120:
        return f"{seconds:.4g} s"
    if seconds < 7200:
        return f"{seconds / 60:.4g} m"
    return f"{seconds / 3600:.4g} h"
