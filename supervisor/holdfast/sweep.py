"""Signalling every process of a generation, and only these, however they fork meanwhile.

SIGTERM goes once to each process, with SIGCONT behind it for those that are stopped; passes repeat until one
finds nobody new. SIGKILL passes repeat, at growing intervals and whenever a child has died, until `tree` proves
the generation empty: each kills what the one before could not see. A pass that is not through after a few
milliseconds is left where it is and taken up in the loop's next turn. Whom a pass may touch is decided in `walk`.
"""

from collections.abc import Callable, Generator
from signal import SIGCONT, SIGKILL, SIGTERM, pidfd_send_signal

from holdfast import clock
from holdfast.cgroups import Cgroups
from holdfast.tree import Forest, Tree
from holdfast.walk import Member, walk

TURN_SECONDS_MAX = 0.008
"""All sweeps together give way to the rest of the loop after this long, so that many delay nobody (RST-10)."""

PASS_SECONDS_MAX = 0.004
"""One pass gives way to other sweeps after this long."""

TERM_PASSES_MAX = 8
"""A tree that still grows after so many passes is left to the kill that follows the grace."""

INTERVALS = (0.001, 0.002, 0.005, 0.010, 0.020, 0.050)
"""Seconds between kill passes; the last repeats."""

HURRY_PASSES = 200
PATIENT_INTERVAL = 1.0
"""After so many passes (10 s) what is left cannot be killed at once: no hurry any more."""


class Sweeper:
    """The signalling that is under way: at most one sweep for each generation."""

    def __init__(self, forest: Forest, cgroups: Cgroups, report: Callable[[str], None]) -> None:
        """`report` is told of processes that refuse our signals."""
        self._forest = forest
        self._cgroups = cgroups
        self._report = report
        self._sweeps: dict[Tree, _Sweep] = {}

    @property
    def next_at(self) -> float | None:
        """When `turn` wants to be called, on the monotonic clock."""
        return min((sweep.next_at for sweep in self._sweeps.values() if sweep.next_at is not None), default=None)

    def signal(self, tree: Tree, signal: int) -> None:
        """Begin a sweep, or make one sharper; the next `turn` makes its first pass."""
        sweep = self._sweeps.get(tree)
        if sweep is None:
            sweep = self._sweeps[tree] = _Sweep(tree, self._forest, self._cgroups, self._report)
        sweep.begin(signal)

    def turn(self, now: float, *, died: bool) -> None:
        """Go on with what is due; a death makes every kill due, because children may have surfaced.

        What the time does not allow stays due; who had a turn is last in the next one.
        """
        now = max(now, clock.now())  # what was begun in this turn is due as well
        due = [
            (tree, sweep)
            for tree, sweep in self._sweeps.items()
            if sweep.next_at is not None and (sweep.next_at <= now or (died and sweep.killing))
        ]
        until = now + TURN_SECONDS_MAX
        for tree, sweep in due:
            if clock.now() > until:
                sweep.next_at = now
                continue
            self._sweeps[tree] = self._sweeps.pop(tree)
            sweep.go_on()

    def end(self, tree: Tree) -> None:
        """The generation is empty."""
        self._sweeps.pop(tree, None)


class _Sweep:
    """The signalling of one generation."""

    def __init__(self, tree: Tree, forest: Forest, cgroups: Cgroups, report: Callable[[str], None]) -> None:
        self.next_at: float | None = None
        self.killing = False
        self._tree = tree
        self._forest = forest
        self._cgroups = cgroups
        self._report = report
        self._under_way: Generator[Member, None, None] | None = None
        self._told: set[tuple[int, int]] = set()
        self._refused: set[int] = set()
        self._new = 0
        self._passes = 0

    def begin(self, signal: int) -> None:
        """Sweep with SIGTERM or SIGKILL from now on; never back from the second to the first."""
        if signal == SIGKILL and not self.killing:
            self.killing = True
            self._under_way = None
        if self._under_way is None:
            self._passes = 0
        self.next_at = clock.now()

    def go_on(self) -> None:
        """Begin a pass or take it up again, and say when more is to be done."""
        try:
            complete = self._go_through()
        except OSError as error:  # out of descriptors or memory for a moment: the next pass may have them
            self._under_way = None
            complete, self._new = True, 1
            self._refuse(0, f"{self._tree.agent}: cannot look for all of its processes: {error.strerror}")
            if self._tree.leader_lives:  # its pidfd has been held from the beginning
                self._tell(Member(self._tree.leader, self._tree.pidfd, self._tree.born))
        if not complete:
            self.next_at = clock.now()
            return
        self._passes += 1
        if self.killing:
            self.next_at = clock.now() + self._interval()
        elif self._new and self._passes < TERM_PASSES_MAX:
            self.next_at = clock.now()
        else:
            self.next_at = None

    def _interval(self) -> float:
        if self._passes > HURRY_PASSES:
            return PATIENT_INTERVAL
        return INTERVALS[min(self._passes, len(INTERVALS)) - 1]

    def _go_through(self) -> bool:
        """Signal everybody who can be seen; False when the time was up before the end."""
        stop_at = clock.now() + PASS_SECONDS_MAX
        if self._under_way is None:
            self._new = 0
            if self.killing:
                self._cgroups.kill(self._tree.agent)
            self._under_way = walk(self._forest, self._tree)
        for member in self._under_way:
            self._tell(member)
            if clock.now() > stop_at:
                return False
        self._under_way = None
        return True

    def _tell(self, member: Member) -> None:
        if self.killing:
            self._send(member, SIGKILL)
        elif (identity := self._identity(member)) not in self._told:
            self._told.add(identity)
            self._new += 1
            self._send(member, SIGTERM)
            self._send(member, SIGCONT)

    def _identity(self, member: Member) -> tuple[int, int]:
        """A number and its start name a process; the leader's number is its own until it is reaped."""
        is_leader = self._tree.leader_lives and member.pid == self._tree.leader
        return member.pid, self._tree.born if is_leader else member.started

    def _send(self, member: Member, signal: int) -> None:
        try:
            pidfd_send_signal(member.pidfd, signal)
        except ProcessLookupError:
            pass
        except PermissionError:
            self._refuse(member.pid, f"{self._tree.agent}: may not signal its process {member.pid} of another user")

    def _refuse(self, pid: int, text: str) -> None:
        """Say once for each process what hinders us."""
        if pid not in self._refused:
            self._refused.add(pid)
            self._report(text)
