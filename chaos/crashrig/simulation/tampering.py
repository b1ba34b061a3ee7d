"""What tampering with a heartbeat file leaves there, in the simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crashrig.agents.beat_text import FUTURE_SECONDS, good, spoilt
from crashrig.simulation.heartbeat_file import WALL_ZERO

if TYPE_CHECKING:
    from collections.abc import Callable

    from crashrig.simulation.heartbeat_file import HeartbeatFile

STALE_SECONDS = 3600.0
"""How old a stale beat from outside claims to be."""

FOREIGN_PID = 1
"""The process that a foreign beat names: it always lives and is nobody's agent."""


def tamper(file: HeartbeatFile, content: str, form: str, now: float, writer: int) -> None:
    """Do to the file what the scenario says, at virtual time `now`; `writer` is the agent's own process."""
    wall = WALL_ZERO + now
    if content == "delete":
        file.delete()
    elif content == "touch":
        file.write(file.content or b"", wall)
    elif content in _CLAIMS:
        claimed, pid = _CLAIMS[content](wall, writer)
        file.replace(good("json" if content == "foreign" else form, claimed, pid), claimed if form == "mtime" else wall)
    else:
        file.write(spoilt(content, good(form, wall, writer)), wall)


_CLAIMS: dict[str, Callable[[float, int], tuple[float, int]]] = {
    "stale": lambda wall, writer: (wall - STALE_SECONDS, writer),
    "future": lambda wall, writer: (wall + FUTURE_SECONDS, writer),
    "foreign": lambda wall, _: (wall, FOREIGN_PID),
}
