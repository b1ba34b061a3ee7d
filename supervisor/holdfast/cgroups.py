"""A control group for each agent, where the machine lets us have one: kill in one stroke, and certain membership.

Groups are made under the supervisor's own group, `holdfast.PID/AGENT`. With cgroup v2 (also a hierarchy without
controllers) the kernel kills a group at once (`cgroup.kill`, Linux 5.14); with the v1 freezer the group is
frozen, everybody in it is killed, and it is thawed. Without either there are no groups, and the walk of `tree`
and `sweep`, which is always made, does the work alone.

Joining a group can take 5 to 20 ms on an idle machine (the kernel waits for an RCU grace period), so nobody
joins on the way from a death to the next start: it is done a little later, once, for whatever the agent has
become by then. An agent that crashes at once never pays for it, and delays nobody else's restart.
"""

import os
from signal import SIGKILL, pidfd_send_signal

from holdfast import procfs
from holdfast.settings import Containment

JOIN_AFTER_SECONDS = 0.1
"""How long a start must have lived before its processes join their group."""

_PIDFDS_AT_ONCE = 200


class CgroupError(Exception):
    """`containment = "cgroup"` was asked for and cannot be had."""


class Cgroups:
    """No groups: what containment by walking needs, and what the two kinds below share."""

    kind = "walk"

    def __init__(self, base: str = "") -> None:
        self.base = base
        self._names: dict[str, str] = {}

    def join(self, agent: str, pid: int) -> None:
        """Put a process, with all its threads, into the agent's group; raises OSError."""

    def expel(self, pid: int) -> None:
        """Put a process back beside the supervisor; raises OSError."""

    def kill(self, agent: str) -> None:
        """Kill whoever is in the agent's group, if it has one."""

    def agent_of(self, pid: int) -> str | None:  # noqa: ARG002
        """The agent in whose group a process is; None when it is in none of ours."""
        return None

    def close(self) -> None:
        """Remove all groups."""


class _Groups(Cgroups):
    """What both versions of cgroups have in common: directories."""

    hierarchy = ""

    def __init__(self, base: str) -> None:
        super().__init__(base)
        os.mkdir(base, 0o755)

    def _directory(self, agent: str) -> str:
        return f"{self.base}/{self._names[agent]}"

    def join(self, agent: str, pid: int) -> None:
        if agent not in self._names:
            plain = "".join(c if c.isalnum() and c.isascii() else "_" for c in agent)
            self._names[agent] = f"{len(self._names)}-{plain[:100]}"
        procs = f"{self._directory(agent)}/cgroup.procs"
        try:
            _write(procs, str(pid))
        except FileNotFoundError:
            os.makedirs(self._directory(agent), 0o755, exist_ok=True)
            _write(procs, str(pid))

    def expel(self, pid: int) -> None:
        _write(f"{os.path.dirname(self.base)}/cgroup.procs", str(pid))

    def agent_of(self, pid: int) -> str | None:
        if not self._names:
            return None
        group = _group_path(procfs.read(f"/proc/{pid}/cgroup").decode(errors="replace"), self.hierarchy)
        if group is None:
            return None
        _, found, rest = group.partition(f"/{os.path.basename(self.base)}/")
        name = rest.split("/")[0]
        return next((agent for agent, own in self._names.items() if found and own == name), None)

    def close(self) -> None:
        _remove_tree(self.base)


class _Unified(_Groups):
    kind = "cgroup v2"
    hierarchy = ""

    def kill(self, agent: str) -> None:
        if agent in self._names and _members(self._directory(agent)):
            try:
                _write(f"{self._directory(agent)}/cgroup.kill", "1")
            except OSError:  # the walk that follows does it
                pass


class _Freezer(_Groups):
    kind = "cgroup v1 freezer"
    hierarchy = "freezer"

    def kill(self, agent: str) -> None:
        if agent not in self._names:
            return
        directory = self._directory(agent)
        for group in _directories(directory):
            self._kill_group(group)

    @staticmethod
    def _kill_group(directory: str) -> None:
        """Freeze, so that nobody forks; kill; thaw, because the frozen do not die."""
        try:
            if not _members(directory):
                return
            _write(f"{directory}/freezer.state", "FROZEN")
            members = [int(pid) for pid in _members(directory)]
            for first in range(0, len(members), _PIDFDS_AT_ONCE):
                _kill_members(members[first : first + _PIDFDS_AT_ONCE], directory)
        except OSError:
            pass
        finally:
            try:
                _write(f"{directory}/freezer.state", "THAWED")
            except OSError:
                pass


def find(containment: Containment) -> Cgroups:
    """The best groups this machine has, made ready; raises CgroupError when they are demanded and missing."""
    if containment is Containment.WALK:
        return Cgroups()
    problems: list[str] = []
    for kind, parent in _candidates():
        try:
            return _prepared(kind, parent)
        except OSError as error:
            problems.append(f"{kind.kind} at {parent}: {error.strerror}")
    if containment is Containment.CGROUP:
        why = "; ".join(problems) or "no cgroup v2 with cgroup.kill and no v1 freezer is mounted"
        raise CgroupError(
            f'containment = "cgroup", but no group can be made ({why}): '
            'delegate a group to this user, or use containment = "auto" or "walk"'
        )
    return Cgroups()


def _prepared(kind: type[_Groups], parent: str) -> Cgroups:
    _remove_abandoned(parent)
    groups = kind(f"{parent}/holdfast.{os.getpid()}")
    probe = "cgroup.kill" if kind is _Unified else "freezer.state"
    if not os.access(f"{groups.base}/{probe}", os.W_OK) or not os.access(f"{parent}/cgroup.procs", os.W_OK):
        groups.close()
        raise PermissionError(1, f"{probe} or the group's cgroup.procs may not be written")
    return groups


def _candidates() -> list[tuple[type[_Groups], str]]:
    """Our own group in each hierarchy that could do, best first."""
    own = procfs.read("/proc/self/cgroup").decode()
    found: list[tuple[type[_Groups], str]] = []
    for line in procfs.read("/proc/self/mountinfo").decode(errors="replace").splitlines():
        fields, _, tail = line.partition(" - ")
        root, mount = fields.split()[3:5]
        kind, _, options = tail.split()[:3]
        if kind == "cgroup2":
            chosen: type[_Groups] = _Unified
        elif kind == "cgroup" and "freezer" in options.split(","):
            chosen = _Freezer
        else:
            continue
        group = _group_path(own, chosen.hierarchy)
        if group is not None:
            inside = group.removeprefix(root.rstrip("/")).rstrip("/")
            found.append((chosen, mount + inside))
    return sorted(found, key=lambda each: each[0] is _Freezer)


def _group_path(text: str, hierarchy: str) -> str | None:
    """The path of a process's group in one hierarchy, from /proc/PID/cgroup (cgroups(7))."""
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        if hierarchy in controllers.split(","):
            return path
    return None


def _remove_abandoned(parent: str) -> None:
    """Remove empty groups of supervisors that were killed."""
    for name in os.listdir(parent):
        pid = name.removeprefix("holdfast.")
        if pid != name and pid.isdigit() and procfs.status(int(pid)) is None:
            _remove_tree(f"{parent}/{name}")


def _directories(top: str) -> list[str]:
    """A group and all groups in it, innermost first."""
    return [path for path, _, _ in os.walk(top, topdown=False)]


def _remove_tree(top: str) -> None:
    for directory in _directories(top):
        try:
            os.rmdir(directory)
        except OSError:  # somebody is in it, or it is gone
            pass


def _members(directory: str) -> list[bytes]:
    return procfs.read(f"{directory}/cgroup.procs").split()


def _kill_members(pids: list[int], directory: str) -> None:
    """Kill those that are seen to be in the group while their pidfds are open, so that no reused number is hit."""
    pidfds: dict[int, int] = {}
    try:
        for pid in pids:
            try:
                pidfds[pid] = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
        for pid in pidfds.keys() & set(map(int, _members(directory))):
            pidfd_send_signal(pidfds[pid], SIGKILL)
    finally:
        for pidfd in pidfds.values():
            os.close(pidfd)


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
