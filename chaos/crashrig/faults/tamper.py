"""tamper: something is written into an agent's heartbeat file behind its back, or the file is removed.

Good-looking content replaces the file as a whole, rubbish goes in place, as with the agents' own beats
(`agents.beat_text`). Proven by reading it back. There is nothing to undo: the agent's next beat replaces it.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from crashrig.agents.beat_text import FUTURE_SECONDS, SPOILT, good, spoilt
from crashrig.faults.injection import CannotInjectError, Momentary

if TYPE_CHECKING:
    from crashrig.agents.plan import PreparedAgent
    from crashrig.faults.injection import Scene
    from crashrig.scenario import Tamper

STALE_SECONDS = 3600.0
"""How old a stale beat claims to be."""

FOREIGN_PID = 1
"""The process that a foreign beat names: it always lives and is nobody's agent."""

_CLAIMS = {"stale": -STALE_SECONDS, "future": FUTURE_SECONDS, "foreign": 0.0}


def forged(content: str, form: str, wall: float, writer: int) -> tuple[bytes, float]:
    """A good-looking beat and the modification time it gets; the simulation forges the same.

    `content` is stale, future or foreign; `wall` is Unix seconds, `writer` the agent's own process.
    """
    claimed = wall + _CLAIMS[content]
    data = good("json", claimed, FOREIGN_PID) if content == "foreign" else good(form, claimed, writer)
    return data, claimed if form == "mtime" else wall


class TamperInjection(Momentary):
    """One `tamper` of a scenario."""

    def __init__(self, order: Tamper) -> None:
        self._order = order
        self._proven = False

    def inject(self, scene: Scene) -> None:
        """Do it to the file of every agent that is meant, and look at each file at once."""
        agents = [scene.agents[name] for name in scene.members[self._order.target]]
        outcomes = [self._tamper(agent, scene) for agent in agents]
        self._proven = all(outcomes)

    def proven(self, scene: Scene) -> bool:  # noqa: ARG002
        """Whether every file was seen to be as it was made; an agent that beats again changes nothing about it."""
        return self._proven

    def _tamper(self, agent: PreparedAgent, scene: Scene) -> bool:
        path = Path(agent.heartbeat_file)
        try:
            match self._order.content:
                case "delete":
                    return _delete(path)
                case "touch":
                    return _touch(path)
                case content:
                    leader = scene.family.leader(agent.name)
                    return _write(path, content, agent.heartbeat_format, leader.pid if leader else 0)
        except OSError as error:
            raise CannotInjectError(f"{agent.name}'s heartbeat file: {error.strerror}") from error


def _delete(path: Path) -> bool:
    path.unlink()
    return not path.exists()


def _touch(path: Path) -> bool:
    now = time.time()
    os.utime(path, (now, now))
    return abs(path.stat().st_mtime - now) < 0.001  # file systems round


def _write(path: Path, content: str, form: str, pid: int) -> bool:
    wall = time.time()
    if content in SPOILT:
        data = spoilt(content, good(form, wall, pid))
        path.write_bytes(data)
    else:
        data, modified = forged(content, form, wall, pid)
        _replace(path, data, modified)
    return path.read_bytes() == data


def _replace(path: Path, data: bytes, modified: float) -> None:
    new = path.with_name(f"{path.name}.tampered")
    new.write_bytes(data)
    os.utime(new, (modified, modified))
    new.replace(path)
