"""The adapter of `autopilot.sh`, the faulty supervisor written as a shell script."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from crashrig.subjects.faulty.common import SHARED_CAPABILITIES, FaultySubject, delays, not_restarted
from crashrig.subjects.protocol import Launch
from crashrig.subjects.tether import command as tethered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crashrig.subjects.protocol import AgentJob, Job

SCRIPT = Path(__file__).with_name("autopilot.sh")
CHECK_SECONDS = 60.0  # of the scenario's time
STATE_SUFFIX = ".state"


class FaultyShellSubject(FaultySubject):
    """Runs any number of agents, each under a shell of its own, and reads the words they leave in state files."""

    name = "faulty-shell"
    capabilities = [*SHARED_CAPABILITIES, "stable-reset", "claims"]  # noqa: RUF012
    remarks = "deliberately faulty: must fail"

    def __init__(self) -> None:
        super().__init__()
        self._claimed: dict[str, str] = {}

    def render(self, job: Job) -> Launch:
        """Write one file of shell variables for each agent."""
        directory = self.prepare(job)
        configs = []
        for agent in job.agents:
            path = directory / f"{agent.name}.conf"
            path.write_text(render_config(agent, job.pace))
            configs.append(str(path))
        argv = tethered("bash", str(SCRIPT), str(directory), *configs)
        return Launch(argv=argv, environment={"TETHER": shlex.join(tethered())}, directory=str(directory))

    def claims(self) -> Mapping[str, str]:
        """The state files, one word each; one caught empty is being written, and the word before it stands."""
        for file in self._directory.glob(f"*{STATE_SUFFIX}"):
            word = file.read_text().strip()
            if word:
                self._claimed[file.name.removesuffix(STATE_SUFFIX)] = word
        return dict(self._claimed)


def render_config(agent: AgentJob, pace: float) -> str:
    """Shell variables for one agent; times are in seconds."""
    policy = agent.policy
    variables = {
        "NAME": shlex.quote(agent.name),
        "COMMAND": _array(agent.command),
        "WORKING_DIRECTORY": shlex.quote(agent.directory or "."),
        "ENVIRONMENT": _array([f"{key}={value}" for key, value in agent.environment.items()]),
        "RESTART": policy.restart,
        "CLEAN_CODES": _words(not_restarted(policy)),
        "FATAL_CODES": _words(policy.fatal_codes),
        "BACKOFF": _array([_number(delay) for delay in delays(policy)]),
        "MAX_RESTARTS": str(policy.max_restarts),
        "STABLE_AFTER": _number(policy.stable_after),
        "GRACE": _number(policy.grace),
        "HEARTBEAT_FILE": shlex.quote(agent.heartbeat_file if agent.heartbeat_source == "file" else ""),
        "HEARTBEAT_TIMEOUT": _number(policy.heartbeat_timeout or 0.0),
        "CHECK_EVERY": _number(CHECK_SECONDS / pace),
    }
    return "".join(f"{name}={value}\n" for name, value in variables.items())


def _array(words: Sequence[str]) -> str:
    return f"({shlex.join(words)})"


def _words(codes: Sequence[int]) -> str:
    return shlex.quote(" ".join(map(str, codes)))


def _number(seconds: float) -> str:
    return f"{seconds:.6f}"
