"""What tampering with a heartbeat file leaves there, in the simulation: the same as `faults.tamper` really does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crashrig.agents.beat_text import SPOILT, good, spoilt
from crashrig.faults.tamper import forged
from crashrig.simulation.heartbeat_file import WALL_ZERO

if TYPE_CHECKING:
    from crashrig.simulation.heartbeat_file import HeartbeatFile


def tamper(file: HeartbeatFile, content: str, form: str, now: float, writer: int) -> None:
    """Do to the file what the scenario says, at virtual time `now`; `writer` is the agent's own process.

    Raises FileNotFoundError where a file has to be there and is not.
    """
    wall = WALL_ZERO + now
    if content in ("delete", "touch") and file.content is None:
        raise FileNotFoundError
    if content == "delete":
        file.delete()
    elif content == "touch":
        file.write(file.content or b"", wall)
    elif content in SPOILT:
        file.write(spoilt(content, good(form, wall, writer)), wall)
    else:
        file.replace(*forged(content, form, wall, writer))
