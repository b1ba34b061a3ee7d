"""Settings in words, for a person who wants to know what would run. Nothing is read or decided here."""

from __future__ import annotations

import shlex
from signal import Signals
from typing import TYPE_CHECKING

from holdfast.policy import Restart
from holdfast.settings import BeatSource
from holdfast.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.policy import AgentPolicy, Backoff
    from holdfast.settings import AgentSettings, Settings


def summary(settings: Settings) -> str:
    """A head line, then a paragraph for each agent."""
    count = len(settings.agents)
    lines = [f"{settings.source or 'command line'}: valid, {count} agent{'s' if count != 1 else ''}"]
    lines.append(f"state in {settings.state_directory}")
    for agent in settings.agents:
        lines.append("")
        lines.append(agent.name)
        lines += [f"  {label:<10} {text}" for label, text in _facts(agent)]
    return "\n".join(lines)


def _facts(agent: AgentSettings) -> Iterator[tuple[str, str]]:
    policy = agent.policy
    yield "command", shlex.join(agent.command)
    yield "directory", agent.directory
    if agent.user:
        yield "user", agent.user
    if agent.environment:
        yield "adds", " ".join(agent.environment)
    yield "output", {"inherit": "where holdfast's goes", "null": "nowhere"}.get(agent.log, agent.log)
    if policy.after:
        yield "after", ", ".join(policy.after)
    yield "restart", _restart(policy)
    if policy.restart is not Restart.NEVER:
        yield "back-off", _backoff(policy.backoff)
        yield "gives up", _give_up(policy)
    yield "ends", _ends(policy)
    yield "heartbeat", _heartbeat(agent)
    yield "stop", f"SIGTERM, then SIGKILL after {format_duration(policy.grace)}"


def _restart(policy: AgentPolicy) -> str:
    return {
        Restart.ON_FAILURE: "after a failure",
        Restart.ALWAYS: "after every end but a fatal one",
        Restart.NEVER: "never",
    }[policy.restart]


def _backoff(backoff: Backoff) -> str:
    text = " ".join(map(format_duration, backoff.delays))
    if backoff.multiplier > 1.0:
        text += f", then times {backoff.multiplier:g} up to {format_duration(backoff.maximum)}"
    elif len(backoff.delays) > 1:
        text += ", the last repeats"
    return text + (f", longer by up to {backoff.jitter:.0%}" if backoff.jitter else "")


def _give_up(policy: AgentPolicy) -> str:
    limits = []
    if policy.max_restarts is not None:
        stable = format_duration(policy.stable_after)
        limits.append(f"after {policy.max_restarts} restarts without a run over {stable}")
    if policy.burst is not None:
        limits.append(f"at more than {policy.burst} starts within {format_duration(policy.window)}")
    return "; ".join(limits) or "never"


def _ends(policy: AgentPolicy) -> str:
    clean = [*map(str, sorted(policy.clean_codes - policy.restart_codes))]
    clean += [Signals(number).name for number in sorted(policy.clean_signals)]
    fatal = ", ".join(map(str, sorted(policy.fatal_codes)))
    return f"clean {', '.join(clean) or 'none'}; fatal {fatal or 'none'}; any other is a failure"


def _heartbeat(agent: AgentSettings) -> str:
    patience = agent.policy.heartbeat
    if agent.heartbeat is None or patience is None:
        return "not watched"
    sources = {
        BeatSource.FILE: f"{agent.heartbeat.path} ({agent.heartbeat.format})",
        BeatSource.NOTIFY: "WATCHDOG=1 on NOTIFY_SOCKET",
        BeatSource.OUTPUT: "any output",
    }
    text = f"{sources[agent.heartbeat.source]}, at least every {format_duration(patience.timeout)}"
    if patience.startup_grace != patience.timeout:
        text += f", the first within {format_duration(patience.startup_grace)}"
    return text
