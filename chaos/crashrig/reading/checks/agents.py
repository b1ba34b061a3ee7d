"""Are the agents usable: their names, what they do, what watches them, and what they come after?"""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING

from crashrig.agents.beat_text import SPOILT
from crashrig.judging.reference import FAULT, SUPERVISOR, TOTAL, members
from crashrig.reading.checks.policy import check_policy
from crashrig.reading.checks.problem import Problem, nearest, show
from crashrig.reading.checks.steps import check_steps, verb_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from crashrig.reading.checks.parts import Parts
    from crashrig.reading.toml_lines import KeyPath
    from crashrig.scenario import Agent

NAME_PATTERN = "^[a-z][a-z0-9_]*$"
RESERVED = (SUPERVISOR, TOTAL, FAULT)


def check_agents(parts: Parts) -> Iterator[Problem]:
    """Everything that is wrong with the agents of a scenario."""
    if parts.agents is None:
        return
    if not parts.agents:
        yield Problem(("agents",), "at least one agent", "none", "write [agents.worker]")
    yield from _names(parts.counts or {})
    for name, agent in parts.agents.items():
        if agent is not None:
            path: KeyPath = ("agents", name)
            yield from _behaviour(agent, path)
            yield from _heartbeat(agent, path, unwatched=parts.unwatched(name, agent))
            yield from _after(name, agent, parts.agents)
            if agent.policy is not None:
                yield from check_policy(agent.policy, (*path, "policy"))
    yield from _circles(parts.agents)


def _names(counts: Mapping[str, int]) -> Iterator[Problem]:
    for name in counts:
        path = ("agents", name)
        if not re.match(NAME_PATTERN, name):
            yield Problem(path, "a name of a-z, 0-9 and _ that begins with a letter", show(name), "conditions use it")
        elif name in RESERVED or keyword.iskeyword(name):
            yield Problem(path, "a name of its own", show(name), "conditions use this word for something else")
    for name, count in counts.items():
        for single in members({name: count})[name]:
            if single != name and single in counts:
                yield Problem(("agents", single), "a name of its own", show(single), f'"{name}" has {count} agents')


def _behaviour(agent: Agent, path: KeyPath) -> Iterator[Problem]:
    keys = [key for key in ("behaviour", "starts", "broken") if getattr(agent, key)]
    if not keys:
        hint = "an agent that ends at once is behaviour = [{ exit = 0 }]"
        yield Problem(path, '"behaviour", "starts" or "broken"', "none of them", hint)
    elif len(keys) > 1:
        yield Problem((*path, keys[1]), f'no "{keys[0]}" beside it', "one", _both(keys))
    yield from check_steps(agent.behaviour, (*path, "behaviour"))
    for number, steps in enumerate(agent.starts):
        if not steps:
            yield Problem(
                (*path, "starts", number), "at least one step", "an empty list", "[{ exit = 0 }] ends at once"
            )
        yield from check_steps(steps, (*path, "starts", number))


def _both(keys: Sequence[str]) -> str:
    if "broken" in keys:
        return "a broken command never runs, so it does nothing"
    return '"behaviour" is for every start, "starts" for each in turn'


def _heartbeat(agent: Agent, path: KeyPath, *, unwatched: bool) -> Iterator[Problem]:
    if agent.heartbeat != "file":
        if unwatched:
            yield Problem((*path, "heartbeat"), 'a "heartbeat_timeout" in the policy', "none", "nobody would look")
        if agent.heartbeat_format != "json":
            found = f'heartbeat = "{agent.heartbeat}"'
            yield Problem((*path, "heartbeat_format"), "a heartbeat file to write it in", found)
    for step_path, step in _steps(agent, path):
        verb = verb_of(step)
        if verb is not None and verb.name == "beat":
            if unwatched:
                hint = "nobody would look: wait instead"
                yield Problem((*step_path, "beat"), 'a "heartbeat_timeout" in the policy', "none", hint)
            yield from _kind(agent, step.get("kind", "good"), (*step_path, "kind"))


def _steps(agent: Agent, path: KeyPath) -> Iterator[tuple[KeyPath, Mapping[str, object]]]:
    for number, step in enumerate(agent.behaviour):
        yield (*path, "behaviour", number), step
    for start, steps in enumerate(agent.starts):
        for number, step in enumerate(steps):
            yield (*path, "starts", start, number), step


def _kind(agent: Agent, kind: object, path: KeyPath) -> Iterator[Problem]:
    """Kinds of beat that the agent's source and format of heartbeat can express."""
    if kind == "good":
        return
    if agent.heartbeat != "file":
        yield Problem(path, '"good"', show(kind), f'the other kinds are for files, not heartbeat = "{agent.heartbeat}"')
    elif agent.heartbeat_format == "mtime" and kind in SPOILT:
        yield Problem(path, "good, frozen or future", show(kind), 'with the format "mtime" nobody reads the content')
    elif agent.heartbeat_format != "json" and kind == "foreign":
        yield Problem(path, 'heartbeat_format = "json"', show(agent.heartbeat_format), "only JSON names a process")


def _after(name: str, agent: Agent, agents: Mapping[str, Agent | None]) -> Iterator[Problem]:
    for number, other in enumerate(agent.after):
        path = ("agents", name, "after", number)
        if other == name:
            yield Problem(path, "another agent", show(other), "no agent can come after itself")
        elif other not in agents:
            yield Problem(path, "an agent of this file", show(other), nearest(other, agents, "agents"))


def _circles(agents: Mapping[str, Agent | None]) -> Iterator[Problem]:
    """Agents that wait for each other: take away whoever can start until nobody is left who can."""
    waiting = {name: {*agent.after} & (agents.keys() - {name}) for name, agent in agents.items() if agent}
    while ready := [name for name, others in waiting.items() if not others & waiting.keys()]:
        for name in ready:
            del waiting[name]
    if waiting:
        circle = ", ".join(waiting)
        yield Problem(
            ("agents", next(iter(waiting)), "after"), "an order in which they can start", f"a circle: {circle}"
        )
