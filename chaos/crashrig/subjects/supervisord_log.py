"""What supervisord says of its agents, read from its own log: every state it enters, however briefly.

Asking by XML-RPC would change what is measured: each question wakes its loop, which otherwise looks at the dead
once a second. And a state that is entered and left within one turn of that loop is never seen by asking.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_LINES = (
    (re.compile(r"spawned: '(?P<name>[^']+)' with pid \d+$"), "starting"),
    (re.compile(r"success: (?P<name>\S+) entered RUNNING state"), "running"),
    (re.compile(r"waiting for (?P<name>\S+) to stop$"), "stopping"),
    (re.compile(r"stopped: (?P<name>\S+) \("), "stopped"),
    (re.compile(r"gave up: (?P<name>\S+) entered FATAL state"), "fatal"),
    (re.compile(r"exited: (?P<name>\S+) \("), "exited"),
)


class SupervisordLog:
    """Follows a growing log file; a file that is not there yet says nothing."""

    def __init__(self, path: Path, agents: Iterable[str]) -> None:
        self._path = path
        self._read = 0
        self._torn = ""
        self._entered: dict[str, str] = {}
        self._waiting: dict[str, deque[str]] = {name: deque() for name in agents}
        self._claimed: dict[str, str] = {}

    def claims(self) -> dict[str, str]:
        """Each agent's state: with every call at most one step further, so that none is skipped."""
        for line in self._new_lines():
            self._take(line)
        for name, waiting in self._waiting.items():
            if waiting:
                self._claimed[name] = waiting.popleft()
        return dict(self._claimed)

    def _new_lines(self) -> Iterator[str]:
        try:
            with self._path.open("rb") as file:
                file.seek(self._read)
                data = file.read()
        except FileNotFoundError:
            return
        self._read += len(data)
        *lines, self._torn = (self._torn + data.decode(errors="replace")).split("\n")
        yield from lines

    def _take(self, line: str) -> None:
        for pattern, state in _LINES:
            found = pattern.search(line)
            if found is None or found["name"] not in self._waiting:
                continue
            name = found["name"]
            # an end before startsecs is a failed start, and is tried again
            failed = state == "exited" and self._entered.get(name) == "starting"
            self._entered[name] = "backoff" if failed else state
            self._waiting[name].append(self._entered[name])
            return
