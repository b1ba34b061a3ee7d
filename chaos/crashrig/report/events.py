"""events.jsonl: everything seen and judged in a run, in one file of JSON lines.

A header, the observations of all cells merged in order of time, the verdicts, a footer that counts the lines
before it. The format only ever grows at its end; a file without a footer was cut off, which is an error.
"""

from __future__ import annotations

import heapq
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from crashrig.history import Observation
from crashrig.report import histories
from crashrig.report.files import ReportError, write_atomically
from crashrig.report.run_json import encode
from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crashrig.history import Header as HistoryHeader
    from crashrig.report.histories import Seen
    from crashrig.results import CellResult, Run

NAME = "events.jsonl"
FORMAT = 1


class Header(msgspec.Struct, frozen=True, kw_only=True, tag="header", tag_field="type"):
    """First line: which run this is."""

    format: int = FORMAT
    run: str
    version: str
    started: str


class Event(msgspec.Struct, frozen=True, kw_only=True, tag="observation", tag_field="type"):
    """One thing seen in one cell.

    `at` is real seconds since the run started, by which the lines are in order; null for a cell on virtual time
    and for one whose start is not known: these come first, cell by cell.
    """

    cell: str
    at: float | None
    seen: Observation


class Judged(msgspec.Struct, frozen=True, kw_only=True, tag="verdict", tag_field="type"):
    """How one cell ended; `history` says what is wrong with its history, empty when nothing is."""

    cell: str
    verdict: Verdict
    reason: str = ""
    history: str = ""


class Footer(msgspec.Struct, frozen=True, kw_only=True, tag="footer", tag_field="type"):
    """Last line: the verdict of the run, and how many lines stand before this one."""

    verdict: Verdict
    lines: int


class Events(msgspec.Struct, frozen=True, kw_only=True):
    """A whole events.jsonl in memory."""

    header: Header
    observations: list[Event]
    verdicts: list[Judged]
    footer: Footer


def write(run: Run, directory: Path) -> Path:
    """Write the events of `run` into its directory and say where."""
    path = directory / NAME
    lines = [encode(line) for line in _lines(run, list(histories.of_run(run, directory)))]
    lines.append(encode(Footer(verdict=run.verdict, lines=len(lines))))
    write_atomically(path, b"\n".join(lines) + b"\n")
    return path


def read_events(path: Path) -> Events:
    """Read an events.jsonl; ReportError when a line does not parse, the footer is missing or counts otherwise."""
    decoder = msgspec.json.Decoder(Header | Event | Judged | Footer)
    try:
        lines = [decoder.decode(line) for line in path.read_bytes().splitlines()]
    except (OSError, msgspec.MsgspecError) as error:
        raise ReportError(f"{path}: cannot be read, or cut off: {error}") from error
    match lines:
        case [Header() as header, *middle, Footer() as footer] if footer.lines == len(lines) - 1:
            return Events(
                header=header,
                observations=[line for line in middle if isinstance(line, Event)],
                verdicts=[line for line in middle if isinstance(line, Judged)],
                footer=footer,
            )
    raise ReportError(f"{path}: cut off: no footer that counts the {len(lines)} lines found; write the report again")


def _lines(run: Run, cells: list[tuple[CellResult, Seen]]) -> Iterator[Header | Event | Judged]:
    yield Header(run=run.id, version=run.version, started=run.started)
    streams = [_observations(cell, seen, _offset(run, seen)) for cell, seen in cells]
    yield from heapq.merge(*streams, key=lambda event: -1.0 if event.at is None else event.at)
    for cell, seen in cells:
        yield Judged(cell=str(cell.key), verdict=cell.verdict, reason=cell.reason, history=seen.problem)


def _observations(cell: CellResult, seen: Seen, offset: float | None) -> Iterator[Event]:
    key = str(cell.key)
    for observation in seen.history.observations if seen.history else ():
        at = None if offset is None else round(offset + observation.t, 6)
        yield Event(cell=key, at=at, seen=observation)


def _offset(run: Run, seen: Seen) -> float | None:
    """Seconds from the start of the run to the zero of the cell, never negative; None when it cannot be said."""
    if seen.history is None or seen.history.header.simulated:
        return None
    return _between(run.started, seen.history.header)


def _between(started: str, header: HistoryHeader) -> float | None:
    try:
        elapsed = datetime.fromisoformat(header.started) - datetime.fromisoformat(started)
    except (ValueError, TypeError):  # not a time, or one with a zone and one without
        return None
    return max(0.0, elapsed.total_seconds())
