"""What the simulated holdfast is configured with: the very text that the real one is given, read by its own reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crashrig.subjects.holdfast_config import render_config
from crashrig.subjects.jobs import real_policy
from crashrig.subjects.protocol import AgentJob, Job
from holdfast.config import load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crashrig.scenario import Agent, Scenario
    from holdfast.settings import Settings

DIRECTORY = "/simulated"
"""Nothing is there, and nothing looks."""


def settings_of(scenario: Scenario, agents: Mapping[str, Agent], seed: int, config: str = "") -> Settings:
    """holdfast's settings for these single agents; `config` is the path of a user's own configuration.

    Raises SubjectError when that cannot be read and holdfast's ConfigError when it is wrong.
    """
    jobs = [_job(name, agent, scenario) for name, agent in agents.items()]
    return load(render_config(Job(directory=DIRECTORY, agents=jobs, seed=seed, override=config)), environ={})


def _job(name: str, agent: Agent, scenario: Scenario) -> AgentJob:
    policy = agent.policy or scenario.policy
    return AgentJob(
        name=name,
        command=[f"{DIRECTORY}/{name}"],
        directory=DIRECTORY,
        policy=real_policy(policy, 1.0),
        heartbeat_source=agent.heartbeat if policy.heartbeat_timeout is not None else "",
        heartbeat_file=f"{DIRECTORY}/{name}.beat",
        heartbeat_format=agent.heartbeat_format,
        after=agent.after,
    )
