"""supervisord (supervisor 4 from PyPI), configured as somebody who knows it well would.

What it can do is taken from its manual (supervisord.org/configuration.html) and its source. Where it has the
nearest thing to what a policy asks, that is used, whether or not the capability is claimed: fatal codes, for
one, are not restarted, but it cannot say "fatal", so `fatal-codes` is not claimed.
"""

from __future__ import annotations

import os
import xmlrpc.client
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crashrig import peers
from crashrig.subjects.protocol import Description, Launch, SubjectError
from crashrig.subjects.supervisord_config import LOG, SOCKET, full_names, render_config
from crashrig.subjects.supervisord_log import SupervisordLog
from crashrig.subjects.unix_xmlrpc import Call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crashrig.subjects.protocol import Job

SOCKET_PATH_BYTES_MAX = 90  # 107 (unix(7)) less the ".<pid>" it appends while binding
MAX_PACE = 5.0  # a grace of 10 s is still 2 whole seconds; its 1 s tick is 5 s then, which bounds must leave room for
ANSWER_SECONDS = 1.0

CAPABILITIES = [
    "give-up",  # startretries: of failed starts only, those that end before startsecs
    "restart-policy",
    "clean-codes",
    "restart-codes",  # by leaving them out of exitcodes
    "operator",
    "claims",
    "lock",  # by its socket: a second one on the same configuration refuses to start
    "spawn-retry",
    "user",
]


class SupervisordSubject:
    """Starts supervisord in the foreground and operates it through its own XML-RPC interface."""

    def __init__(self) -> None:
        self._socket = ""
        self._names: dict[str, str] = {}
        self._log: SupervisordLog | None = None
        self._unanswered: list[Call] = []

    def describe(self) -> Description:
        """Its version is that of the installed package."""
        found = peers.find("supervisord")
        return Description(
            name="supervisord",
            version=found.version,
            capabilities=CAPABILITIES,
            max_pace=MAX_PACE,
            unavailable=found.problem,
            remarks="whole seconds only; its loop looks at deaths and deadlines once a second",
        )

    def render(self, job: Job) -> Launch:
        """Write supervisord.conf; SubjectError where the environment is missing or a text cannot be written."""
        found = peers.find("supervisord")
        if found.problem:
            raise SubjectError(f"supervisord: {found.problem}")
        directory = Path(job.directory)
        self._socket = str(directory / SOCKET)
        if len(os.fsencode(self._socket)) > SOCKET_PATH_BYTES_MAX:
            raise SubjectError(
                f"{self._socket}: too long for a Unix socket (at most {SOCKET_PATH_BYTES_MAX} bytes); "
                "use a directory with a shorter name"
            )
        self._names = full_names(job.agents)
        self._log = SupervisordLog(directory / LOG, self._names)
        configuration = directory / "supervisord.conf"
        configuration.write_text(render_config(job))
        argv = [found.python, "-I", "-m", "supervisor.supervisord", "--nodaemon", "--configuration", str(configuration)]
        return Launch(argv=argv, directory=job.directory)

    def operate(self, command: str, agent: str) -> None:
        """As supervisorctl does; returns when supervisord has taken the command, which may be before it is done.

        A stop of an agent that is not running and a start of one that is are no errors.
        """
        call = self._call(command, agent)
        if not call.answered(ANSWER_SECONDS):
            self._unanswered.append(call)  # it answers when the agent is down: hanging up would change its timing
            return
        try:
            refusals = _refusals(call.result())
        except xmlrpc.client.Fault as fault:
            refusals = [fault]
        serious = [fault for fault in refusals if not _harmless(fault)]
        if serious:
            raise SubjectError(f"supervisord: {command} {agent}: {serious[0].faultString}")

    def _call(self, command: str, agent: str) -> Call:
        if command == "shutdown":
            return Call(self._socket, "supervisor.shutdown")
        if agent not in self._names:
            raise SubjectError(f"supervisord: {command}: no agent named {agent!r}; there are {', '.join(self._names)}")
        stop, start = (
            ("supervisor.stopProcess", self._names[agent], True),
            (
                "supervisor.startProcess",
                self._names[agent],
                False,
            ),
        )
        match command:
            case "stop":
                return Call(self._socket, *stop)
            case "start":
                return Call(self._socket, *start)
            case "restart":
                calls = [{"methodName": method, "params": parameters} for method, *parameters in (stop, start)]
                return Call(self._socket, "system.multicall", calls)
        raise SubjectError(f"supervisord: no operator command {command!r}; expected start, stop, restart, shutdown")

    def claims(self) -> Mapping[str, str]:
        """Its states in our words, from its log (see `supervisord_log`)."""
        return self._log.claims() if self._log is not None else {}

    def close(self) -> None:
        """Hang up on whatever has not been answered."""
        for call in self._unanswered:
            call.close()
        self._unanswered.clear()


def _refusals(answer: Any) -> list[xmlrpc.client.Fault]:
    """The faults in the answer of a multicall; every other answer has none."""
    parts = answer if isinstance(answer, list) else []
    return [
        xmlrpc.client.Fault(part["faultCode"], part["faultString"])
        for part in parts
        if isinstance(part, dict) and "faultCode" in part
    ]


def _harmless(fault: xmlrpc.client.Fault) -> bool:
    already_started, not_running = 60, 70  # supervisor.xmlrpc.Faults
    return fault.faultCode in (already_started, not_running)
