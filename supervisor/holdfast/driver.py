"""Carrying out what the core wants on real processes, and telling it what became of them.

Between the core and the kernel: agents are started, watched, signalled and buried here, with the help of
`process`, `tree`, `sweep`, `cgroups` and `watch`. When any of this happens is the business of `loop`; whether it
should happen was decided in the core.
"""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator
from selectors import EVENT_READ, BaseSelector
from signal import SIGKILL
from typing import NamedTuple

from holdfast import clock
from holdfast.brand import Brands
from holdfast.cgroups import JOIN_AFTER_SECONDS, Cgroups
from holdfast.effects import SignalTree, Spawn
from holdfast.events import Exited, Spawned, SpawnFailed, TreeEmptied
from holdfast.process import Launcher, StartError, Surroundings
from holdfast.settings import AgentSettings
from holdfast.sweep import Sweeper
from holdfast.tree import Forest, Tree, boot_ticks_now
from holdfast.walk import exists, walk
from holdfast.watch import Watch

_JOIN_PASSES_MAX = 5


class _Joining(NamedTuple):
    """A generation on its way into its control group."""

    at: float
    tree: Tree
    steps: Generator[str, None, None]


class Driver:
    """All agents of a supervisor, as processes."""

    def __init__(
        self,
        agents: tuple[AgentSettings, ...],
        watches: dict[str, Watch],
        forest: Forest,
        cgroups: Cgroups,
        selector: BaseSelector,
        on_death: Callable[[], None],
        report: Callable[[str], None],
    ) -> None:
        """`on_death` is called by the selector when a leader has died; `report` is told what a person should know."""
        self._surroundings = Surroundings(os.environ, len(agents))
        self._brands = Brands()
        self._launchers = {agent.name: Launcher(agent, self._surroundings) for agent in agents}
        self._watches = watches
        self._forest = forest
        self._cgroups = cgroups
        self._selector = selector
        self._on_death = on_death
        self._report = report
        self._sweeper = Sweeper(forest, cgroups, report)
        self._left: dict[Tree, None] = {}
        self._joining: deque[_Joining] = deque()
        self._done_with: list[int] = []

    def close(self) -> None:
        """Give the descriptors back."""
        self.tidy()
        self._surroundings.close()

    @property
    def next_at(self) -> float | None:
        """When `sweep` or `join` wants to be called, on the monotonic clock."""
        sweep_at = self._sweeper.next_at
        join_at = self._joining[0].at if self._joining else None
        if sweep_at is None or join_at is None:
            return join_at if sweep_at is None else sweep_at
        return min(sweep_at, join_at)

    # Starting ------------------------------------------------------------------------------------------------

    def spawn(self, wanted: Spawn) -> Spawned | SpawnFailed:
        """Start a generation."""
        watch = self._watches.get(wanted.agent)
        try:
            output = watch.begin(wanted.generation) if watch else None
            tree = self._start(wanted, watch.environment if watch else {}, output)
        except StartError as error:
            return self._failed(wanted, watch, str(error))
        except OSError as error:
            return self._failed(
                wanted, watch, f"{error.filename or wanted.agent}: {error.strerror} while preparing its start"
            )
        if watch:
            watch.started()
        return Spawned(wanted.agent, wanted.generation, tree.leader)

    def _start(self, wanted: Spawn, environment: dict[str, str], output: int | None) -> Tree:
        born = boot_ticks_now()
        brand = self._brands.put_on()
        try:
            pid = self._launchers[wanted.agent].start(wanted.generation, environment, output)
        finally:
            self._brands.take_off()
        try:
            tree = self._planted(wanted, pid, born, brand)
        except OSError:  # no descriptor for its pidfd: what cannot be watched must not run
            os.kill(pid, SIGKILL)
            os.waitpid(pid, 0)
            raise
        if self._cgroups.base:
            self._joining.append(_Joining(clock.now() + JOIN_AFTER_SECONDS, tree, self._join(tree)))
        return tree

    def _planted(self, wanted: Spawn, pid: int, born: int, brand: int) -> Tree:
        tree = self._forest.plant(wanted.agent, wanted.generation, pid, born, brand)
        try:
            self._selector.register(tree.pidfd, EVENT_READ, self._on_death)
        except OSError:
            os.close(tree.pidfd)
            self._forest.give_up(tree)
            raise
        return tree

    def _failed(self, wanted: Spawn, watch: Watch | None, why: str) -> SpawnFailed:
        if watch:
            watch.end()
        return SpawnFailed(wanted.agent, wanted.generation, why)

    # Ending --------------------------------------------------------------------------------------------------

    def signal(self, wanted: SignalTree) -> None:
        """Signal everything of a generation; one that is over already is passed over."""
        tree = self._forest.open_tree(wanted.agent)
        if tree is not None and tree.generation == wanted.generation:
            self._sweeper.signal(tree, wanted.signal)

    def sweep(self, now: float, *, died: bool) -> None:
        """Go on with signalling that is under way."""
        self._sweeper.turn(now, died=died)

    def reap(self) -> Iterator[Exited]:
        """Reap everybody who has died; the ends of leaders are handed out, each with its proof or without."""
        more = True
        while more:
            leaders, more = self._forest.reap()
            proven = self._forest.empty_among([tree for tree, _ in leaders])
            for tree, death in leaders:
                self._done_with.append(tree.pidfd)
                empty = tree in proven
                if empty:
                    self._bury(tree)
                else:
                    self._left[tree] = None
                yield Exited(tree.agent, tree.generation, death.code, death.signal, empty)

    def emptied(self) -> Iterator[TreeEmptied]:
        """Generations without a leader of which nothing lives any more."""
        if not self._left:
            return
        for tree in self._forest.empty_among(self._left.keys()):
            del self._left[tree]
            self._bury(tree)
            yield TreeEmptied(tree.agent, tree.generation)

    def tidy(self) -> None:
        """Close what belonged to dead leaders: not urgent, so not done on the way to the next start."""
        for pidfd in self._done_with:
            self._selector.unregister(pidfd)
            os.close(pidfd)
        self._done_with.clear()

    def _bury(self, tree: Tree) -> None:
        self._sweeper.end(tree)
        self._forest.uproot(tree)
        watch = self._watches.get(tree.agent)
        if watch:
            watch.end()

    # Control groups ------------------------------------------------------------------------------------------

    def join(self, now: float) -> None:
        """Put generations that have lived for a while into their groups: one process in each turn, it may take long."""
        if not self._joining or self._joining[0].at > now:
            return
        joining = self._joining[0]
        try:
            done = not joining.tree.leader_lives or next(joining.steps, "done") == "done"
        except OSError as error:
            self._report(f"{joining.tree.agent}: cannot join its control group: {error.strerror}")
            done = True
        if done:
            joining.steps.close()
            self._joining.popleft()

    def _join(self, tree: Tree) -> Generator[str, None, None]:
        """Everybody outside joins, until nobody outside is found: children of those inside are born inside."""
        for _ in range(_JOIN_PASSES_MAX):
            alone = True
            for member in walk(self._forest, tree, lambda pid: self._cgroups.agent_of(pid) != tree.agent):
                self._join_one(tree.agent, member.pid, member.pidfd)
                alone = False
                yield "joined"
            if alone:
                return

    def _join_one(self, agent: str, pid: int, pidfd: int) -> None:
        """A group is joined by number, so it is made sure afterwards that the number was still the same process's."""
        try:
            self._cgroups.join(agent, pid)
        except ProcessLookupError:
            return
        if not exists(pidfd):
            try:
                self._cgroups.expel(pid)
            except ProcessLookupError:
                pass
