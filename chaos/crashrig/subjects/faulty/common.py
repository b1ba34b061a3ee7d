"""What the adapters of both faulty supervisors share: they know no operator, only SIGTERM."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from crashrig import __version__
from crashrig.subjects.protocol import Description, SubjectError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crashrig.scenario import Policy
    from crashrig.subjects.protocol import Job

PID_FILE = "supervisor.pid"
EXPONENTIAL_STEPS = 12

SHARED_CAPABILITIES = [
    "backoff",
    "give-up",
    "restart-policy",
    "clean-codes",
    "restart-codes",
    "fatal-codes",
    "heartbeat-file",
    "exit-when-done",
    "spawn-retry",
]


class FaultySubject:
    """The common half of an adapter; the other half renders the job in the supervisor's own form."""

    name: str
    capabilities: list[str]
    remarks: str

    def __init__(self) -> None:
        self._directory = Path()

    def describe(self) -> Description:
        """Always available: it comes with crashrig."""
        return Description(name=self.name, version=__version__, capabilities=self.capabilities, remarks=self.remarks)

    def prepare(self, job: Job) -> Path:
        """Remember the job's directory; UnsupportedError for what such a design has no place for."""
        if job.override:
            raise UnsupportedError(f"{self.name} takes no configuration of yours, found {job.override}")
        if any(agent.user for agent in job.agents):
            raise UnsupportedError(f"{self.name} cannot run an agent as another user")
        self._directory = Path(job.directory)
        return self._directory

    def operate(self, command: str, agent: str) -> None:
        """Only shutdown, which is a SIGTERM."""
        if command != "shutdown":
            raise UnsupportedError(f"{self.name}: {command} {agent}: it has no operator commands besides shutdown")
        pid = self._pid()
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            if os.fsencode(self._directory) not in file.read():
                raise SubjectError(f"{self.name}: process {pid} is not it any more")
        os.kill(pid, signal.SIGTERM)

    def _pid(self) -> int:
        try:
            return int((self._directory / PID_FILE).read_text())
        except (OSError, ValueError) as error:
            raise SubjectError(f"{self.name}: it has not written its pid yet: {error}") from error

    def claims(self) -> Mapping[str, str]:
        """Nothing, where the design has no status."""
        return {}

    def close(self) -> None:
        """There is nothing to let go of."""


def delays(policy: Policy) -> list[float]:
    """The back-off as a list, whichever way it is given."""
    if policy.backoff is not None:
        return [float(delay) for delay in policy.backoff]
    assert policy.backoff_initial is not None and policy.backoff_multiplier is not None
    assert policy.backoff_max is not None
    grown = (float(policy.backoff_initial) * policy.backoff_multiplier**step for step in range(EXPONENTIAL_STEPS))
    return [min(delay, float(policy.backoff_max)) for delay in grown]


def not_restarted(policy: Policy) -> list[int]:
    """Exit codes that are not followed by a start, fatal ones apart."""
    return sorted(set(policy.clean_codes) - set(policy.restart_codes))
