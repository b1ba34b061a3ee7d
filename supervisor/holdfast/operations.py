"""What an operator may ask of a running supervisor: status, start, stop, restart, shutdown (CTL-1).

Requests become events for the core; answers come from its view. No socket is known here.
"""

import os
from collections.abc import Callable

from holdfast import __version__, clock
from holdfast.agent import FINAL, AgentView
from holdfast.control import Answer, Reply, refusal
from holdfast.events import Event, RestartRequested, ShutdownRequested, StartRequested, StopRequested
from holdfast.fleet import Fleet

_FOR_AN_AGENT: dict[str, Callable[[str], Event]] = {
    "start": StartRequested,
    "stop": StopRequested,
    "restart": RestartRequested,
}
_NAME_SHOWN_MAX = 100
_COMMANDS = ("status", *_FOR_AN_AGENT, "shutdown")


class Operations:
    """Answers requests. `settle` is to be called after every change, for those who wait for a stop."""

    def __init__(self, fleet: Fleet, feed: Callable[[Event], None]) -> None:
        self._fleet = fleet
        self._feed = feed
        self._shutting_down = False
        self._waiting: list[tuple[str, Reply]] = []

    def handle(self, request: Answer, reply: Reply) -> None:
        """Carry out one request; `reply` gets the answer, for a stop with `wait` only when it is done."""
        command = str(request["command"])
        if command == "status":
            reply(self._status())
        elif command == "shutdown":
            self._shutting_down = True
            self._feed(ShutdownRequested())
            reply({"ok": True})
        elif command in _FOR_AN_AGENT:
            self._for_an_agent(command, request, reply)
        else:
            reply(refusal(f"command: expected one of {', '.join(_COMMANDS)}, found {command[:_NAME_SHOWN_MAX]!r}"))

    def settle(self) -> None:
        """Answer whose stop has come to its end."""
        if self._waiting:
            states = {view.name: view for view in self._fleet.view()}
            waiting, self._waiting = self._waiting, []
            for name, reply in waiting:
                if states[name].state in FINAL:
                    reply({"ok": True, "state": str(states[name].state)})
                else:
                    self._waiting.append((name, reply))

    def _for_an_agent(self, command: str, request: Answer, reply: Reply) -> None:
        name = request.get("agent")
        names = [view.name for view in self._fleet.view()]
        if not isinstance(name, str) or name not in names:
            reply(refusal(_unknown(name, names)))
        elif self._shutting_down and command != "stop":
            reply(refusal(f"{name} is not started: the supervisor is shutting down"))
        else:
            self._feed(_FOR_AN_AGENT[command](name))
            if command == "stop" and request.get("wait") is True:
                self._waiting.append((name, reply))
                self.settle()
            else:
                reply({"ok": True})

    def _status(self) -> Answer:
        now = clock.now()
        agents = [_agent(view, now) for view in self._fleet.view()]
        return {"ok": True, "pid": os.getpid(), "version": __version__, "agents": agents}


def _agent(view: AgentView, now: float) -> Answer:
    """One agent's line of a status; times are seconds from now."""
    restart_in = None if view.restart_at is None else round(max(0.0, view.restart_at - now), 3)
    return {
        "name": view.name,
        "state": str(view.state),
        "generation": view.generation,
        "pid": view.pid,
        "crashes": view.crashes,
        "reason": view.reason,
        "since": round(now - view.since, 3),
        "restart_in": restart_in,
        "beats": view.beats,
        "beats_rejected": view.beats_rejected,
    }


def _unknown(name: object, names: list[str]) -> str:
    if not isinstance(name, str):
        return 'agent: expected the name of an agent, as in {"command": "stop", "agent": "NAME"}'
    from difflib import get_close_matches  # only for this message

    name = name[:_NAME_SHOWN_MAX]  # comparing a long one with many takes long
    near = get_close_matches(name, names, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names[:10])}" if names else "there are none"
    return f"agent: no agent is named {name!r}; {hint}"
