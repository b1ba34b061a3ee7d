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


_BROKEN = re.compile(r"(?:(.*?)\n)?Required: (.*?)\nExpected: (.*?)\nObserved: (.*)", re.DOTALL)
_KEPT = re.compile(r"(?:(.*?)\n)?expected (.*?); (.*)", re.DOTALL)
_COUNT = re.compile(r"\.(orphans|stale|live|tree) = (\d+)")
_EMPTY_TREE = re.compile(r"\.tree == 0\b")
_CLAIM_WANTED = re.compile(r"\.claimed == ['\"](\w+)['\"]")
_CLAIM = re.compile(r"\.claimed = (\w+)")
_ONE_COPY = re.compile(r"\.live (<= 1|> 1)\b")
_STARTS_MAX = re.compile(r"<= (\d+) of \S+\.start\b")


def said(result: Result) -> Said:
    """The parts of a result's message."""
    if broken := _BROKEN.fullmatch(result.message):
        remark, required, expected, observed = broken.groups()
        return Said(required, expected, _remarked(remark, observed))
    if kept := _KEPT.fullmatch(result.message):
        remark, expected, observed = kept.groups()
        return Said("", expected, _remarked(remark, observed))
    return Said(observed=result.message)


def _remarked(remark: str | None, observed: str) -> str:
    """What was seen, after the checker's remark on why it cannot be told, if there is one."""
    return f"{remark}: {observed}" if remark else observed


def doubt(result: Result) -> str:
    """Why a result cannot be told, as the checker remarks before the rest of its message; empty without a remark."""
    match = _BROKEN.fullmatch(result.message) or _KEPT.fullmatch(result.message)
    remark = match[1] if match else None
    return (remark or "").removesuffix(", so this cannot be told")


def plainly(result: Result) -> str:
    """What went wrong, in words that need no knowledge of the scenario; empty when only the message can tell."""
    _, wanted, seen = said(result)
    counts = {name: int(count) for name, count in _COUNT.findall(seen)}
    if counts.get("orphans"):
        return f"left {_processes(counts['orphans'])} of dead runs alive"
    if counts.get("stale"):
        return f"left {_processes(counts['stale'])} of earlier runs alive"
    if counts.get("tree") and _EMPTY_TREE.search(wanted):
        return f"left {_processes(counts['tree'])} alive"
    if (claim := _CLAIM.search(seen)) and (right := _CLAIM_WANTED.search(wanted)) and claim[1] != right[1]:
        return f'said "{claim[1]}", not "{right[1]}"'
    if counts.get("live", 0) > 1 and _ONE_COPY.search(wanted):
        return f"ran {counts['live']} copies at once"
    if (allowed := _STARTS_MAX.match(wanted)) and result.observed is not None and result.observed > int(allowed[1]):
        return f"started {result.observed:g} times, {allowed[1]} allowed"
    return ""


def _processes(count: int) -> str:
    return plural(count, "process") if count == 1 else f"{count} processes"
