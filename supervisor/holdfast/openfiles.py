"""Descriptors enough for many agents, without handing the higher limit on to them.

The usual soft limit is 1024, and programs that use select(2) rely on it. The supervisor needs a few descriptors
for each agent, so it raises its own limit when it has many, and goes back to what it was given while it starts
one: the child inherits the limit of that moment (getrlimit(2)).
"""

import resource

_FOR_EACH_AGENT = 3
_FOR_EVERYTHING_ELSE = 400
"""64 clients, 200 levels of a walk, a group's members being killed, logs, sockets, and some to spare."""


class OpenFiles:
    """The two limits: the supervisor's and the one that agents get."""

    def __init__(self, agents: int) -> None:
        """Raise the limit if so many agents need it; the hard limit is not touched."""
        self._given = resource.getrlimit(resource.RLIMIT_NOFILE)
        soft, hard = self._given
        needed = agents * _FOR_EACH_AGENT + _FOR_EVERYTHING_ELSE
        highest = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        self.raised = soft != resource.RLIM_INFINITY and highest > soft
        self._own = (highest, hard) if self.raised else self._given
        self.raise_again()

    def lower(self) -> None:
        """What is started now gets the limit that was given to the supervisor."""
        if self.raised:
            resource.setrlimit(resource.RLIMIT_NOFILE, self._given)

    def raise_again(self) -> None:
        """Enough is started."""
        if self.raised:
            resource.setrlimit(resource.RLIMIT_NOFILE, self._own)

    def lower_for(self, pid: int) -> None:
        """The same for a process that has been started already."""
        if self.raised:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, self._given)
