"""The adapter of `external.py`, the faulty supervisor written in Python."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from crashrig.subjects.faulty.common import SHARED_CAPABILITIES, FaultySubject, delays, not_restarted
from crashrig.subjects.protocol import Launch
from crashrig.subjects.tether import command as tethered

if TYPE_CHECKING:
    from crashrig.subjects.protocol import AgentJob, Job

SCRIPT = Path(__file__).with_name("external.py")


class FaultyPythonSubject(FaultySubject):
    """Runs any number of agents from one JSON file; it says nothing of their states."""

    name = "faulty-python"
    capabilities = SHARED_CAPABILITIES
    remarks = "deliberately faulty: must fail"

    def render(self, job: Job) -> Launch:
        """Write external.json."""
        directory = self.prepare(job)
        path = directory / "external.json"
        config = {"pace": job.pace, "agents": [_agent(agent) for agent in job.agents]}
        path.write_bytes(msgspec.json.format(msgspec.json.encode(config), indent=2))
        argv = tethered(sys.executable, "-I", "-S", str(SCRIPT), str(path))
        return Launch(argv=argv, directory=str(directory))


def _agent(agent: AgentJob) -> dict[str, Any]:
    policy = agent.policy
    return {
        "name": agent.name,
        "command": agent.command,
        "directory": agent.directory,
        "environment": agent.environment,
        "restart": policy.restart,
        "not_restarted": sorted({*not_restarted(policy), *policy.fatal_codes}),
        "fatal_codes": policy.fatal_codes,
        "backoff": delays(policy),
        "max_restarts": policy.max_restarts,
        "grace": float(policy.grace),
        "heartbeat_file": agent.heartbeat_file if agent.heartbeat_source == "file" else "",
        "heartbeat_format": agent.heartbeat_format,
        "heartbeat_timeout": float(policy.heartbeat_timeout or 0.0),
    }
