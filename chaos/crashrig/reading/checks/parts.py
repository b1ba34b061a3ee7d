"""A scenario as the checks see it: its parts, of which some may be missing because they could not be read.

So what is sound in a file is checked although something else in it is not. Nothing is judged here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from crashrig.quantities import Duration, decode_hook
from crashrig.scenario import Agent, Budget, Expect, ExpectedFailure, Fault, Policy, Recover, Scenario

if TYPE_CHECKING:
    from crashrig.reading.toml_lines import KeyPath


T = TypeVar("T")


class Parts(msgspec.Struct, kw_only=True):
    """The parts of one scenario; None is a part that could not be read, or was not there.

    `wrong` are the key paths that had to be left out.
    """

    title: str | None
    promises: list[str]
    needs: list[str]
    tags: list[str]
    modes: list[str] | None
    timeout: Duration | None
    budget: Budget
    policy: Policy
    agents: dict[str, Agent | None] | None
    fault: list[Fault | None]
    expect: list[Expect | None] | None
    recover: Recover | None
    xfail: list[ExpectedFailure | None]
    wrong: frozenset[KeyPath] = frozenset()

    def unwatched(self, name: str, agent: Agent) -> bool:
        """Whether it is certain that nobody looks at the agent's heartbeat."""
        policy, path = (
            (self.policy, ("policy",)) if agent.policy is None else (agent.policy, ("agents", name, "policy"))
        )
        return policy.heartbeat_timeout is None and all(wrong[: len(path)] != path for wrong in self.wrong)

    @property
    def counts(self) -> dict[str, int] | None:
        """How many agents each name stands for; None when the agents could not be read."""
        if self.agents is None:
            return None
        return {name: agent.count if agent else 1 for name, agent in self.agents.items()}


def whole(scenario: Scenario) -> Parts:
    """All parts of a scenario that was read without trouble."""
    return Parts(
        title=scenario.title,
        promises=scenario.promises,
        needs=scenario.needs,
        tags=scenario.tags,
        modes=[*scenario.modes],
        timeout=scenario.timeout,
        budget=scenario.budget,
        policy=scenario.policy,
        agents={**scenario.agents},
        fault=[*scenario.fault],
        expect=[*scenario.expect],
        recover=scenario.recover,
        xfail=[*scenario.xfail],
    )


def salvage(data: dict[str, Any], wrong: frozenset[KeyPath]) -> Parts:
    """What can still be read of `data` when the key paths in `wrong` are left out."""
    sound = _without(data, wrong, ())
    assert isinstance(sound, dict)
    agents = sound.get("agents")
    expect = sound.get("expect")
    return Parts(
        title=_read(sound.get("title"), str),
        promises=_read(sound.get("promises"), list[str]) or [],
        needs=_read(sound.get("needs"), list[str]) or [],
        tags=_read(sound.get("tags"), list[str]) or [],
        modes=_read(sound.get("modes"), list[str]),
        timeout=_read(sound.get("timeout"), Duration),
        budget=_read(sound.get("budget"), Budget) or Budget(),
        policy=_read(sound.get("policy"), Policy) or Policy(),
        agents=None if agents is None else {name: _read(agent, Agent) for name, agent in agents.items()},
        fault=[_read(fault, Fault) for fault in sound.get("fault", [])],
        expect=None if expect is None else [_read(one, Expect) for one in expect],
        recover=_read(sound.get("recover"), Recover),
        xfail=[_read(one, ExpectedFailure) for one in sound.get("xfail", [])],
        wrong=wrong,
    )


def _read(value: object, kind: type[T]) -> T | None:
    try:
        return msgspec.convert(value, kind, dec_hook=decode_hook)
    except msgspec.ValidationError:
        return None


def _without(value: object, wrong: frozenset[KeyPath], path: KeyPath) -> object:
    """A copy without the wrong keys; a list keeps its length, so that what is in it keeps its number."""
    match value:
        case dict():
            kept = {key: item for key, item in value.items() if not _spoilt(item, wrong, (*path, key))}
            return {key: _without(item, wrong, (*path, key)) for key, item in kept.items()}
        case list():
            return [_without(item, wrong, (*path, number)) for number, item in enumerate(value)]
        case _:
            return value


def _spoilt(value: object, wrong: frozenset[KeyPath], path: KeyPath) -> bool:
    """Whether a key is wrong itself, or is a list of plain values one of which is."""
    if path in wrong:
        return True
    return isinstance(value, list) and any(
        (*path, number) in wrong and not isinstance(item, dict) for number, item in enumerate(value)
    )
