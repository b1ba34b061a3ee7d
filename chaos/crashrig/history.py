"""What was seen from outside during one cell: observations in order of time, with a header and a footer.

This is data and its file format (JSON lines) only. Observers and the simulation write histories; `world` folds
them into values; checkers judge them. A subject's own word is kept apart as `claimed` and is never the truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FORMAT = 1

What = Literal[
    "subject.start",  # the supervisor was started; pid
    "subject.exit",  # it ended; code or signal
    "start",  # a generation's first process executes; agent, generation, pid
    "exit",  # that process died; agent, generation, pid, code or signal
    "birth",  # any other process of a generation's tree began to live; agent, generation, pid, parent
    "death",  # such a process died; agent, generation, pid
    "beat",  # the fake agent gave a sign of life; text = kind of beat ("good" for a valid one)
    "ready",  # the fake agent said READY=1
    "received",  # the fake agent got a signal it handles or ignores; signal
    "note",  # the fake agent says what it is about to do; text
    "fault",  # an injection; text = "<number> <kind>", phase = injected | proven | unproven | lifted
    "claimed",  # the subject's own word of an agent's state, when it changed; text = the state
    "noise",  # the probe's worst own lateness since the last such line; value in real seconds
    "lost",  # the observer knows that it missed something; text says what
    "end",  # the cell ended the run; text = settled | timeout | interrupted | subject-gone
]


class Observation(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing seen, `t` real seconds after the header's zero (virtual seconds in a simulation).

    `generation` counts an agent's starts as seen from outside, from 1. `source` says who saw it: kernel,
    pidfd, scan, agent, subject, rig, simulation.
    """

    t: float
    what: What
    agent: str = ""
    generation: int = 0
    pid: int = 0
    parent: int = 0
    code: int | None = None
    signal: int | None = None
    text: str = ""
    phase: str = ""
    value: float | None = None
    source: str = ""


class Header(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """First line of a history file.

    `pace` is what every nominal duration was divided by; nominal time = t * pace. `resolution` is how finely
    births and deaths could be told, in real seconds; `observer` says by which means.
    """

    format: int = FORMAT
    scenario: str
    subject: str
    subject_version: str = ""
    seed: int = 0
    pace: float = 1.0
    observer: str = ""
    resolution: float = 0.0
    simulated: bool = False
    started: str = ""


class Footer(msgspec.Struct, frozen=True, kw_only=True):
    """Last line of a history file; a file without it was cut off, which is an error."""

    end: str
    observations: int


class History(msgspec.Struct, kw_only=True):
    """A whole history in memory."""

    header: Header
    observations: list[Observation]
    footer: Footer | None = None


class HistoryError(Exception):
    """A history file cannot be trusted; the text says which file, which line, and why."""


def write_history(path: Path, history: History) -> None:
    """Write `history` as JSON lines: header, observations, footer."""
    encoder = msgspec.json.Encoder()
    with path.open("wb") as file:
        for line in _lines(history):
            file.write(encoder.encode(line) + b"\n")


def _lines(history: History) -> Iterator[Header | Observation | Footer]:
    yield history.header
    yield from history.observations
    yield history.footer or Footer(end="", observations=len(history.observations))


def read_history(path: Path) -> History:
    """Read a history file.

    Raises HistoryError when a line does not parse, the footer is missing or the count does not agree.
    """
    lines = path.read_bytes().splitlines()
    if len(lines) < 2:
        raise HistoryError(f"{path}: cut off: {len(lines)} lines, expected a header and a footer")
    try:
        header = msgspec.json.decode(lines[0], type=Header)
        observations = _decode(lines[1:-1])
        footer = msgspec.json.decode(lines[-1], type=Footer)
    except msgspec.MsgspecError as error:
        raise HistoryError(f"{path}: not a history, or cut off: {error}") from error
    if header.format != FORMAT:
        raise HistoryError(f"{path}: format {header.format}, this program reads {FORMAT}")
    if footer.observations != len(observations):
        raise HistoryError(f"{path}: footer counts {footer.observations} observations, found {len(observations)}")
    return History(header=header, observations=observations, footer=footer)


def _decode(lines: Iterable[bytes]) -> list[Observation]:
    decoder = msgspec.json.Decoder(Observation)
    return [decoder.decode(line) for line in lines]
