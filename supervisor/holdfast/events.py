"""What the core is told: one frozen record for each thing that happened.

Here live the inputs of `Fleet.handle(event, now)`, in the past tense, and nothing that acts. What the core
answers is in `effects`. Every record that concerns one generation of an agent carries its number, so that
news of a dead generation can be told from news of the living one.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StartRequested:
    """An operator, or the beginning of a run, wants the agent up; clears the counters (RST-9)."""

    agent: str


@dataclass(frozen=True, slots=True)
class StopRequested:
    """An operator wants the agent down, from whatever state it is in (RST-9, STOP-4)."""

    agent: str


@dataclass(frozen=True, slots=True)
class RestartRequested:
    """An operator wants a new generation; not a crash (RST-9)."""

    agent: str


@dataclass(frozen=True, slots=True)
class ShutdownRequested:
    """The supervisor is to end: every agent down, dependents first; `urgent` kills at once (STOP-3)."""

    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Spawned:
    """The process of a generation exists."""

    agent: str
    generation: int
    pid: int


@dataclass(frozen=True, slots=True)
class SpawnFailed:
    """The command of a generation could not be started; `message` names the path (RST-8)."""

    agent: str
    generation: int
    message: str


@dataclass(frozen=True, slots=True)
class Exited:
    """The first process of a generation ended: by `code` or by `signal`, the other is None.

    `tree_empty` is the proof that nothing else of the generation lives; without it, a `TreeEmptied` follows
    once that has become true (RST-11).
    """

    agent: str
    generation: int
    code: int | None
    signal: int | None
    tree_empty: bool


@dataclass(frozen=True, slots=True)
class TreeEmptied:
    """The last process that a dead generation had left behind is gone, and that was seen (RST-11)."""

    agent: str
    generation: int


@dataclass(frozen=True, slots=True)
class BeatSeen:
    """A new sign of life of this generation was seen, at the time of the call (HB-4)."""

    agent: str
    generation: int


@dataclass(frozen=True, slots=True)
class BeatRejected:
    """Something that is no beat was found where beats come from; counted, never a sign of life (HB-4).

    `why` is one of a small set of words: empty, truncated, unparsable, binary, frozen, foreign, unreadable.
    """

    agent: str
    generation: int
    why: str


@dataclass(frozen=True, slots=True)
class Woke:
    """The loop ran again `late_by` seconds after it had meant to: it was stopped, suspended or starved (HB-6)."""

    late_by: float


@dataclass(frozen=True, slots=True)
class DeadlineReached:
    """The time that `Fleet.deadline` named has come."""


AgentEvent = (
    StartRequested
    | StopRequested
    | RestartRequested
    | Spawned
    | SpawnFailed
    | Exited
    | TreeEmptied
    | BeatSeen
    | BeatRejected
)
Event = AgentEvent | ShutdownRequested | Woke | DeadlineReached
