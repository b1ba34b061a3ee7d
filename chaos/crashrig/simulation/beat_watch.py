"""How the simulated holdfast looks at a heartbeat file: holdfast's own reading of it, without the file system.

The rules are those of `holdfast.beats.BeatFile`; what a content means is decided by `holdfast.beats.read_token`
itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.beats import NoBeatError, poll_interval, read_token
from holdfast.settings import BeatFormat

if TYPE_CHECKING:
    from collections.abc import Callable

    from crashrig.simulation.heartbeat_file import HeartbeatFile
    from holdfast.beats import Token


class BeatWatch:
    """One heartbeat file, looked at at every multiple of `interval` seconds."""

    def __init__(self, file: HeartbeatFile, form: BeatFormat, timeout: float, is_member: Callable[[int], bool]) -> None:
        self._file = file
        self._form = form
        self._is_member = is_member
        self.interval = poll_interval(timeout)
        self._mark: tuple[int, int, float] | None = None
        self._token: Token | None = None

    def next_look(self, now: float) -> float:
        """When a change that happens now is seen. Looks at an unchanged file are left out: they find nothing."""
        return (now // self.interval + 1.0) * self.interval

    def begin(self) -> None:
        """A generation is about to start: what is there now is stale (HB-3)."""
        self.look()

    def look(self) -> str | None:
        """Look once: "" for a new beat, a word for what is none, None when nothing has changed."""
        mark = self._file.mark
        if mark == self._mark:
            return None
        self._mark = mark
        try:
            token = self._read()
        except NoBeatError as no:
            return str(no)
        if token is None:
            return None
        if token == self._token:
            return "frozen"
        self._token = token
        return ""

    def _read(self) -> Token | None:
        content = self._file.content
        if content is None:
            return None
        if self._form is BeatFormat.MTIME:
            return str(self._file.modified)
        token, writer = read_token(content, self._form)
        if writer is not None and not self._is_member(writer):
            raise NoBeatError("foreign")
        return token
