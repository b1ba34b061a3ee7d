"""Do conditions and moments compile, name what the scenario has, and wait for what can happen?

The language is `condition`'s; here is only what a scenario adds: its agents, its faults, its length.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from crashrig.judging.condition import (
    ConditionError,
    check_uses,
    compile_condition,
    compile_event,
    compile_gap,
    compile_moment,
)
from crashrig.judging.reference import FAULT, LAST, SUPERVISOR, EventRef, Use, members
from crashrig.reading.checks.problem import Problem, show
from crashrig.reading.checks.steps import verb_of
from crashrig.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from crashrig.reading.checks.parts import Parts
    from crashrig.reading.toml_lines import KeyPath
    from crashrig.scenario import Agent

CONDITION = 'a condition such as "worker.live == 1"'
MOMENT = 'a moment such as "worker.start#2 + 40s" or "40s"'
EVENT = 'an event such as "worker.exit#1"'
KIND = 'a kind of event such as "worker.exit"'
GAP = 'two kinds of events such as "worker.exit -> worker.start"'

T = TypeVar("T")

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

    def condition(self, text: str, path: KeyPath) -> Iterator[Problem]:
        """Check a condition."""
        condition = yield from _compiled(compile_condition, text, path, CONDITION)
        if condition is not None:
            yield from self._known(condition.uses, text, path, CONDITION)

    def moment(self, text: str, path: KeyPath) -> Iterator[Problem]:
        """Check a moment: it must be able to come, and before the scenario ends."""
        moment = yield from _compiled(compile_moment, text, path, MOMENT)
        if moment is None:
            return
        yield from self._can_happen(moment.uses, text, path, MOMENT)
        timeout = self._parts.timeout
        if moment.event is None and timeout is not None and moment.offset >= timeout:
            limit = format_duration(timeout)
            yield Problem(path, f"a time before the timeout of {limit}", show(text), "it would never come")

    def kind_of_event(self, text: str, path: KeyPath) -> Iterator[Problem]:
        """Check an event whose occurrences are counted; it may well be that there are none."""
        use = yield from _compiled(partial(compile_event, indexed=False), text, path, KIND)
        if use is not None:
            yield from self._known([use], text, path, KIND)

    def event(self, text: str, path: KeyPath) -> Iterator[Problem]:
        """Check an event that must be able to happen."""
        use = yield from _compiled(compile_event, text, path, EVENT)
        if use is not None:
            yield from self._can_happen([use], text, path, EVENT)

    def gap(self, text: str, path: KeyPath) -> Iterator[Problem]:
        """Check a pair of events that must be able to happen."""
        uses = yield from _compiled(compile_gap, text, path, GAP)
        if uses is not None:
            yield from self._can_happen(uses, text, path, GAP)

    def _can_happen(self, uses: Iterable[Use], text: str, path: KeyPath, expected: str) -> Iterator[Problem]:
        unknown = list(self._known(uses, text, path, expected))
        yield from unknown
        events = [] if unknown else [use.event for use in uses if use.event is not None]
        for why in filter(None, map(self._never, events)):
            yield Problem(path, "something that can happen", show(text), why)

    def _known(self, uses: Iterable[Use], text: str, path: KeyPath, expected: str) -> Iterator[Problem]:
        if self._counts is None:
            return
        for error in check_uses(uses, self._counts, len(self._parts.fault)):
            yield _problem(error, text, path, expected)

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
        if fault is None or fault.lasts:
            return ""
        return 'only a freeze with "for" and a second supervisor are ever lifted'

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


def _compiled(
    compiler: Callable[[str], T], text: str, path: KeyPath, expected: str
) -> Generator[Problem, None, T | None]:
    try:
        return compiler(text)
    except ConditionError as error:
        yield _problem(error, text, path, expected)
        return None


def _problem(error: ConditionError, text: str, path: KeyPath, expected: str) -> Problem:
    hint = f", {error.hint}" if error.hint else ""
    return Problem(path, expected, show(text), f"column {error.column}: {error.message}{hint}")
