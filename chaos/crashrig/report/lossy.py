"""A text stream that nobody need listen to: a reader that has gone away costs the words, never the run.

A pipe to `head` is closed, a terminal window too, and a log's disk is full, all while cells are running. Their
results must still be judged and written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO


class Lossy:
    """Passes text on until that fails once; from then on it is dropped. `stream` is None where there never was one."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self.encoding = stream.encoding if stream is not None else "utf-8"

    def write(self, text: str) -> int:
        """Pass on, or drop."""
        if self._stream is not None:
            try:
                self._stream.write(text)
            except (OSError, ValueError):  # ValueError: it was closed
                self._stream = None
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Pass on, or drop, one after the other."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Have it arrive."""
        if self._stream is not None:
            try:
                self._stream.flush()
            except (OSError, ValueError):
                self._stream = None

    def isatty(self) -> bool:
        """Whether it goes to a terminal."""
        return self._stream is not None and self._stream.isatty()


def lossy(stream: TextIO | None) -> TextIO:
    """A stream whose writing cannot fail; it has only what is needed to write text."""
    return cast("TextIO", Lossy(stream))
