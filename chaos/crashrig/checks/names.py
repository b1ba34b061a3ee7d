"""Do conditions and moments compile, name what the scenario has, and wait for what can happen?

The language is `condition`'s; here is only what a scenario adds: its agents, its faults, its length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crashrig.checks.problem import Path, Problem, show
from crashrig.checks.steps import verb_of
from crashrig.condition import ConditionError, check_uses, compile_condition, compile_moment
from crashrig.reference import FAULT, LAST, SUPERVISOR, EventRef, Use, members
from crashrig.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crashrig.checks.parts import Parts
    from crashrig.moment import Moment
    from crashrig.scenario import Agent

CONDITION = 'a condition such as "worker.live == 1"'
MOMENT = 'a moment such as "worker.start#2 + 40s" or "40s"'
EVENT = 'an event such as "worker.exit#1"'

_NEEDED_VERBS = {
    "beat": frozenset({"beat"}),
    "ready": frozenset({"beat"}),
    "birth": frozenset({"spawn", "spawn_on_term"}),
    "death": frozenset({"spawn", "spawn_on_term"}),
}
"""Events that only come of certain verbs; READY=1 is said with the first beat."""


class Names:
    """The names of one scenario."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._counts = parts.counts
        self._members = members(self._counts or {})

    def condition(self, text: str, path: Path) -> Iterator[Problem]:
        """Check a condition."""
        try:
            condition = compile_condition(text)
        except ConditionError as error:
            yield _problem(error, text, path, CONDITION)
            return
        yield from self._known(condition.uses, text, path, CONDITION)

    def moment(self, text: str, path: Path, expected: str = MOMENT, *, may_never_be: bool = False) -> Iterator[Problem]:
        """Check a moment: something that can come before the scenario ends, unless it `may_never_be`."""
        try:
            moment = compile_moment(text)
        except ConditionError as error:
            yield _problem(error, text, path, expected)
            return
        unknown = list(self._known(moment.uses, text, path, expected))
        yield from unknown
        if not unknown and not may_never_be:
            yield from self._comes(moment, text, path)

    def event(self, text: str, path: Path, *, may_never_be: bool = False) -> Iterator[Problem]:
        """Check an event: a moment without a duration."""
        if text.strip()[:1].isdigit() or "+" in text or "-" in text:
            yield Problem(path, EVENT, show(text), "a duration does not belong here")
        else:
            yield from self.moment(text, path, EVENT, may_never_be=may_never_be)

    def _known(self, uses: Iterable[Use], text: str, path: Path, expected: str) -> Iterator[Problem]:
        if self._counts is None:
            return
        for error in check_uses(uses, self._counts, len(self._parts.fault)):
            yield _problem(error, text, path, expected)

    def _comes(self, moment: Moment, text: str, path: Path) -> Iterator[Problem]:
        if moment.event is not None:
            why = self._never(moment.event)
            if why:
                yield Problem(path, "something that can happen", show(text), why)
            return
        timeout = self._parts.timeout
        if timeout is not None and moment.offset >= timeout:
            limit = format_duration(timeout)
            yield Problem(path, f"a time before the timeout of {limit}", show(text), "it would never come")

    def _never(self, event: EventRef) -> str:
        """Why this event can never be; empty when it can."""
        if event.agent == SUPERVISOR:
            once = event.index in (None, 1, LAST)
            return "" if once else f"the supervisor has only one {event.kind} in a run"
        if event.agent == FAULT:
            return self._never_lifted(event) if event.kind == "lifted" else ""
        agents = self._agents(event.agent)
        return "" if not agents or any(_can(agent, event.kind) for agent in agents) else _reason(event)

    def _never_lifted(self, event: EventRef) -> str:
        fault = self._parts.fault[(event.index or 1) - 1]
        freeze = fault.freeze if fault else None
        if fault is None or (freeze is not None and freeze.for_ is not None):
            return ""
        return 'only a freeze with "for" is ever lifted'

    def _agents(self, name: str) -> list[Agent]:
        """The agents a name stands for; none when one of them could not be read."""
        agents = self._parts.agents or {}
        group = next((key for key in agents if name == key or name in self._members[key]), None)
        chosen = [*agents.values()] if group is None else [agents[group]]
        return [] if None in chosen else [agent for agent in chosen if agent is not None]


def _can(agent: Agent, kind: str) -> bool:
    if agent.broken is not None:
        return kind == "claimed"
    if kind == "ready" and agent.heartbeat != "notify":
        return False
    verbs = [verb_of(step) for steps in (agent.behaviour, *agent.starts) for step in steps]
    return kind not in _NEEDED_VERBS or any(verb is None or verb.name in _NEEDED_VERBS[kind] for verb in verbs)


def _reason(event: EventRef) -> str:
    if event.kind == "ready":
        return f'{event.agent} says READY=1 only with heartbeat = "notify" and a first beat'
    verbs = sorted(_NEEDED_VERBS.get(event.kind, ()))
    if verbs:
        return f"no behaviour of {event.agent} can {verbs[0]}"
    return f"the command of {event.agent} is broken and never runs"


def _problem(error: ConditionError, text: str, path: Path, expected: str) -> Problem:
    hint = f", {error.hint}" if error.hint else ""
    return Problem(path, expected, show(text), f"column {error.column}: {error.message}{hint}")
