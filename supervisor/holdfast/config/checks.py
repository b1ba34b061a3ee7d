"""What must hold between settings that are each right by themselves (PRE-3).

Called with what all layers together say; a value that was refused does not complain twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.config.problems import nearest
from holdfast.config.sections import REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from holdfast.config.layers import Stack
    from holdfast.config.origins import At
    from holdfast.config.sections import Layer
    from holdfast.settings import AgentSettings


def rate_limit(stack: Stack) -> None:
    """`burst` and `window` say one thing together: half of it would go with a default that nobody meant (RST-7)."""
    layer = stack.layer
    if "burst" in layer and "window" not in layer and layer["burst"] is not None:
        stack.where("burst").report("a key window beside burst", "burst alone", 'such as window = "1h"')
    if "window" in layer and "burst" not in layer:
        stack.where("window").report("a key burst beside window", "window alone", "such as burst = 20")


def heartbeat(stack: Stack) -> None:
    """Numbers for a heartbeat that has no source would watch nothing."""
    own = stack.own.get("heartbeat", {})
    if own and REFUSED not in own.values() and "source" not in stack.layer["heartbeat"]:
        stack.where("heartbeat").report(
            "a source of beats: file, notify or output", "none", 'write file = "beat", notify = true or output = true'
        )


def heartbeat_flags(flags: Layer, agents: Mapping[str, AgentSettings], at: At) -> None:
    """The same for flags: at least one agent must have the heartbeat that they speak of."""
    if agents and "heartbeat" in flags and not any(agent.heartbeat for agent in agents.values()):
        name = next(iter(flags["heartbeat"]), "timeout")
        at.child("heartbeat", name).report(
            "an agent with a heartbeat", "none", "add --heartbeat-file PATH, --heartbeat-notify or --heartbeat-output"
        )


def codes(agent: AgentSettings, stack: Stack) -> None:
    """A fatal code is never restarted and never clean (RST-3)."""
    policy = agent.policy
    for name, others in (("clean_codes", policy.clean_codes), ("restart_codes", policy.restart_codes)):
        both = sorted(policy.fatal_codes & others)
        if both:
            listed = ", ".join(map(str, both))
            said = name if name in stack.places and "fatal_codes" not in stack.places else "fatal_codes"
            hint = f"fatal_codes of {agent.name} is {sorted(policy.fatal_codes)}, {name} is {sorted(others)}"
            stack.where(said).report(f"no exit code both in fatal_codes and in {name}", listed, hint)


def dependencies(agents: Mapping[str, AgentSettings], at: At) -> None:
    """`after` names agents that exist, and leads round no circle (STOP-3)."""
    for name, agent in agents.items():
        for number, other in enumerate(agent.policy.after):
            if other not in agents:
                meant = nearest(other, agents)
                hint = f'did you mean "{meant}"?' if meant else "agents are: " + ", ".join(agents)
                at.child(name, "after", number).report("the name of another agent", f'"{other}"', hint)
    for circle in _circles({name: agent.policy.after for name, agent in agents.items()}):
        way = " after ".join([*circle, circle[0]])
        at.child(circle[0], "after").report("no agent that waits for itself", way)


def _circles(after: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Every circle once, beginning with the agent that stands first in the file."""
    found: list[list[str]] = []
    done: set[str] = set()
    for start in after:
        way: dict[str, Iterable[str]] = {}
        _follow(start, way, after, done, found)
    return found


def _follow(
    name: str,
    way: dict[str, Iterable[str]],
    after: Mapping[str, Iterable[str]],
    done: set[str],
    found: list[list[str]],
) -> None:
    """Go on from `name`; `way` holds the agents from the start of the walk to here, in order."""
    if name in way:
        names = list(way)
        found.append(names[names.index(name) :])
    elif name not in done and name in after:
        way[name] = after[name]
        for other in after[name]:
            _follow(other, way, after, done, found)
        del way[name]
        done.add(name)


def heartbeat_files(agents: Mapping[str, AgentSettings], at: At) -> None:
    """One heartbeat file is one agent's: shared, the beats of one would hide the silence of another (HB-1)."""
    owners: dict[str, str] = {}
    for name, agent in agents.items():
        path = agent.heartbeat.path if agent.heartbeat else ""
        owner = owners.setdefault(path, name) if path else name
        if owner != name:
            at.child(name, "heartbeat", "file").report("a file of its own", f"{path}, which is that of {owner}")
