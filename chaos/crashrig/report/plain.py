"""A checker's message taken apart, and its evidence said so that a newcomer understands it.

Messages are written by `monitors.protocol.message`. One of another shape is taken as it is: a report may always
say less plainly, never wrongly.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from crashrig.report.text import plural

if TYPE_CHECKING:
    from crashrig.verdict import Result


class Said(NamedTuple):
    """What was required, expected and observed; empty where the message does not say."""

    required: str = ""
    expected: str = ""
    observed: str = ""


_BROKEN = re.compile(r"Required: (.*?)\nExpected: (.*?)\nObserved: (.*)", re.DOTALL)
_KEPT = re.compile(r"expected (.*?); (.*)", re.DOTALL)
_COUNT = re.compile(r"\.(orphans|stale|live) = (\d+)")


def said(result: Result) -> Said:
    """The parts of a result's message."""
    if broken := _BROKEN.fullmatch(result.message):
        return Said(*broken.groups())
    if kept := _KEPT.fullmatch(result.message):
        return Said("", *kept.groups())
    return Said(observed=result.message)


def plainly(result: Result) -> str:
    """What went wrong, in words that need no knowledge of the scenario; empty when only the message can tell."""
    counts = {name: int(count) for name, count in _COUNT.findall(said(result).observed)}
    if counts.get("orphans"):
        return f"left {_processes(counts['orphans'])} of dead runs alive"
    if counts.get("stale"):
        return f"left {_processes(counts['stale'])} of earlier runs alive"
    if counts.get("live", 0) > 1:
        return f"ran {counts['live']} copies at once"
    return ""


def _processes(count: int) -> str:
    return plural(count, "process") if count == 1 else f"{count} processes"
