"""From a scenario to the job that an adapter is given: plans written, a directory of its own, durations divided."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from crashrig.sandbox.sweep import MARKER
from crashrig.subjects.jobs import real_policy
from crashrig.subjects.protocol import AgentJob, Job

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from crashrig.agents.plan import PreparedAgent

SUBJECT_DIRECTORY = "subject"


def make_job(agents: Sequence[PreparedAgent], scratch: Path, pace: float, seed: int, override: str) -> Job:
    """The job for these agents, and the adapter's directory for it below `scratch`."""
    directory = scratch / SUBJECT_DIRECTORY
    directory.mkdir()
    jobs = [_agent_job(agent, pace) for agent in agents]
    return Job(directory=str(directory), agents=jobs, seed=seed, pace=pace, override=override)


def _agent_job(agent: PreparedAgent, pace: float) -> AgentJob:
    """The marker is among what the agent needs: a supervisor may clear the environment it has itself."""
    return AgentJob(
        name=agent.name,
        command=agent.command,
        directory=agent.directory,
        environment={MARKER: os.environ.get(MARKER, "")},
        policy=real_policy(agent.policy, pace),
        heartbeat_source=agent.heartbeat_source,
        heartbeat_file=agent.heartbeat_file,
        heartbeat_format=agent.heartbeat_format,
        after=agent.after,
        user=agent.user,
    )
