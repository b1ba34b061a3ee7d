"""What the core wants done: one frozen record for each order it gives to whoever drives it.

Here live the outputs of `Fleet.handle(event, now)`, in the imperative, and nothing that acts. The loop carries
them out on real processes, the simulation on simulated ones; replay only compares them.
"""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What an agent is doing, in supervisord's words; `waiting` is ours."""

    STOPPED = "stopped"
    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    BACKOFF = "backoff"
    STOPPING = "stopping"
    EXITED = "exited"
    FATAL = "fatal"


class ExitReason(StrEnum):
    """Why a generation ended, as the supervisor sees it."""

    EXITED = "exited"
    SIGNALLED = "signalled"
    HUNG = "hung"
    SPAWN_FAILED = "spawn_failed"
    REQUESTED = "requested"


class Level(StrEnum):
    """How loud an alert is."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Spawn:
    """Start the command of this generation; answer with `Spawned` or `SpawnFailed`."""

    agent: str
    generation: int


@dataclass(frozen=True, slots=True)
class SignalTree:
    """Send `signal` to every process of the generation.

    SIGTERM goes once to each process that has not had it, and SIGCONT with it, so that a stopped one can hear
    it (STOP-1). SIGKILL goes on until nothing lives, children born meanwhile included (STOP-2); `TreeEmptied`,
    or `Exited` with its proof, says when.
    """

    agent: str
    generation: int
    signal: int


@dataclass(frozen=True, slots=True)
class StateChanged:
    """An agent went from one state to another; `reason` says why in one word or `word: detail`."""

    agent: str
    generation: int
    old: State
    new: State
    reason: str


@dataclass(frozen=True, slots=True)
class Alert:
    """A person should know; `what` is a stable word, `text` a sentence."""

    level: Level
    agent: str
    what: str
    text: str


@dataclass(frozen=True, slots=True)
class Finish:
    """Every agent is done: end the supervisor with this exit code (RST-6)."""

    code: int


Effect = Spawn | SignalTree | StateChanged | Alert | Finish
