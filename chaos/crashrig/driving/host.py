"""The machine: facts that explain results, whether it can bear a scenario, and what on it has changed."""

from __future__ import annotations

import getpass
import os
import platform
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from crashrig import proc
from crashrig.results import Host
from crashrig.sandbox.group import PREFIX
from crashrig.sandbox.sweep import MARKER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crashrig.scenario import Budget

SPARE = 2
"""A host must have so many times the budget of a scenario, or the scenario is refused."""

SCRATCH_PATH_MAX = 60
"""Bytes of the path above scratch directories: a socket in one has 107 for the whole of its path (unix(7))."""


def facts(containment: str, observation: str) -> Host:
    """What kind of machine this is."""
    return Host(
        kernel=f"{platform.system()} {platform.release()}",
        machine=platform.machine(),
        python=platform.python_version(),
        processors=len(os.sched_getaffinity(0)),
        memory=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        user=_user(),
        containment=containment,
        observation=observation,
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        return str(os.getuid())


def scratch_root() -> Path:
    """Where scratch directories are made: the usual place, or /tmp when sockets would not fit there."""
    usual = Path(tempfile.gettempdir())
    return usual if len(os.fsencode(usual)) <= SCRATCH_PATH_MAX else Path("/tmp")  # noqa: S108


def refusal(budget: Budget) -> str:
    """Why this machine cannot bear a scenario of this budget; empty when it can."""
    memory, disk = available_memory(), shutil.disk_usage(scratch_root()).free
    if memory < SPARE * budget.memory:
        return f"the budget is {_mib(budget.memory)} of memory; twice that is not free: {_mib(memory)}"
    if disk < SPARE * budget.disk:
        return f"the budget is {_mib(budget.disk)} of disk; twice that is not free: {_mib(disk)}"
    free = _free_processes()
    if free < SPARE * budget.processes:
        return f"the budget is {budget.processes} processes; twice that is not free: {free}"
    return ""


def available_memory() -> int:
    """Bytes that can be used without swapping (proc(5), MemAvailable)."""
    with open("/proc/meminfo", encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file)
    return int(lines["MemAvailable"].split()[0]) * 1024


def _free_processes() -> int:
    most = int(Path("/proc/sys/kernel/pid_max").read_text(encoding="ascii"))
    return most - sum(name.isdigit() for name in os.listdir("/proc"))


def _mib(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"


class Snapshot(msgspec.Struct, frozen=True):
    """What of a run can be left on a machine: all of it carries the run's mark or lies below what does."""

    processes: frozenset[str]
    groups: frozenset[str]
    mounts: frozenset[str]
    directories: frozenset[str]

    def left_since(self, before: Snapshot) -> list[str]:
        """What is here and was not before, in words."""
        return [
            *(f"process {one}" for one in sorted(self.processes - before.processes)),
            *(f"control group {one}" for one in sorted(self.groups - before.groups)),
            *(f"mount {one}" for one in sorted(self.mounts - before.mounts)),
            *(f"directory {one}" for one in sorted(self.directories - before.directories)),
        ]


def snapshot(run: str, bases: Mapping[str, str]) -> Snapshot:
    """Look for everything that carries the mark of a run, `run` being its short id."""
    mine = f"{PREFIX}{run}"
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        mounts = frozenset(line.split(" ")[4] for line in file if mine in line)
    return Snapshot(
        processes=frozenset(proc.describe(pid) for pid in proc.marked(MARKER, run) if pid != os.getpid()),
        groups=frozenset(str(path) for base in bases.values() for path in Path(base).glob(f"{mine}-*")),
        mounts=mounts,
        directories=frozenset(str(path) for path in scratch_root().glob(f"{mine}-*")),
    )
