"""What an observer of processes tells: one record for each fork, exec, exit, or gap in what it saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence


class ProcessEvent(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One thing that happened to a process (never to a thread), `t` in nanoseconds of CLOCK_MONOTONIC.

    `parent` is set for a fork. `status` is set for an exit and is what waitpid(2) would have given; None where
    the observer could not learn it. `text` says what was lost.
    """

    t: int
    what: Literal["fork", "exec", "exit", "lost"]
    pid: int = 0
    parent: int = 0
    status: int | None = None
    text: str = ""


class ObserverUnavailableError(Exception):
    """This machine does not let this observer work; the text says what refused and why."""


class Observer(Protocol):
    """A source of process events for one cell.

    `name` and `resolution` (real seconds: how finely it tells births and deaths) go into the history's header.
    `interval` is how often `read` wants to be called, in real seconds; 0 where `fileno` says when. `sees_all`: it
    misses nothing without saying so.
    """

    name: str
    source: str
    resolution: float
    interval: float
    sees_all: bool

    def fileno(self) -> int:
        """A descriptor that becomes readable when there is something to read; -1 for none."""

    def read(self) -> Sequence[ProcessEvent]:
        """What happened since the last call, without waiting."""

    def close(self) -> None:
        """Stop observing."""
