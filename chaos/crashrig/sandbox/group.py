"""A cell's control group: one directory in each hierarchy that this machine lets us use.

The bare or full version 2 hierarchy gives `cgroup.kill`, version 1's freezer a kill that nothing outruns; version
1's `pids` and `memory`, or version 2's where delegated, hold the budget. All groups are made below the one we are
in ourselves, so that no limit set on us is escaped. Standard library only.
"""

from __future__ import annotations

import os
import signal
from time import monotonic, sleep

PREFIX = "crashrig-"
"""Beginning of the name of every group we make; the run and the cell follow."""

POLL_SECONDS = 0.002
FREEZE_SECONDS = 0.5
"""How long to wait for a frozen state before killing anyway (a task in an uninterruptible sleep delays it)."""


def bases() -> dict[str, str]:
    """Directories below which groups can be made, by hierarchy: `unified`, `freezer`, `pids`, `memory`.

    Found by trying: a directory is made and removed in each. `unified` only where it offers `cgroup.kill`.
    """
    mounted = _mounted()
    found = {}
    for name, inside in _own_groups().items():
        directory = mounted.get(name, "") + inside.rstrip("/")
        if name in mounted and _can_make_groups(directory, "cgroup.kill" if name == "unified" else "cgroup.procs"):
            found[name] = directory
    return found


def _mounted() -> dict[str, str]:
    """Mount points by hierarchy, from /proc/self/mountinfo (proc(5))."""
    found: dict[str, str] = {}
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            before, _, after = line.partition(" - ")
            kind, _, options = after.split(" ", 2)
            if kind == "cgroup2":
                found.setdefault("unified", before.split(" ")[4])
            elif kind == "cgroup":
                for controller in options.strip().split(","):
                    found.setdefault(controller, before.split(" ")[4])
    return {name: found[name] for name in ("unified", "freezer", "pids", "memory") if name in found}


def _own_groups() -> dict[str, str]:
    """The groups this process is in, by hierarchy (cgroups(7))."""
    found = {}
    with open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            _, controllers, path = line.rstrip("\n").split(":", 2)
            for name in controllers.split(",") if controllers else ["unified"]:
                found[name] = path
    return found


def _can_make_groups(directory: str, needed: str) -> bool:
    trial = f"{directory}/{PREFIX}trial-{os.getpid()}"
    try:
        os.mkdir(trial)
    except OSError:
        return False
    try:
        return os.access(f"{trial}/{needed}", os.W_OK)
    finally:
        os.rmdir(trial)


def in_words(found: dict[str, str]) -> str:
    """How processes are held together with these bases, for the report."""
    if "unified" in found:
        kill = "cgroup v2 kill"
    elif "freezer" in found:
        kill = "cgroup v1 freezer"
    else:
        return "subreaper and walk of the process tree"
    limits = [name for name in ("pids", "memory") if name in found]
    return f"{kill}, limits by {' and '.join(limits)}, subreaper" if limits else f"{kill}, subreaper"


class Group:
    """The group of one cell; `directories` by hierarchy. Without any, every method does nothing."""

    def __init__(self, directories: dict[str, str]) -> None:
        self.directories = directories

    @classmethod
    def named(cls, found: dict[str, str], name: str) -> Group:
        """A group that is not made yet.

        It is in every hierarchy there is, needed or not: groups that a supervisor makes are then below it.
        """
        return cls({key: f"{base}/{PREFIX}{name}" for key, base in found.items()})

    def make(self, processes: int, memory: int) -> None:
        """Make the directories and set the limits: number of tasks, bytes. A limit that is refused is left out."""
        for name, directory in self.directories.items():
            os.makedirs(directory, exist_ok=True)
            if name in ("pids", "unified"):
                _try_write(f"{directory}/pids.max", str(processes))
            if name == "memory":
                _try_write(f"{directory}/memory.limit_in_bytes", str(memory))
            elif name == "unified":
                _try_write(f"{directory}/memory.max", str(memory))

    def join(self) -> None:
        """Move this process in. A directory that is missing raises OSError: better no cell than a loose one."""
        for directory in self.directories.values():
            with open(f"{directory}/cgroup.procs", "w", encoding="ascii") as file:
                file.write("0")

    def processes(self) -> set[int]:
        """Every process in the group and in groups made below it."""
        found: set[int] = set()
        for directory in self.directories.values():
            for path, _, _ in os.walk(directory):
                found.update(_read_processes(path))
        return found

    def kill(self) -> None:
        """SIGKILL to all of them; they die a moment later."""
        if "unified" in self.directories:
            _try_write(f"{self.directories['unified']}/cgroup.kill", "1")
        elif "freezer" in self.directories:
            self._freeze_and_kill(self.directories["freezer"])

    def _freeze_and_kill(self, directory: str) -> None:
        _try_write(f"{directory}/freezer.state", "FROZEN")
        deadline = monotonic() + FREEZE_SECONDS
        while _read(f"{directory}/freezer.state") == "FREEZING" and monotonic() < deadline:
            sleep(POLL_SECONDS)
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)  # frozen: the number cannot have been given to another process
            except ProcessLookupError:
                pass
        _try_write(f"{directory}/freezer.state", "THAWED")

    def remove(self, patience: float) -> list[str]:
        """Remove the directories, those below first; says which are still there after `patience` seconds."""
        deadline = monotonic() + patience
        while left := [d for d in self.directories.values() if not _remove(d)]:
            if monotonic() >= deadline:
                return left
            sleep(POLL_SECONDS)
        return []


def _read_processes(directory: str) -> set[int]:
    return set(map(int, _read(f"{directory}/cgroup.procs").split()))


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def _try_write(path: str, value: str) -> None:
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(value)
    except OSError:
        pass


def _remove(directory: str) -> bool:
    for path, _, _ in os.walk(directory, topdown=False):
        try:
            os.rmdir(path)
        except OSError:
            return not os.path.isdir(directory)
    return True
