"""Does every injection have one kind, a target that it can hit, and a moment that comes?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crashrig.judging.condition import ConditionError, compile_moment
from crashrig.judging.reference import FAULT, SUPERVISOR, members
from crashrig.reading.checks.problem import Problem, nearest, show
from crashrig.reading.checks.steps import KINDS, SIGNALS, signal_hint
from crashrig.scenario import FAULT_KINDS, Freeze, Kill, Operator, Second, Tamper
from crashrig.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crashrig.reading.checks.names import Names
    from crashrig.reading.checks.parts import Parts
    from crashrig.reading.toml_lines import KeyPath
    from crashrig.scenario import Fault


def check_faults(parts: Parts, names: Names) -> Iterator[Problem]:
    """Everything that is wrong with the injections of a scenario."""
    for number, fault in enumerate(parts.fault):
        if fault is None:
            continue
        path: KeyPath = ("fault", number)
        yield from names.moment(fault.when, (*path, "when"))
        kinds = [kind for kind in FAULT_KINDS if getattr(fault, kind) is not None]
        if len(kinds) != 1:
            found = " and ".join(kinds) or "none of them"
            yield Problem(path, "exactly one of " + ", ".join(FAULT_KINDS), found, "write a [[fault]] for each")
        if fault.second is not None and "simulated" in (parts.modes or ["simulated"]):
            yield Problem((*path, "second"), 'modes = ["real"]', "a scenario to simulate", "it has one supervisor")
        for kind in kinds:
            yield from _injection(getattr(fault, kind), parts, (*path, kind))
    yield from _never_begun(parts.fault)


def _injection(injection: Kill | Freeze | Tamper | Operator | Second, parts: Parts, path: KeyPath) -> Iterator[Problem]:
    match injection:
        case Kill(target=target, signal=name, scope=scope):
            yield from _target(target, scope, parts, path)
            if name not in SIGNALS:
                yield Problem((*path, "signal"), KINDS["signal"], show(name), signal_hint(name))
        case Freeze(target=target, for_=lasting, scope=scope):
            yield from _target(target, scope, parts, path)
            if lasting is not None and parts.timeout is not None and lasting >= parts.timeout:
                yield Problem((*path, "for"), _before(parts.timeout), format_duration(lasting))
        case Tamper(target=target):
            yield from _agent(target, parts, (*path, "target"))
            yield from _tampered(target, parts, (*path, "target"))
        case Operator(command=command, target=target):
            yield from _operator(command, target, parts, path)
        case Second(for_=lasting):
            if parts.timeout is not None and lasting >= parts.timeout:
                yield Problem((*path, "for"), _before(parts.timeout), format_duration(lasting))


def _before(timeout: float) -> str:
    return f"less than the timeout of {format_duration(timeout)}"


def _target(target: str, scope: str, parts: Parts, path: KeyPath) -> Iterator[Problem]:
    if target != SUPERVISOR:
        yield from _agent(target, parts, (*path, "target"), SUPERVISOR)
    elif scope == "tree":
        hint = "the supervisor is signalled by itself; name an agent to hit a tree"
        yield Problem((*path, "scope"), '"leader"', show(scope), hint)


def _agent(target: str, parts: Parts, path: KeyPath, *others: str) -> Iterator[Problem]:
    if parts.counts is None:
        return
    known = [*members(parts.counts), *others]
    if target not in known:
        yield Problem(path, "an agent of this file", show(target), nearest(target, known, "there are"))


def _tampered(target: str, parts: Parts, path: KeyPath) -> Iterator[Problem]:
    agents = parts.agents or {}
    groups = members(parts.counts or {})
    name = next((name for name in agents if target == name or target in groups[name]), "")
    agent = agents.get(name)
    if agent is None:
        return
    if agent.heartbeat != "file":
        yield Problem(path, "an agent with a heartbeat file", f'heartbeat = "{agent.heartbeat}"')
    elif parts.unwatched(name, agent):
        yield Problem(path, "an agent whose heartbeat is watched", 'no "heartbeat_timeout" in its policy')


def _operator(command: str, target: str, parts: Parts, path: KeyPath) -> Iterator[Problem]:
    if command == "shutdown":
        if target:
            yield Problem((*path, "target"), "no target: a shutdown is of everything", show(target))
    elif target:
        yield from _agent(target, parts, (*path, "target"))
    else:
        yield Problem(path, f'a "target" for the command "{command}"', "none")


def _never_begun(faults: list[Fault | None]) -> Iterator[Problem]:
    """Faults that wait for themselves or for each other: take away whatever can begin until nothing more can."""
    waiting = {number: _waits_for(fault) for number, fault in enumerate(faults, 1)}
    while ready := [number for number, other in waiting.items() if other not in waiting]:
        for number in ready:
            del waiting[number]
    for number, other in waiting.items():
        path = ("fault", number - 1, "when")
        yield Problem(path, "something that can happen", f"fault#{other}", f"fault#{number} would wait for itself")


def _waits_for(fault: Fault | None) -> int | None:
    """The number of the fault that this one waits for, if it waits for one."""
    try:
        event = compile_moment(fault.when).event if fault else None
    except ConditionError:
        return None
    return (event.index or 1) if event is not None and event.agent == FAULT else None
