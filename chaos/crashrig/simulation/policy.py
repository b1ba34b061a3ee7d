"""A scenario's abstract policies as holdfast's settings, for the simulation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from crashrig.subjects.jobs import real_policy
from holdfast.policy import AgentPolicy, Backoff, FleetPolicy, HeartbeatPolicy, Restart
from holdfast.settings import AgentSettings, BeatFormat, BeatSource, HeartbeatSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crashrig.scenario import Agent, Policy, Scenario

FILE = Path("/simulated/heartbeat")


def settings_of(scenario: Scenario, agents: Mapping[str, Agent], seed: int) -> Settings:
    """What holdfast would be configured with."""
    return Settings(
        agents=tuple(_agent(name, agent, agent.policy or scenario.policy) for name, agent in agents.items()),
        state_directory="/simulated",
        fleet=FleetPolicy(seed=seed),
    )


def _agent(name: str, agent: Agent, policy: Policy) -> AgentSettings:
    heartbeat = None
    if policy.heartbeat_timeout is not None:
        source = BeatSource(agent.heartbeat)
        path = str(FILE) if source is BeatSource.FILE else ""
        heartbeat = HeartbeatSettings(source, path, BeatFormat(agent.heartbeat_format))
    return AgentSettings(
        name=name, command=("simulated",), heartbeat=heartbeat, policy=_policy(real_policy(policy, 1.0), agent)
    )


def _policy(policy: Policy, agent: Agent) -> AgentPolicy:
    default = AgentPolicy()
    heartbeat = None
    if policy.heartbeat_timeout is not None and policy.startup_grace is not None:
        heartbeat = HeartbeatPolicy(policy.heartbeat_timeout, policy.startup_grace)
    return AgentPolicy(
        restart=Restart(policy.restart),
        clean_codes=frozenset(policy.clean_codes),
        fatal_codes=frozenset(policy.fatal_codes),
        restart_codes=frozenset(policy.restart_codes),
        backoff=_backoff(policy),
        stable_after=policy.stable_after,
        max_restarts=policy.max_restarts,
        burst=policy.burst or default.burst,
        window=policy.window or default.window,
        grace=policy.grace,
        running_after=policy.running_after,
        heartbeat=heartbeat,
        after=tuple(agent.after),
    )


def _backoff(policy: Policy) -> Backoff:
    if policy.backoff is not None:
        return Backoff(tuple(policy.backoff), jitter=policy.jitter)
    assert policy.backoff_initial is not None
    assert policy.backoff_multiplier is not None
    assert policy.backoff_max is not None
    return Backoff((policy.backoff_initial,), policy.backoff_multiplier, policy.backoff_max, policy.jitter)
