"""The journal (OBS-1): every event with the time the core was given, and what the core made of it, as JSON lines.

Writing only; what its lines and its parts are is in `journal_format`, reading is in `journal_reader`. Nothing here
decides or acts.

Writing never stops supervision: a line that cannot be written is lost, counted, and said once; when writing
works again, a note says how many are missing. Lines that come late in a turn are written at its end, one write
each, so that the way from a death to the next start does not wait for a disk.
"""

import os
from collections.abc import Callable

from holdfast import clock
from holdfast.effects import Effect
from holdfast.events import Event
from holdfast.journal_format import PARTS_KEPT, Entry, encode_entry, header, part_path, to_line
from holdfast.settings import Settings

PART_BYTES_MAX = 16 << 20
"""A day of a hundred agents that beat every 30 s is about 50 MB; with four parts no more than 64 MiB are kept."""

_RETRY_SECONDS = 1.0
_SAY_AGAIN_SECONDS = 60.0
"""A disk on the brink takes a line now and then: that is one story, not many."""


class Journal:
    """The journal of this run, appended to the file of the state directory."""

    def __init__(self, path: str, settings: Settings, say: Callable[[str], None]) -> None:
        """Raises nothing: a journal that cannot be opened is tried again, and missed lines are counted."""
        self._path = path
        self._say = say
        self._descriptor = -1
        self._waiting: list[tuple[float, Entry | dict[str, object]]] = []
        self._lost = 0
        self._retry_at = 0.0
        self._say_again_at = 0.0
        self._settings = settings
        self._part = 0
        self._begun = False
        self._append_or_count(b"")

    def decided(self, now: float, event: Event | None, wanted: list[Effect]) -> None:
        """Keep one decision for the end of the turn."""
        self._waiting.append((clock.wall(), Entry(now, event, wanted)))

    def note(self, what: str, **more: object) -> None:
        """Keep a line that is no decision."""
        self._waiting.append((clock.wall(), {"now": clock.now(), "note": what, **more}))

    def flush(self) -> None:
        """Write what has been kept."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        for wall, line in waiting:
            fields = encode_entry(line) if isinstance(line, Entry) else line
            self._append_or_count(to_line({"wall": round(wall, 6), **fields}))

    def close(self) -> None:
        """Write the rest and close."""
        self.flush()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _append_or_count(self, line: bytes) -> None:
        """Write one line, or count it as lost; after a failure only one in a second is tried.

        The header comes before the first line, however late that can be written; an empty line is only that.
        """
        now = clock.now()
        if self._lost and now < self._retry_at:
            self._lost += 1
            return
        try:
            self._open()
            if not self._begun:
                self._append(header(self._settings, self._part))
            if self._lost:
                lost = {"wall": round(clock.wall(), 6), "now": now, "note": "lost", "lines": self._lost}
                self._append(to_line(lost))
                self._lost = 0
            if line:
                self._append(line)
        except OSError as error:
            if not self._lost and now >= self._say_again_at:
                self._say_again_at = now + _SAY_AGAIN_SECONDS
                self._say(f"journal {self._path}: {error.strerror}: lines are lost until it can be written again")
            self._lost += 1
            self._retry_at = now + _RETRY_SECONDS

    def _open(self) -> None:
        if self._descriptor < 0:
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            self._descriptor = os.open(self._path, flags, 0o600)
            size = os.fstat(self._descriptor).st_size
            if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
                os.write(self._descriptor, b"\n")  # the line that a killed supervisor did not finish

    def _append(self, line: bytes) -> None:
        """Write one whole line or none: what a full disk left of it is taken back."""
        size = os.fstat(self._descriptor).st_size
        if size and size + len(line) > PART_BYTES_MAX:
            self._rotate()
            size = os.fstat(self._descriptor).st_size
        written = os.write(self._descriptor, line)
        if written != len(line):
            os.ftruncate(self._descriptor, size)
            raise OSError(28, "No space left on device")
        self._begun = True

    def _rotate(self) -> None:
        """Begin a new part; the file that is being written keeps its content under another name."""
        for number in range(PARTS_KEPT - 2, -1, -1):
            try:
                os.rename(part_path(self._path, number), part_path(self._path, number + 1))
            except FileNotFoundError:
                pass  # not so many parts yet
        os.close(self._descriptor)
        self._descriptor = -1
        self._open()
        if self._begun:  # else the header of the run is what comes next
            self._part += 1
            os.write(self._descriptor, header(self._settings, self._part))
