"""`holdfast status`: what a running supervisor says of its agents, as a table or as it said it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from holdfast.client import ControlError, request
from holdfast.commands.target import with_target
from holdfast.units import format_duration

_HEAD = ("AGENT", "STATE", "FOR", "PID", "STARTS", "CRASHES", "BEATS", "REMARK")
_NUMBERS = frozenset({"FOR", "PID", "STARTS", "CRASHES", "BEATS"})


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the supervisor's answer as it is.")
@with_target
def status(target: str, as_json: bool) -> None:
    """Show what each agent is doing, and since when."""
    answer = request(target, "status")
    click.echo(json.dumps(answer, indent=2) if as_json else _table(answer))


def _table(answer: Mapping[str, Any]) -> str:
    try:
        return table([_HEAD, *map(_row, answer["agents"])])
    except (KeyError, TypeError) as error:
        raise ControlError(f"the supervisor is of another version: its status lacks {error}") from None


def _row(agent: Mapping[str, Any]) -> tuple[str, ...]:
    """One agent; times in the answer are seconds from now."""
    remarks = [agent["reason"]] if agent["reason"] else []
    if agent["restart_in"] is not None:
        remarks.append(f"next start in {_rounded(agent['restart_in'])}")
    if agent["beats_rejected"]:
        remarks.append(f"{agent['beats_rejected']} bad beats")
    return (
        agent["name"],
        agent["state"],
        _rounded(agent["since"]),
        str(agent["pid"] or "-"),
        str(agent["generation"]),
        str(agent["crashes"]),
        str(agent["beats"]),
        ", ".join(remarks),
    )


def _rounded(seconds: float) -> str:
    """Two units at most are told: "3d 4h", "12m 5s", "3s"."""
    left = max(0, round(seconds))
    parts = []
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if left >= length:
            parts.append(f"{left // length}{unit}")
            left %= length
    return " ".join([*parts, format_duration(left)][:2])


def table(rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, numbers to the right; the first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = zip(row, widths, rows[0], strict=True)
        aligned = (cell.rjust(width) if head in _NUMBERS else cell.ljust(width) for cell, width, head in cells)
        lines.append("  ".join(aligned).rstrip())
    return "\n".join(lines)
