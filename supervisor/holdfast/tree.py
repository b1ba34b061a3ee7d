"""Who belongs to which generation, and the proof that nothing of one lives. Nobody is signalled here.

The supervisor is a subreaper (PR_SET_CHILD_SUBREAPER): whatever an agent starts stays below the supervisor, and
when a process dies its children become the supervisor's own. So a generation is its leader, the *orphans* it
has left to the supervisor, and everything below these.

*Proof of emptiness.* The kernel hands a dying process's children on before it can be reaped. Once the leader is
reaped, a living rest of the generation therefore hangs below one of our own children that leads nothing. No
such child means: empty. The list of our own children is complete, because only we take from it, by reaping, and
what comes meanwhile comes at its end. One read decides; without any child at all (ECHILD) not even that.

*Whose is an orphan?* In this order: as remembered; by the number that it carries (`brand`); by its cgroup; by
the marks in its environment; by its session, which is the leader's or that of another orphan of the generation;
by elimination, when only one open generation is old enough to have borne it, or when the leaders of all that are
have died. Elimination holds only where nobody else can leave us a child: not as PID 1, and not when we were born
with children of another program.
An orphan that stays ambiguous is reported once and holds no generation up: it is judged again whenever a leader
dies, and when the last of its possible generations ends it is killed with that one.
"""

import ctypes
import os
import time
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from holdfast import procfs
from holdfast.brand import brand_of

_PR_SET_CHILD_SUBREAPER = 36
_DEPTH_MAX = 1000
_REAPED_AT_ONCE_MAX = 1000
"""After so many deaths the leaders among them are told; a storm of dying orphans must not hold that up."""


class Death(NamedTuple):
    """A child that was reaped: it ended by `code` or by `signal`, the other is None."""

    pid: int
    code: int | None
    signal: int | None


class Tree:
    """One generation of an agent, as processes."""

    __slots__ = ("agent", "born", "brand", "generation", "leader", "leader_lives", "pidfd")

    def __init__(self, agent: str, generation: int, leader: int, pidfd: int, born: int, brand: int) -> None:
        self.agent = agent
        self.generation = generation
        self.leader = leader
        self.leader_lives = True
        self.pidfd = pidfd
        self.born = born
        """Boot ticks shortly before the leader was started: nothing older is of this generation."""
        self.brand = brand
        """The number that all of it carry; 0 for none."""


class Forest:
    """All open generations: one of each agent at most, because the next starts only when one is empty."""

    def __init__(self, group_of: Callable[[int], str | None], report: Callable[[str], None]) -> None:
        """`group_of` names the agent in whose cgroup a process is; `report` is told what a person should know."""
        become_subreaper()
        self._group_of = group_of
        self._report = report
        self._self = os.getpid()
        self._list = _open_children_list(self._self)
        self._leaders: dict[int, Tree] = {}
        self._open: dict[str, Tree] = {}
        self._owners: dict[int, Tree] = {}
        self._ambiguous: set[int] = set()
        self._childless = False
        self._strangers = set(self._children())
        self._may_eliminate = self._self != 1 and not self._strangers

    def close(self) -> None:
        """Give the descriptors back."""
        if self._list >= 0:
            os.close(self._list)

    # Generations ---------------------------------------------------------------------------------------------

    def plant(self, agent: str, generation: int, leader: int, born: int, brand: int = 0) -> Tree:
        """Take a freshly started leader in; its pidfd is the caller's to close.

        Raises OSError when no descriptor can be had for it.
        """
        self._childless = False
        tree = Tree(agent, generation, leader, os.pidfd_open(leader), born, brand)
        self._leaders[leader] = tree
        self._open[agent] = tree
        return tree

    def give_up(self, tree: Tree) -> None:
        """Forget a generation whose leader could not be watched; the leader is the caller's to end."""
        del self._leaders[tree.leader]
        del self._open[tree.agent]

    def uproot(self, tree: Tree) -> None:
        """Forget a generation that is empty."""
        self._open.pop(tree.agent, None)
        self._owners = {pid: owner for pid, owner in self._owners.items() if owner is not tree}

    def open_tree(self, agent: str) -> Tree | None:
        """The generation of an agent that is not over, if there is one."""
        return self._open.get(agent)

    def trees(self) -> list[Tree]:
        """All open generations."""
        return list(self._open.values())

    # Deaths --------------------------------------------------------------------------------------------------

    def reap(self) -> tuple[list[tuple[Tree, Death]], bool]:
        """Reap whoever has died: the leaders among them, and whether more may be waiting."""
        leaders: list[tuple[Tree, Death]] = []
        for _ in range(_REAPED_AT_ONCE_MAX):
            death = _reap_one()
            if death is None:
                return leaders, False
            if death.pid == 0:
                self._childless = True
                return leaders, False
            tree = self._leaders.pop(death.pid, None)
            if tree is not None:
                tree.leader_lives = False
                leaders.append((tree, death))
            else:
                self._forget(death.pid)
        return leaders, True

    def _forget(self, pid: int) -> None:
        self._owners.pop(pid, None)
        self._ambiguous.discard(pid)
        self._strangers.discard(pid)

    def is_empty(self, tree: Tree) -> bool:
        """Whether it is proven that nothing of the generation lives; see the top of this file."""
        return tree in self.empty_among([tree])

    def empty_among(self, trees: Collection[Tree]) -> list[Tree]:
        """Those of the generations of which that is proven, all by one look: many may end in the same moment."""
        ended = [tree for tree in trees if not tree.leader_lives]
        if not ended or self._childless:
            return ended
        try:
            occupied = {owner for owner, _ in self._orphans()}
        except OSError:
            return []  # not seen is not proven; asked again at the next sweep
        return [tree for tree in ended if tree not in occupied]

    # Belonging -----------------------------------------------------------------------------------------------

    def roots(self, tree: Tree) -> Iterator[int]:
        """Our own children that belong to the generation and live: all else of it is below them."""
        if tree.leader_lives:
            yield tree.leader
        if not self._childless:
            yield from [pid for owner, pid in self._orphans() if owner is tree]

    def everything_left(self) -> list[int]:
        """Living children of ours that agents have left or are; what others may have left us is not touched."""
        if self._childless:
            return []
        leaders = [tree.leader for tree in self._leaders.values()]
        owned = [pid for _, pid in self._orphans()]
        return leaders + owned + (list(self._ambiguous) if self._may_eliminate else [])

    def is_root(self, tree: Tree, status: procfs.Status) -> bool:
        """Whether a child of ours is of the generation: its number may be another one's since it was listed."""
        leads = self._leaders.get(status.pid)
        if leads is not None or status.pid in self._strangers:
            return leads is tree
        return self._owner(status) is tree or (tree, status.pid) in self._orphans()

    def contains(self, tree: Tree, pid: int) -> bool:
        """Whether a process is of the generation, or already gone, which leaves it the benefit of the doubt."""
        for _ in range(_DEPTH_MAX):
            if pid == tree.leader:
                return True
            status = procfs.status(pid)
            if status is None:
                return True
            if status.parent == self._self:
                return self.is_root(tree, status)
            if status.parent <= 1:
                return False
            pid = status.parent
        return False

    def _orphans(self) -> list[tuple[Tree, int]]:
        """Children of ours that lead nothing, with the generation each belongs to.

        A zombie counts until it is reaped: its other threads may still be running. Who is known is not looked at
        again, or a thousand leftovers would cost a thousand looks in every turn.
        """
        found: list[tuple[Tree, int]] = []
        strange: list[int] = []
        for pid in self._children():
            if pid in self._owners:
                found.append((self._owners[pid], pid))
            elif pid not in self._leaders and pid not in self._strangers:
                strange.append(pid)
        if not strange:
            return found
        unknown: list[procfs.Status] = []
        for pid in strange:
            status = procfs.status(pid)
            owner = self._owner(status) if status else None
            if owner is not None:
                found.append((owner, pid))
            elif status is not None:
                unknown.append(status)
        return found + self._kin(unknown, found) if unknown else found

    def _kin(self, unknown: list[procfs.Status], known: list[tuple[Tree, int]]) -> list[tuple[Tree, int]]:
        """Those of the unknown who share a session with an orphan that is known, or can be no one else's."""
        sessions = {status.session: owner for owner, pid in known if (status := procfs.status(pid))}
        found: list[tuple[Tree, int]] = []
        for status in unknown:
            owner = sessions.get(status.session) or self._by_elimination(status)
            if owner is not None:
                self._owners[status.pid] = owner
                found.append((owner, status.pid))
        return found

    def _owner(self, status: procfs.Status) -> Tree | None:
        """The generation an orphan can be shown to belong to."""
        owner = self._owners.get(status.pid) or self._by_brand(status) or self._by_group(status)
        owner = owner or self._by_marks(status) or self._by_session(status)
        if owner is not None:
            self._owners[status.pid] = owner
        return owner

    def _by_brand(self, status: procfs.Status) -> Tree | None:
        brand = brand_of(status.pid)
        return next((tree for tree in self._open.values() if brand and tree.brand == brand), None)

    def _by_group(self, status: procfs.Status) -> Tree | None:
        agent = self._group_of(status.pid)
        return self._open.get(agent) if agent is not None else None

    def _by_marks(self, status: procfs.Status) -> Tree | None:
        marks = procfs.environment(status.pid)
        if marks.get(b"HOLDFAST_PID") != str(self._self).encode():
            return None  # no marks, or those of a supervisor that an agent ran
        tree = self._open.get(os.fsdecode(marks.get(b"HOLDFAST_AGENT", b"")))
        if tree is None or marks.get(b"HOLDFAST_GENERATION") != str(tree.generation).encode():
            return None
        return tree

    def _by_session(self, status: procfs.Status) -> Tree | None:
        for tree in self._open.values():
            if status.session == tree.leader:
                return tree
        return None

    def _by_elimination(self, status: procfs.Status) -> Tree | None:
        possible = [tree for tree in self._open.values() if tree.born <= status.started]
        if self._may_eliminate and possible and (len(possible) == 1 or not any(t.leader_lives for t in possible)):
            return possible[0]
        if status.pid not in self._ambiguous:
            self._ambiguous.add(status.pid)
            self._report(f"process {status.pid} was left behind and no agent can be told to be the one that started it")
        return None

    def _children(self) -> list[int]:
        """Our own children; there is one thread that can have any."""
        if self._list < 0:
            return procfs.children(self._self)
        data = piece = os.pread(self._list, 65536, 0)
        while len(piece) > 1024:
            piece = os.pread(self._list, 65536, len(data))
            data += piece
        return list(map(int, data.split()))


def become_subreaper() -> None:
    """Make orphans of our descendants our own children (PR_SET_CHILD_SUBREAPER(2const)); raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), "PR_SET_CHILD_SUBREAPER")


def boot_ticks_now() -> int:
    """Now, in the unit of a process's start time."""
    return procfs.boot_ticks(time.clock_gettime(time.CLOCK_BOOTTIME))


def _open_children_list(pid: int) -> int:
    """A descriptor kept for the list that is read most; -1 where the kernel has no such list."""
    try:
        return os.open(f"/proc/{pid}/task/{pid}/children", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return -1


def _reap_one() -> Death | None:
    """One dead child; None when none is dead; pid 0 when there is no child at all."""
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG)
    except ChildProcessError:
        return Death(0, None, None)
    if found is None:
        return None
    if found.si_code == os.CLD_EXITED:
        return Death(found.si_pid, found.si_status, None)
    return Death(found.si_pid, None, found.si_status)
