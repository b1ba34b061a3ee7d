"""Going through every process of a generation, each held by a pidfd that is proven to be the right one.

A number of a process may be freed and given to somebody else at any moment, so a number alone is never enough to
act on. Here a pidfd is opened first, and then the process is looked at: it is ours if its parent is the
supervisor itself and the forest says that it is of this generation, or if its parent is the process we came from
and that one still exists afterwards (a number is not given away while its process exists). What fails this test
is left alone: it is gone, or it will be found below the supervisor by the next walk. Nobody is signalled here.
"""

import os
from collections.abc import Callable, Generator
from signal import pidfd_send_signal
from typing import NamedTuple

from holdfast import procfs
from holdfast.tree import Forest, Tree

_DEPTH_MAX = 200
"""Levels that are followed, one descriptor each; a deeper tree shrinks from above as it is killed."""


class Member(NamedTuple):
    """A process of a generation; `pidfd` is open only until the walk goes on.

    It may be a zombie: its other threads may still be running.
    """

    pid: int
    pidfd: int
    started: int


def _everybody(_pid: int) -> bool:
    return True


def walk(forest: Forest, tree: Tree, enter: Callable[[int], bool] = _everybody) -> Generator[Member, None, None]:
    """Every member that can be seen, parents before children; may be left and taken up again at any time.

    A process's children are listed before it is handed out: whoever kills it would find none afterwards.
    Where `enter` says no, the process and all below it are passed over. Raises OSError when something other
    than a vanished process keeps it from looking.
    """
    ours = _Ours(os.getpid(), lambda status: forest.is_root(tree, status), enter)
    for root in list(forest.roots(tree)):
        yield from _visit(root, _NOBODY, 0, ours)


def walk_from(roots: list[int]) -> Generator[Member, None, None]:
    """The same from children of ours that are known already; only for a walk during which nobody is started."""
    ours = _Ours(os.getpid(), lambda _status: True, _everybody)
    for root in roots:
        yield from _visit(root, _NOBODY, 0, ours)


class _Ours(NamedTuple):
    """What makes a process one of those that are looked for."""

    supervisor: int
    is_root: Callable[[procfs.Status], bool]
    enter: Callable[[int], bool]


_NOBODY = (-1, -1)


def _visit(pid: int, parent: tuple[int, int], depth: int, ours: _Ours) -> Generator[Member, None, None]:
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        status = procfs.status(pid)
        if status is None or not _is_ours(status, parent, ours) or not ours.enter(pid):
            return
        below = procfs.children(pid) if depth < _DEPTH_MAX else []
        yield Member(pid, pidfd, status.started)
        for child in below:
            yield from _visit(child, (pid, pidfd), depth + 1, ours)
    finally:
        os.close(pidfd)


def _is_ours(status: procfs.Status, parent: tuple[int, int], ours: _Ours) -> bool:
    if status.parent == ours.supervisor:
        return ours.is_root(status)
    number, pidfd = parent
    return status.parent == number and pidfd >= 0 and exists(pidfd)


def exists(pidfd: int) -> bool:
    """Whether the process is still there, be it as a zombie: its number is then still its own."""
    try:
        pidfd_send_signal(pidfd, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
