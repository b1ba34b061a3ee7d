"""The process that watches over one cell and survives it: `python -I -S -E reaper.py ORDER`.

It starts the cell, and when the cell has ended, by itself or by force, it kills everything the cell has left to a
fixpoint, removes the control group and the scratch directory, looks whether that is true, and says so in one line
of JSON on its standard output. Its standard input is the runner's hand: `i` asks the cell to end early, end of
file means that the runner is dead, and the cell is killed. A cell that passes its deadline is killed too.

When the reaper itself is killed, the kernel kills the cell (PR_SET_PDEATHSIG) and the runner cleans up (`launch`).
Standard library only.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from time import monotonic
from typing import NamedTuple

if __name__ == "__main__":  # -I leaves the path to us
    sys.path.insert(0, os.path.abspath(__file__).rpartition("/crashrig/")[0])

from crashrig import proc
from crashrig.sandbox.group import Group
from crashrig.sandbox.sweep import MARKER, end_all, remove_tree


class Order(NamedTuple):
    """What the runner orders, as one JSON object on the command line; paths are absolute.

    `cell` is the value of the marker. `group` are the directories of the control group to make, with limits on
    its tasks and its bytes of memory. `deadline` is in real seconds, for the whole cell.
    """

    cell: str
    command: list[str]
    environment: dict[str, str]
    log: str
    scratch: str
    group: dict[str, str]
    processes: int
    memory: int
    deadline: float


REAPER = "CRASHRIG_REAPER"
"""Environment variable that tells the cell who its reaper is."""

INTERRUPT = b"i"
INTERRUPT_SECONDS = 5.0
"""How long an interrupted cell may take to stop its supervisor and write its history."""

CLEAN_SECONDS = 5.0
"""How long to go on killing and removing; what is left then is a leftover."""

_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The runner's end of file is the only way to end a reaper early: its work must not be cut short by a terminal."""


def main() -> None:
    """Carry out the order in the first argument."""
    order = Order(**json.loads(sys.argv[1]))
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    proc.become_subreaper()
    group = Group(order.group)
    os.mkdir(order.scratch, 0o700)
    group.make(order.processes, order.memory)
    cell = _start(order)
    why = _watch(cell, order.deadline)
    status, swept = _end(cell, group)
    leftovers = _clean(order, group)
    _tell({"why": why, "status": status, "swept": swept, "leftovers": leftovers})


def _start(order: Order) -> int:
    environment = {**order.environment, MARKER: order.cell, REAPER: str(os.getpid())}
    log = (os.POSIX_SPAWN_OPEN, 1, order.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    null = (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)
    return os.posix_spawn(
        order.command[0],
        order.command,
        environment,
        file_actions=[null, log, (os.POSIX_SPAWN_DUP2, 1, 2)],
        setsid=True,
        setsigdef=_IGNORED,
    )


def _watch(cell: int, seconds: float) -> str:
    """Wait for the end of the cell, or for a reason to end it: ended, interrupted, orphaned, deadline."""
    deadline = monotonic() + seconds
    pidfd = os.pidfd_open(cell)
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.register(0, select.POLLIN)
    why = "ended"
    while (left := deadline - monotonic()) > 0:
        ready = {descriptor for descriptor, _ in poll.poll(left * 1000)}
        if pidfd in ready:
            return why
        if 0 in ready:
            if os.read(0, 1) != INTERRUPT:
                return "orphaned"
            why = "interrupted"
            deadline = min(deadline, monotonic() + INTERRUPT_SECONDS)
            signal.pidfd_send_signal(pidfd, signal.SIGTERM)
    return "deadline"


def _end(cell: int, group: Group) -> tuple[int | None, list[str]]:
    """Kill everything that is left; the cell's wait status, and what was there beside it."""
    swept = [proc.describe(pid) for pid in _wards() | group.processes() if pid != cell and proc.alive(pid)]
    status = _Status(cell)
    end_all(status.reap_and_find, group, CLEAN_SECONDS)
    status.reap_and_find()
    return status.status, swept


def _wards() -> set[int]:
    return set(proc.descendants(os.getpid()))


class _Status:
    """Finds what is still below this process, reaping the dead, and remembers how the cell ended."""

    def __init__(self, cell: int) -> None:
        self._cell = cell
        self.status: int | None = None

    def reap_and_find(self) -> set[int]:
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                if pid == self._cell:
                    self.status = status
        except ChildProcessError:
            pass
        return _wards()


def _clean(order: Order, group: Group) -> list[str]:
    """Remove what is not a process; then look for anything at all that is left of the cell."""
    left = [f"control group {path}" for path in group.remove(CLEAN_SECONDS)]
    if not remove_tree(order.scratch):
        left.append(f"directory {order.scratch}")
    pids = {*proc.marked(MARKER, order.cell), *_wards()} - {os.getpid()}
    left.extend(f"process {proc.describe(pid)}" for pid in sorted(pids))
    return left


def _tell(outcome: dict[str, object]) -> None:
    try:
        os.write(1, json.dumps(outcome).encode() + b"\n")
    except OSError:  # the runner is dead; nobody is left to be told
        pass


if __name__ == "__main__":
    main()
