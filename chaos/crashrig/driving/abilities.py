"""What this machine can do for the rig, found out by trying; each with what it is good for."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec

from crashrig.driving.host import available_memory, facts, scratch_root
from crashrig.observers import choice, pidfd
from crashrig.results import Host
from crashrig.sandbox import group

if TYPE_CHECKING:
    from collections.abc import Iterable

TRIAL_SECONDS = 5.0


class Ability(msgspec.Struct, frozen=True, kw_only=True):
    """One thing: whether it is there, what was found, what it is for. `needed`: nothing real runs without it."""

    name: str
    there: bool
    found: str
    purpose: str
    needed: bool = False


class Examination(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was found."""

    host: Host
    abilities: list[Ability]


def examine() -> Examination:
    """Try everything; takes some tens of milliseconds and leaves nothing behind."""
    bases, observer = group.bases(), choice.probe()
    abilities = [
        _kernel(),
        _tree_walk(),
        _subreaper(),
        *_groups(bases),
        _observer(observer),
        _exit_status(),
        _namespaces(),
        _scratch(),
    ]
    return Examination(host=facts(group.in_words(bases), observer.words), abilities=abilities)


def _kernel() -> Ability:
    there = sys.platform == "linux" and hasattr(os, "pidfd_open") and _opens_pidfd()
    found = "processes can be held by descriptors" if there else "no pidfd_open; Linux 5.3 has it"
    purpose = "signals reach the process that was meant, never one that was given its number"
    return Ability(name="pidfd", there=there, found=found, purpose=purpose, needed=True)


def _opens_pidfd() -> bool:
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


def _tree_walk() -> Ability:
    there = os.path.exists(f"/proc/self/task/{os.getpid()}/children")
    found = "/proc/PID/task/TID/children is there" if there else "the kernel lacks CONFIG_PROC_CHILDREN"
    return Ability(name="tree walk", there=there, found=found, purpose="what a cell leaves is found", needed=True)


def _subreaper() -> Ability:
    """Tried in a child: the request cannot be taken back."""
    trial = "import sys; sys.path[:0] = sys.argv[1:]; from crashrig import proc; proc.become_subreaper()"
    there = _runs("-c", trial, *sys.path)
    found = "orphans fall to us" if there else "refused"
    return Ability(name="subreaper", there=there, found=found, purpose="nothing escapes a cell", needed=True)


def _groups(bases: dict[str, str]) -> Iterable[Ability]:
    purposes = {
        "unified": ("cgroup v2 kill", "a cell is ended in one stroke"),
        "freezer": ("cgroup v1 freezer", "a cell is ended while it stands still, where there is no v2 kill"),
        "pids": ("cgroup v1 pids", "a fork bomb meets a limit"),
        "memory": ("cgroup v1 memory", "a memory hog meets a limit"),
    }
    for hierarchy, (name, purpose) in purposes.items():
        there = hierarchy in bases
        found = f"groups can be made in {bases[hierarchy]}" if there else "not mounted, too old, or not writable"
        yield Ability(name=name, there=there, found=found, purpose=purpose)


def _observer(found: choice.Choice) -> Ability:
    there = found.observer == choice.KERNEL
    text = "they arrive" if there else f"{found.why_not_better}; instead: {found.words}"
    purpose = "every birth and death with the kernel's own time"
    return Ability(name="process events", there=there, found=text, purpose=purpose)


def _exit_status() -> Ability:
    there = pidfd.can_tell_exit_status()
    found = "the kernel tells them" if there else "the kernel does not tell them; Linux 6.15 does"
    purpose = "exit codes of processes that are not ours, where there are no process events"
    return Ability(name="exit status by pidfd", there=there, found=found, purpose=purpose)


def _namespaces() -> Ability:
    """A child enters a user namespace of its own and ends; this process stays where it is."""
    trial = "import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare(0x10000000) != 0)"
    there = _runs("-I", "-S", "-c", trial)
    found = "can be made" if there else "refused"
    return Ability(name="user namespaces", there=there, found=found, purpose="limits for each agent without root")


def _runs(*arguments: str) -> bool:
    """Whether a Python with these arguments ends well."""
    done = subprocess.run([sys.executable, *arguments], check=False, capture_output=True, timeout=TRIAL_SECONDS)
    return done.returncode == 0


def _scratch() -> Ability:
    root = scratch_root()
    there = os.access(root, os.W_OK)
    memory = available_memory() / 2**30
    stale = sum(name.startswith(group.PREFIX) for name in os.listdir(root)) if there else 0
    found = f"{root}, {memory:.1f} GiB of memory available"
    if stale:
        found += f"; {stale} directories {group.PREFIX}* are there: of runs that go on, or that were killed"
    return Ability(name="scratch space", there=there, found=found, purpose="sockets and files of cells", needed=True)
