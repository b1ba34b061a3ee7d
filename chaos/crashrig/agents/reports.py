"""What fake agents say on the FIFO, as observations: the rig's side of `channel`.

Bytes come in as they arrive and whole lines are taken from them. A line that cannot be right is an observation of
its own, `lost`: what an agent writes never stops the rig.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from crashrig.history import Observation

LINE_BYTES_MAX = 4096
"""PIPE_BUF: a longer line cannot have been written in one piece."""

EXCERPT = 60
"""How much of a line that cannot be right is quoted."""


class _Line(msgspec.Struct, frozen=True):
    a: str
    g: int
    p: int
    t: int
    k: Literal["start", "beat", "ready", "received", "note", "birth"]
    text: str = ""
    code: int | None = None
    signal: int | None = None
    parent: int = 0


class Reports:
    """Turns bytes into observations; `zero` is the history's zero on the monotonic clock, in nanoseconds."""

    def __init__(self, zero: int) -> None:
        self._zero = zero
        self._rest = b""
        self._decoder = msgspec.json.Decoder(_Line)
        self._latest = 0.0

    def feed(self, data: bytes) -> list[Observation]:
        """The observations that these bytes complete, in the order in which they were written."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        found = [self._observation(line) for line in lines if line]
        if len(self._rest) > LINE_BYTES_MAX:
            found.append(self._lost(self._rest, "a line without an end"))
            self._rest = b""
        return found

    def finish(self) -> list[Observation]:
        """What is left when nothing more will come: half a line, if anything."""
        left, self._rest = self._rest, b""
        return [self._lost(left, "half a line")] if left else []

    def _observation(self, line: bytes) -> Observation:
        try:
            report = self._decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return self._lost(line, "not a report")
        self._latest = (report.t - self._zero) / 1e9
        return Observation(
            t=self._latest,
            what=report.k,
            agent=report.a,
            generation=report.g,
            pid=report.p,
            parent=report.parent,
            code=report.code,
            signal=report.signal,
            text=report.text,
            source="agent",
        )

    def _lost(self, line: bytes, why: str) -> Observation:
        """A line that cannot be right happened about when the last good one did."""
        quoted = line[:EXCERPT].decode("ascii", "backslashreplace")
        return Observation(t=self._latest, what="lost", text=f"{why} on the report line: {quoted}", source="agent")
