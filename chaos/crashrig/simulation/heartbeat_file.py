"""A heartbeat file in the simulation: its content and its times, and who is told when they change."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

WALL_ZERO = 1_767_225_600.0
"""What the simulated wall clock shows at time 0: 2026-01-01, so that histories are the same every year."""


class HeartbeatFile:
    """`content` is None while there is no file; `inode` changes when it is replaced, as stat(2) would show."""

    def __init__(self) -> None:
        self.content: bytes | None = None
        self.modified = 0.0
        self.inode = 0
        self.on_change: Callable[[], None] = lambda: None

    @property
    def mark(self) -> tuple[int, int, float] | None:
        """What stat(2) tells of it; None for no file."""
        return None if self.content is None else (self.inode, len(self.content), self.modified)

    def replace(self, content: bytes, modified: float) -> None:
        """Put a whole new file in its place (rename(2))."""
        self.inode += 1
        self.write(content, modified)

    def write(self, content: bytes, modified: float) -> None:
        """Overwrite it in place."""
        self.content = content
        self.modified = modified
        self.on_change()

    def delete(self) -> None:
        """Remove it (unlink(2))."""
        self.content = None
        self.on_change()
