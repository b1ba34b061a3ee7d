"""One agent's life, decided: events and the time go in, effects and one deadline come out.

Theory of operation. A *generation* is one start of the agent: a first process (the leader) and everything that
descends from it. A generation is *alive* while its leader lives and *empty* once nothing of it lives; the shell
proves the latter. Six rules hold in every state, and the laws under `tests/laws` try to break them:

1. A generation starts only when the one before it is empty (RST-11).
2. `stopped`, `exited` and `fatal` are said only of an empty generation (STOP-2).
3. Whatever is asked to end is sent SIGTERM, then, after `grace`, SIGKILL, until it is empty (STOP-1).
4. What a crashed leader leaves behind has until its replacement is due, at most `grace`; then it is killed, so
   that leftovers never hold up a restart for longer than the kill itself takes.
5. A start that nobody asked for follows a crash only, never before its back-off, and is counted (RST-4 to 7).
6. News of an earlier generation changes nothing.

No clock is read here: `now` is the caller's monotonic time in seconds, the same for all calls.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from random import Random
from signal import SIGKILL, SIGTERM, Signals
from typing import assert_never

from holdfast.effects import Alert, Effect, ExitReason, Level, SignalTree, Spawn, State, StateChanged
from holdfast.events import (
    AgentEvent,
    BeatRejected,
    BeatSeen,
    DeadlineReached,
    Exited,
    RestartRequested,
    Spawned,
    SpawnFailed,
    StartRequested,
    StopRequested,
    TreeEmptied,
    Woke,
)
from holdfast.policy import AgentPolicy, Restart

FINAL = frozenset({State.STOPPED, State.EXITED, State.FATAL})
"""States in which nothing of the agent lives and nothing will start by itself."""

UP = frozenset({State.STARTING, State.RUNNING})
"""States in which the agent is meant to be alive."""

KILL_AGAIN_SECONDS = 1.0
"""SIGKILL is ordered again this often; the shell's own sweep is much faster, this is the backstop."""

UNKILLABLE_AFTER_KILLS = 5
"""So many orders without an empty tree are reported: a process in uninterruptible sleep, most likely."""

LATE_SECONDS = 0.25
LATE_FRACTION = 0.05
"""Lateness of the loop that may have hidden beats: more than both of these, the second of the timeout (HB-6)."""


class Then(Enum):
    """What follows once a generation that is being ended is empty."""

    STOPPED = auto()
    EXITED = auto()
    FATAL = auto()
    START = auto()
    CRASH = auto()


_FINAL_STATE = {Then.STOPPED: State.STOPPED, Then.EXITED: State.EXITED, Then.FATAL: State.FATAL}


@dataclass(frozen=True, slots=True)
class AgentView:
    """What can be said of an agent at this moment; times are those of the caller's clock."""

    name: str
    state: State
    generation: int
    pid: int
    crashes: int
    reason: str
    since: float
    restart_at: float | None
    beats: int
    beats_rejected: int


class Agent:
    """The decisions for one agent. `due` asks the fleet for a start; `start` is its answer."""

    def __init__(self, name: str, policy: AgentPolicy, seed: str) -> None:
        """`seed` is this agent's own stream of chance: the order of other agents' crashes changes nothing in it."""
        self.name = name
        self.policy = policy
        self.state = State.STOPPED
        self.due = False
        self._random = Random(seed) if policy.backoff.jitter else None  # 2.5 KB that few need
        self._generation = 0
        self._pid = 0
        self._alive = False
        self._spawning = False
        self._empty = True
        self._crashes = 0
        self._starts: deque[float] = deque(maxlen=policy.burst)
        self._then = Then.STOPPED
        self._cause = ExitReason.REQUESTED
        self._reason = ""
        self._final_reason = ""
        self._since = 0.0
        self._started_at = 0.0
        self._sign_at = 0.0
        self._beaten = False
        self._forgiven = False
        self._beats = 0
        self._beats_rejected = 0
        self._restart_at: float | None = None
        self._kill_at: float | None = None
        self._kills = 0
        self._out: list[Effect] = []

    # What others may see -------------------------------------------------------------------------------------

    def view(self) -> AgentView:
        """A snapshot for status, metrics and tests."""
        return AgentView(
            self.name,
            self.state,
            self._generation,
            self._pid,
            self._crashes,
            self._reason,
            self._since,
            self._restart_at if self.state is State.BACKOFF else None,
            self._beats,
            self._beats_rejected,
        )

    def is_new(self) -> bool:
        """It has never been started."""
        return self._generation == 0

    @property
    def settled(self) -> bool:
        """Nothing lives and nothing will start by itself."""
        return self.state in FINAL and not self.due

    @property
    def deadline(self) -> float | None:
        """When `DeadlineReached` has something to do here; None for never."""
        times = [None if self._spawning else self._kill_at]
        if self.state is State.BACKOFF and self._empty and not self.due:
            times.append(self._restart_at)
        if self._alive and self.state is State.STARTING:
            times.append(self._started_at + self.policy.running_after)
        if self._alive and self.state in UP:
            times.append(self._silent_until())
        return min((time for time in times if time is not None), default=None)

    # What happens --------------------------------------------------------------------------------------------

    def handle(self, event: AgentEvent | DeadlineReached | Woke, now: float) -> list[Effect]:
        """Take one event in and give the effects out, in the order in which they are to be carried out."""
        match event:
            case StartRequested():
                self._start_requested(now)
            case StopRequested():
                self._stop_requested(now)
            case RestartRequested():
                self._restart_requested(now)
            case DeadlineReached():
                self._deadline_reached(now)
            case Woke():
                self._woke(event.late_by, now)
            case _:
                if event.generation == self._generation:  # rule 6
                    self._news(event, now)
        out, self._out = self._out, []
        return out

    def start(self, now: float) -> list[Effect]:
        """The fleet grants the start that `due` asked for."""
        self.due = False
        self._generation += 1
        self._spawning = True
        self._empty = False
        self._kills = 0
        if self._starts.maxlen is not None:
            self._starts.append(now)
        self._change(State.STARTING, f"generation {self._generation}", now)
        self._out.append(Spawn(self.name, self._generation))
        out, self._out = self._out, []
        return out

    def wait(self, reason: str, now: float) -> list[Effect]:
        """The fleet cannot grant the start yet."""
        self._change(State.WAITING, reason, now)
        out, self._out = self._out, []
        return out

    def refuse(self, reason: str, now: float) -> list[Effect]:
        """The fleet will never grant the start: something this agent needs has failed."""
        self.due = False
        self._alert(Level.CRITICAL, "dependency", f"{self.name} cannot start: {reason}")
        self._change(State.FATAL, f"dependency: {reason}", now)
        out, self._out = self._out, []
        return out

    def kill(self, now: float) -> list[Effect]:
        """End it at once, without grace (STOP-3, the second signal)."""
        self._stop_requested(now)
        if self.state is State.STOPPING:
            self._kill_at = now
            if not self._spawning:
                self._kill_when_due(now)
        out, self._out = self._out, []
        return out

    def _news(self, event: Spawned | SpawnFailed | Exited | TreeEmptied | BeatSeen | BeatRejected, now: float) -> None:
        match event:
            case Spawned():
                self._spawned(event.pid, now)
            case SpawnFailed():
                self._spawn_failed(event.message, now)
            case Exited():
                self._exited(event, now)
            case TreeEmptied():
                self._tree_emptied(now)
            case BeatSeen():
                self._beat_seen(now)
            case BeatRejected():
                self._beats_rejected += 1
            case _:
                assert_never(event)

    # Operators -----------------------------------------------------------------------------------------------

    def _start_requested(self, now: float) -> None:
        match self.state:
            case State.STOPPED | State.EXITED | State.FATAL:
                self._forget()
                self.due = True
            case State.BACKOFF:
                self._forget()
                self._restart_at = now
                if not self._empty:
                    self._kill_at = now
                self._deadline_reached(now)
            case State.STOPPING:
                self._forget()
                self._then = Then.START
            case State.WAITING | State.STARTING | State.RUNNING:
                pass
            case _:
                assert_never(self.state)

    def _stop_requested(self, now: float) -> None:
        match self.state:
            case State.STARTING | State.RUNNING:
                self._end(ExitReason.REQUESTED, Then.STOPPED, "stop requested", now)
            case State.WAITING:
                self.due = False
                self._change(State.STOPPED, "stop requested", now)
            case State.BACKOFF | State.STOPPING:
                self.due = False
                if self.state is State.BACKOFF or self._then in (Then.START, Then.CRASH):
                    self._then = Then.STOPPED
                    self._final_reason = "stop requested"
                if not self._empty:
                    self._change(State.STOPPING, "stop requested", now)
                self._settle(now)
            case State.STOPPED | State.EXITED | State.FATAL:
                self.due = False
            case _:
                assert_never(self.state)

    def _restart_requested(self, now: float) -> None:
        if self.state in UP:
            self._starts.clear()  # a start that was asked for is not one too many
            self._end(ExitReason.REQUESTED, Then.START, "restart requested", now)
        else:
            self._start_requested(now)

    def _forget(self) -> None:
        """An operator's start begins with clean counters (RST-9)."""
        self._crashes = 0
        self._starts.clear()

    # News of the current generation --------------------------------------------------------------------------

    def _spawned(self, pid: int, now: float) -> None:
        self._spawning = False
        self._alive = True
        self._pid = pid
        self._started_at = self._sign_at = now
        self._beaten = self._forgiven = False
        if self.state is State.STOPPING:  # asked for while the start was under way
            self._signal(SIGTERM)
            self._kill_at = now if self._kill_at is not None else now + self.policy.grace

    def _spawn_failed(self, message: str, now: float) -> None:
        self._spawning = False
        self._empty = True
        self._kill_at = None
        if self.state is State.STOPPING:
            self._settle(now)
        else:
            self._crash(ExitReason.SPAWN_FAILED, message, 0.0, now)

    def _exited(self, event: Exited, now: float) -> None:
        self._alive = False
        self._pid = 0
        self._empty = event.tree_empty
        if self._empty:
            self._kill_at = None
        if self.state in UP:
            self._ended(event.code, event.signal, now)
        elif self._then is Then.CRASH:
            healthy = (self._sign_at if self._cause is ExitReason.HUNG else now) - self._started_at
            self._crash(self._cause, _ending(event.code, event.signal), healthy, now)
        else:
            if not self._empty and not self._kills:
                self._signal(SIGTERM)  # for whoever was born since the first one
            self._settle(now)

    def _tree_emptied(self, now: float) -> None:
        if self._alive or self._spawning:
            return
        self._empty = True
        self._kill_at = None
        if self.state is State.STOPPING:
            self._settle(now)
        elif self.state is State.BACKOFF:
            self._deadline_reached(now)

    def _beat_seen(self, now: float) -> None:
        self._beats += 1
        if self._alive and self.state in UP:
            self._sign_at = now
            self._beaten = True
            self._forgiven = False

    # Time ----------------------------------------------------------------------------------------------------

    def _deadline_reached(self, now: float) -> None:
        if self._alive and self.state is State.STARTING and now >= self._started_at + self.policy.running_after:
            self._change(State.RUNNING, f"alive for {self.policy.running_after:g} s", now)
        until = self._silent_until()
        if self._alive and self.state in UP and until is not None and now >= until:
            self._hung(now)
        self._kill_when_due(now)
        if self.state is State.BACKOFF and self._empty and self._restart_at is not None and now >= self._restart_at:
            self.due = True

    def _silent_until(self) -> float | None:
        """When silence becomes a hang; before the first beat of this start, the start-up grace counts (HB-3)."""
        heartbeat = self.policy.heartbeat
        if heartbeat is None:
            return None
        return self._sign_at + (heartbeat.timeout if self._beaten else heartbeat.startup_grace)

    def _hung(self, now: float) -> None:
        silence = f"no beat for {now - self._sign_at:.3g} s"
        self._alert(Level.WARNING, "hung", f"{self.name}: {silence}")
        self._end(ExitReason.HUNG, Then.CRASH, f"hung: {silence}", now)

    def _woke(self, late_by: float, now: float) -> None:
        """The loop slept too long to have seen every beat: one fresh timeout, then only the time lost (HB-6)."""
        heartbeat = self.policy.heartbeat
        if heartbeat is None or not self._alive or self.state not in UP:
            return
        if late_by <= max(LATE_SECONDS, LATE_FRACTION * heartbeat.timeout):
            return
        self._sign_at = min(now, self._sign_at + late_by) if self._forgiven else now
        self._forgiven = True

    def _kill_when_due(self, now: float) -> None:
        if self._kill_at is None or now < self._kill_at or self._empty or self._spawning:
            return
        self._signal(SIGKILL)
        self._kills += 1
        self._kill_at = now + KILL_AGAIN_SECONDS
        if self._kills == UNKILLABLE_AFTER_KILLS:
            self._alert(Level.CRITICAL, "unkillable", f"{self.name}: processes survive SIGKILL")

    # Endings -------------------------------------------------------------------------------------------------

    def _end(self, cause: ExitReason, then: Then, reason: str, now: float) -> None:
        """Begin to end a generation whose leader lives, or is about to."""
        self._cause = cause
        self._then = then
        self._final_reason = reason
        self._change(State.STOPPING, reason, now)
        if not self._spawning:
            self._signal(SIGTERM)
            self._kill_at = now + self.policy.grace

    def _ended(self, code: int | None, signal: int | None, now: float) -> None:
        """The leader ended by itself: sort it into fatal, clean and crash (RST-1 to RST-3)."""
        policy = self.policy
        ending = _ending(code, signal)
        if code in policy.fatal_codes:
            self._alert(Level.CRITICAL, "fatal", f"{self.name} ended with {ending}: not restarted")
            self._finish(Then.FATAL, f"fatal code: {ending}", now)
        elif self._is_clean(code, signal):
            if policy.restart is Restart.ALWAYS:
                self._restart(ending, now)
            else:
                self._finish(Then.EXITED, ending, now)
        else:
            cause = ExitReason.SIGNALLED if code is None else ExitReason.EXITED
            self._crash(cause, ending, now - self._started_at, now)

    def _is_clean(self, code: int | None, signal: int | None) -> bool:
        if code is None:
            return signal in self.policy.clean_signals
        return code in self.policy.clean_codes and code not in self.policy.restart_codes

    def _crash(self, cause: ExitReason, detail: str, healthy: float, now: float) -> None:
        """Count it, and back off or give up (RST-4 to RST-7); `healthy` is how long the run was well, in seconds.

        A hung run was well until its last sign of life: were its silence counted, a timeout longer than
        `stable_after` would forgive every hang.
        """
        if healthy > self.policy.stable_after:
            self._crashes = 0
        self._crashes += 1
        limit = self.policy.max_restarts
        reason = f"{cause}: {detail}"
        if self.policy.restart is Restart.NEVER:
            self._finish(Then.FATAL, f"not restarted: {reason}", now)
        elif limit is not None and self._crashes > limit:
            self._give_up(f"{self._crashes} crashes in a row, {limit} restarts allowed; last: {reason}", now)
        else:
            self._restart(reason, now)

    def _restart(self, reason: str, now: float) -> None:
        """Wait for the back-off and for the tree to be empty, whichever is later; too often is give-up (RST-7)."""
        delay = self.policy.backoff.delay(max(self._crashes, 1), self._random)
        if self._too_often(now + delay):
            self._give_up(f"more than {self.policy.burst} starts in {self.policy.window:g} s; last: {reason}", now)
            return
        self._restart_at = now + delay
        self._change(State.BACKOFF, reason, now)
        self._sweep(min(self.policy.grace, delay), now)
        if self._empty and delay <= 0.0:
            self.due = True

    def _too_often(self, start_at: float) -> bool:
        starts = self._starts
        return len(starts) == starts.maxlen and start_at - starts[0] < self.policy.window

    def _give_up(self, why: str, now: float) -> None:
        self._alert(Level.CRITICAL, "gave_up", f"{self.name}: {why}")
        self._finish(Then.FATAL, f"gave_up: {why}", now)

    def _finish(self, then: Then, reason: str, now: float) -> None:
        """The agent is over; say so once nothing of it lives (rule 2)."""
        self._then = then
        self._final_reason = reason
        if not self._empty:
            self._change(State.STOPPING, reason, now)
            self._sweep(self.policy.grace, now)
        self._settle(now)

    def _sweep(self, patience: float, now: float) -> None:
        """End what a dead leader left behind: SIGTERM now, SIGKILL after `patience` seconds (rule 4)."""
        if self._empty or self._kills:
            return
        kill_at = now + patience
        self._kill_at = kill_at if self._kill_at is None else min(kill_at, self._kill_at)
        if self._kill_at > now:
            self._signal(SIGTERM)
        else:
            self._kill_when_due(now)

    def _settle(self, now: float) -> None:
        """Take up what was to follow, if the generation is empty."""
        if not self._empty:
            return
        self._kill_at = None
        if self._then is Then.START:
            self.due = True
        else:
            assert self._then is not Then.CRASH, "a crash is settled where it is noticed"
            self._change(_FINAL_STATE[self._then], self._final_reason, now)

    # Saying so -----------------------------------------------------------------------------------------------

    def _change(self, new: State, reason: str, now: float) -> None:
        if new is self.state:
            self._reason = reason
            return
        self._out.append(StateChanged(self.name, self._generation, self.state, new, reason))
        self.state = new
        self._reason = reason
        self._since = now

    def _signal(self, signal: int) -> None:
        self._out.append(SignalTree(self.name, self._generation, int(signal)))

    def _alert(self, level: Level, what: str, text: str) -> None:
        self._out.append(Alert(level, self.name, what, text))


def _ending(code: int | None, signal: int | None) -> str:
    """ "exit 3" or "signal SIGSEGV"."""
    if code is not None:
        return f"exit {code}"
    if signal is None:
        return "an unknown ending"
    try:
        return f"signal {Signals(signal).name}"
    except ValueError:
        return f"signal {signal}"
