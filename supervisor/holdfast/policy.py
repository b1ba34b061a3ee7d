"""What is wanted of an agent and of the fleet: frozen numbers and the little arithmetic that belongs to them.

No file is read here (`config` does that) and nothing is decided here (`agent` and `fleet` do). All times are
seconds as floats.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from signal import SIGTERM


class Restart(StrEnum):
    """Which ends of an agent are followed by a new start (RST-2)."""

    ON_FAILURE = "on-failure"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before the n-th restart in a row (RST-4).

    `delays` are taken in order; after the last one, each further wait is the one before times `multiplier`, at
    most `maximum`. A plain list, its last entry repeating, is `multiplier = 1`; an exponential one is a single
    delay with a multiplier. `jitter` adds up to that fraction of the delay: never less than the delay itself.
    """

    delays: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0)
    multiplier: float = 1.0
    maximum: float = 300.0
    jitter: float = 0.0

    def delay(self, crashes: int, random: Random | None) -> float:
        """Seconds to wait after the `crashes`-th crash in a row, counted from 1; `random` is only for jitter."""
        step = min(crashes, len(self.delays))
        wait = self.delays[step - 1]
        if self.multiplier > 1.0 and wait > 0.0:
            for _ in range(crashes - step):
                wait = min(wait * self.multiplier, self.maximum)
                if wait == self.maximum:
                    break
        return wait * (1.0 + self.jitter * random.random()) if random else wait


@dataclass(frozen=True, slots=True)
class HeartbeatPolicy:
    """How long silence may last (HB-2, HB-3). Where beats come from is the shell's business."""

    timeout: float = 90.0
    startup_grace: float = 90.0


@dataclass(frozen=True, slots=True)
class AgentPolicy:
    """What is wanted of one agent.

    `max_restarts` None means that the count alone never gives up; `burst` and `window` are the rate limit
    beside it (RST-7): their defaults catch a crash every six minutes, which a `stable_after` of five would
    forgive for ever, and leave one every ten minutes alone. `running_after` is how long a start must have been
    seen alive before it is called running (RST-12). `after` names agents that must run before this one starts
    and that are stopped only when this one is down (STOP-3).
    """

    restart: Restart = Restart.ON_FAILURE
    clean_codes: frozenset[int] = frozenset({0, 143})
    clean_signals: frozenset[int] = frozenset({int(SIGTERM)})
    restart_codes: frozenset[int] = frozenset()
    fatal_codes: frozenset[int] = frozenset({100})
    backoff: Backoff = field(default_factory=Backoff)
    stable_after: float = 300.0
    max_restarts: int | None = 6
    burst: int | None = 20
    window: float = 7200.0
    grace: float = 10.0
    running_after: float = 1.0
    heartbeat: HeartbeatPolicy | None = None
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FleetPolicy:
    """What is wanted of all agents together.

    At most `start_burst` starts happen at one instant; further ones follow `start_spacing` apart (RST-10).
    `fatal_exit` is the supervisor's exit code when every agent is done and one of them is fatal (RST-6).
    """

    start_burst: int = 10
    start_spacing: float = 0.001
    fatal_exit: int = 100
    seed: int = 0
