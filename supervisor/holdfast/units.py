"""Durations and sizes with units, as people write them: "90s", "5m", "250ms", "2GiB".

A bare number is refused: it is the commonest way to be wrong by a factor of a thousand. What a key does with
its duration is in `config.keys`.
"""

from __future__ import annotations

import re

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(us|ms|s|m|h|d)")
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(B|kB|MB|GB|KiB|MiB|GiB)")

DURATION_UNITS = ", ".join(_SECONDS)
SIZE_UNITS = ", ".join(_BYTES)


def parse_duration(text: str) -> float:
    """Seconds of "1h30m", "90s" or "250ms"; ValueError when it is none."""
    end, total = 0, 0.0
    for part in _PART.finditer(text):
        if part.start() != end:
            break
        total += float(part[1]) * _SECONDS[part[2]]
        end = part.end()
    if not text or end != len(text):
        raise ValueError(f"no duration with a unit ({DURATION_UNITS}): {text!r}")
    return total


def parse_size(text: str) -> int:
    """Bytes of "256MiB" or "2GB"; ValueError when it is none."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"no size with a unit ({SIZE_UNITS}): {text!r}")
    return round(float(match[1]) * _BYTES[match[2]])


def format_duration(seconds: float) -> str:
    """The duration as a configuration file would say it: "90s", "5m", "250ms"."""
    for unit, least in (("d", 86400.0), ("h", 7200.0), ("m", 120.0)):
        if seconds >= least and seconds % _SECONDS[unit] == 0:
            return f"{seconds / _SECONDS[unit]:.0f}{unit}"
    if 0 < seconds < 1:
        return f"{seconds * 1000:.6g}ms"
    return f"{seconds:.9g}s"
