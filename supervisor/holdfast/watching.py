"""Making the watch that each agent's settings ask for."""

from contextlib import ExitStack
from functools import partial
from selectors import BaseSelector

from holdfast.journal import Journal
from holdfast.notify import NotifySocket, SocketDirectory
from holdfast.output import Outlet, without_waiting
from holdfast.settings import AgentSettings, BeatSource
from holdfast.tree import Forest
from holdfast.watch import FileWatch, NotifyWatch, OutputWatch, Watch, Watches

_STDOUT = 1


class WatchMaker:
    """What watches are made of, and the order in which it is given back."""

    def __init__(
        self, forest: Forest, selector: BaseSelector, sockets: SocketDirectory, journal: Journal, stack: ExitStack
    ) -> None:
        self._forest = forest
        self._selector = selector
        self._sockets = sockets
        self._journal = journal
        self._stack = stack

    def make(self, agents: tuple[AgentSettings, ...]) -> tuple[dict[str, Watch], Watches]:
        """A watch for every agent with a heartbeat, by name and all together; raises OSError."""
        together = Watches()
        by_agent: dict[str, Watch] = {}
        for number, agent in enumerate(agents):
            watch = self._watch(agent, number)
            if watch is not None:
                by_agent[agent.name] = watch
                together.add(watch)
        return by_agent, together

    def _watch(self, agent: AgentSettings, number: int) -> Watch | None:
        heartbeat, policy = agent.heartbeat, agent.policy.heartbeat
        if heartbeat is None or policy is None:
            return None
        is_member = partial(self._is_member, agent.name)
        match heartbeat.source:
            case BeatSource.FILE:
                return FileWatch(agent.name, policy, heartbeat.path, heartbeat.format, is_member)
            case BeatSource.NOTIFY:
                path = self._sockets.path(f"notify-{number}.sock", for_others=bool(agent.user))
                socket = NotifySocket(path, policy.timeout, _owner(agent.user))
                watch = NotifyWatch(agent.name, policy, socket, self._selector, is_member, self._ready)
                self._stack.callback(watch.close)
                return watch
            case BeatSource.OUTPUT:
                return OutputWatch(agent.name, policy, self._outlet(agent.log), self._selector)

    def _is_member(self, agent: str, pid: int) -> bool:
        tree = self._forest.open_tree(agent)
        try:
            return tree is not None and self._forest.contains(tree, pid)
        except OSError:  # it cannot be looked up just now: better a beat too many than a healthy agent killed
            return True

    def _ready(self, agent: str, generation: int) -> None:
        self._journal.note("ready", agent=agent, generation=generation)

    def _outlet(self, log: str) -> Outlet:
        if log == "null":
            return Outlet(-1)
        # a file is opened at the first start: what is wrong with it is that agent's crash alone
        outlet = Outlet(without_waiting(_STDOUT)) if log == "inherit" else Outlet(-1, log)
        self._stack.callback(outlet.close)
        return outlet


def _owner(user: str) -> int | None:
    """The user who must be able to write to the socket; None for our own, or for one who does not exist."""
    if not user:
        return None
    from holdfast.otheruser import account

    try:
        return account(user).uid
    except LookupError:
        return None  # the start says so
