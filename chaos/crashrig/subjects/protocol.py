"""What an adapter must offer so that a supervisor can be put under test.

An adapter translates the abstract policy into the supervisor's own configuration, says how to start it, passes
on an operator's commands and repeats what the supervisor claims. It judges nothing and observes nothing.
Durations it is given are real seconds: they have already been divided by the pace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from crashrig.scenario import Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

CAPABILITIES: dict[str, str] = {
    "backoff": "waits a configured list of delays between restarts",
    "backoff-exponential": "multiplies the delay up to a maximum",
    "jitter": "spreads restarts by a random part of the delay",
    "give-up": "stops restarting after a number of crashes in a row",
    "rate-limit": "stops restarting after too many starts within a window",
    "stable-reset": "forgets crashes after a run that lasted long enough",
    "fatal-codes": "never restarts after certain exit codes, and says so",
    "restart-policy": "restarts always, on failure or never, as configured",
    "clean-codes": "does not restart after exit 0 and 143",
    "restart-codes": "restarts after listed exit codes though they count as clean",
    "heartbeat-file": "kills an agent whose heartbeat file goes stale",
    "heartbeat-notify": "kills an agent whose WATCHDOG=1 messages stop",
    "heartbeat-output": "kills an agent whose output stops",
    "startup-grace": "allows a different time until the first heartbeat",
    "operator": "starts, stops and restarts one agent on command",
    "claims": "says in which state each agent is",
    "dependencies": "starts and stops agents in the order of their dependencies",
    "exit-when-done": "ends by itself when every agent is done, with a telling exit code",
    "second-signal": "kills at once when it is asked a second time to end",
    "lock": "refuses to run twice on one state directory",
    "spawn-retry": "treats a command that cannot be started as a crash, with back-off and give-up",
    "user": "runs an agent as another user",
}


class AgentJob(msgspec.Struct, frozen=True, kw_only=True):
    """One agent for the supervisor to run.

    `command` is the whole command line. `heartbeat_source` is file, notify, output, or empty where the scenario
    watches no heartbeat; `heartbeat_file` is where the agent writes its beats and `heartbeat_format` how (iso,
    json, mtime). `user` is set only for a command that must fail for it.
    """

    name: str
    command: list[str]
    directory: str
    environment: dict[str, str] = {}
    policy: Policy
    heartbeat_source: str = ""
    heartbeat_file: str = ""
    heartbeat_format: str = "json"
    after: list[str] = []
    user: str = ""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a supervisor is to do in one cell; `directory` is the adapter's own, for files and sockets.

    `override` is the path of a configuration of the user's (`--config`), empty for none. `pace` is what the
    durations were divided by: an adapter needs it for times that stand in no policy, such as a built-in interval.
    """

    directory: str
    agents: list[AgentJob]
    seed: int = 1
    pace: float = 1.0
    override: str = ""


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """How to start the supervisor in the foreground, as the child of whoever runs this."""

    argv: list[str]
    environment: dict[str, str] = {}
    directory: str = ""


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """What the adapter says of its supervisor before anything runs.

    `max_pace` is the fastest pace at which its configuration can still express the scenario's times (a
    supervisor that counts whole seconds cannot be hurried much). `unavailable` says why it cannot run on this
    machine and what to do about it; empty when it can.
    """

    name: str
    version: str
    capabilities: list[str]
    max_pace: float = 1000.0
    unavailable: str = ""
    remarks: str = ""


class SubjectError(Exception):
    """The supervisor, or its adapter, could not do what it was asked; the text says what and why."""


class UnsupportedError(SubjectError):
    """The supervisor has nothing of the kind that was asked for: the verdict is unsupported, not error."""


class Subject(Protocol):
    """An adapter. One instance serves one cell; `render` comes before everything but `describe`."""

    def describe(self) -> Description:
        """Say what the supervisor is and can do, and whether it can run here."""

    def render(self, job: Job) -> Launch:
        """Write the supervisor's native configuration into the job's directory and say how to start it."""

    def operate(self, command: str, agent: str) -> None:
        """Pass on an operator's command: start, stop, restart (an agent), shutdown (agent is empty)."""

    def claims(self) -> Mapping[str, str]:
        """The supervisor's own word on each agent, in the words of docs/subjects.md; empty when it will not say."""

    def close(self) -> None:
        """Let go of connections; the supervisor's process is not the adapter's to end."""
