"""A scenario in plain sentences: what the agents do, what is wanted of the supervisor, what is injected and expected.

Texts only; nothing is read or judged here. Times are nominal, as in the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from crashrig.quantities import Window
from crashrig.scenario import Agent, Expect, Fault, Policy, Recover, Scenario
from crashrig.units import format_duration, parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence, or a few, for each agent, policy, fault and expectation."""

    agents: list[str]
    policy: list[str]
    faults: list[str]
    expectations: list[str]


def describe(scenario: Scenario) -> Description:
    """The whole scenario in words."""
    expectations = [describe_expectation(expect) for expect in scenario.expect]
    if scenario.recover is not None:
        expectations.append(_recover(scenario.recover))
    own = [f"{name}: {describe_policy(agent.policy)}" for name, agent in scenario.agents.items() if agent.policy]
    return Description(
        agents=[_agent(name, agent) for name, agent in scenario.agents.items()],
        policy=[describe_policy(scenario.policy), *own],
        faults=[f"fault#{number}: {describe_fault(fault)}" for number, fault in enumerate(scenario.fault, 1)],
        expectations=expectations,
    )


def _agent(name: str, agent: Agent) -> str:
    several = f" ({agent.count} of them)" if agent.count > 1 else ""
    after = f" Starts after {', '.join(agent.after)}." if agent.after else ""
    return f"{name}{several} {_life(agent)}.{after}"


def _life(agent: Agent) -> str:
    if agent.broken:
        return f"cannot be started: {_BROKEN[agent.broken]}"
    if not agent.starts:
        return _steps(agent.behaviour)
    *first, last = agent.starts
    lives = [f"at start {number} {_steps(steps)}" for number, steps in enumerate(first, 1)]
    return "; ".join([*lives, f"at {'every later' if first else 'every'} start {_steps(last)}"])


_BROKEN = {
    "missing": "its command does not exist",
    "not-executable": "its command is not executable",
    "bad-interpreter": "the interpreter of its command does not exist",
    "missing-directory": "its working directory does not exist",
    "unknown-user": "its user does not exist",
}


def _steps(steps: Sequence[Mapping[str, object]]) -> str:
    return ", then ".join(describe_step(step) for step in steps) or "ends at once with code 0"


def describe_step(step: Mapping[str, object]) -> str:
    """What an agent does in one step: "beats every 30 s for 120 s"."""
    for verb, words in STEPS.items():
        if verb in step:
            return words(step)
    return ", ".join(f"{key} = {value}" for key, value in step.items())


def _time(value: object) -> str:
    return format_duration(parse_duration(str(value)))


def _beat(step: Mapping[str, object]) -> str:
    kind = "" if step.get("kind", "good") == "good" else f" ({step['kind']} ones)"
    times = f" {step['count']} times" if "count" in step else ""
    lasting = f" for {_time(step['for'])}" if "for" in step else ""
    return f"beats every {_time(step['beat'])}{times}{lasting}{kind}"


def _spawn(step: Mapping[str, object], key: str = "spawn") -> str:
    if step[key] == "tree":
        return f"forks a chain of {step.get('depth', 3)} children" + _times(step)
    return f"forks {_KIN[str(step[key])]}" + _times(step)


def _times(step: Mapping[str, object]) -> str:
    return f", {step['count']} times" if step.get("count", 1) != 1 else ""


_KIN = {
    "child": "a child",
    "deaf": "a child that ignores SIGTERM",
    "setsid": "a child in a session of its own",
    "daemon": "a daemon (forked twice, in a session of its own)",
    "holder": "a daemon that holds its output open",
}

_HANGS = {"sleep": "asleep", "deadlock": "in a deadlock", "stopped": "stopped by itself"}

STEPS: dict[str, Callable[[Mapping[str, object]], str]] = {
    "beat": _beat,
    "wait": lambda step: f"is quiet for {_time(step['wait'])}" + (" (of real time)" if step.get("exact") else ""),
    "exit": lambda step: f"exits with code {step['exit']}",
    "signal_group": lambda step: f"sends {step['signal_group']} to its own process group",
    "signal": lambda step: f"dies of {step['signal']}",
    "hang": lambda step: f"hangs {_HANGS[str(step['hang'])]}",
    "ignore": lambda step: f"ignores {step['ignore']} from then on",
    "slow_term": lambda step: f"will take {_time(step['slow_term'])} to end after SIGTERM (code {step.get('code', 0)})",
    "spawn_on_term": lambda step: f"will, when SIGTERM comes, end but before that: {_spawn(step, 'spawn_on_term')}",
    "spawn": _spawn,
    "flaky": lambda step: f"ends in {step['flaky']:.0%} of its starts with code {step.get('code', 1)}",
    "close": lambda _step: "closes its output",
}
"""The words for each verb; a verb whose name begins with another's comes first."""


def describe_policy(policy: Policy) -> str:
    """What is wanted of the supervisor, in one sentence or two."""
    restarts = {
        "on-failure": "restart after failures",
        "always": "restart after every end",
        "never": "never restart",
    }[policy.restart]
    parts = [restarts]
    if policy.restart != "never":
        parts += [_backoff(policy), f"give up after {policy.max_restarts} restarts in a row" + _burst(policy)]
        parts.append(f"forget crashes after a run of {format_duration(policy.stable_after)}")
    parts.append(f"kill {format_duration(policy.grace)} after SIGTERM")
    if policy.heartbeat_timeout is not None:
        parts.append(f"an agent without a beat for {format_duration(policy.heartbeat_timeout)} is hung")
    sentence = "; ".join(parts)
    return sentence[0].upper() + sentence[1:] + "."


def _backoff(policy: Policy) -> str:
    jitter = f" and up to {policy.jitter:.0%} more" if policy.jitter else ""
    if policy.backoff is not None:
        return "wait " + ", ".join(format_duration(delay) for delay in policy.backoff) + jitter
    if policy.backoff_initial is None:
        return "wait the default back-off" + jitter
    growth = f", {policy.backoff_multiplier or 2:g} times longer each time"
    limit = f", at most {format_duration(policy.backoff_max)}" if policy.backoff_max is not None else ""
    return f"wait {format_duration(policy.backoff_initial)}{growth}{limit}{jitter}"


def _burst(policy: Policy) -> str:
    if policy.burst is None or policy.window is None:
        return ""
    return f", or after {policy.burst} starts in {format_duration(policy.window)}"


def describe_fault(fault: Fault) -> str:
    """One injection: "at worker.start#2 + 40s, SIGSEGV to worker"."""
    return f"at {fault.when}, {_injection(fault)}."


def _injection(fault: Fault) -> str:
    match fault:
        case Fault(kill=kill) if kill is not None:
            return f"{kill.signal} to {_scope(kill.target, kill.scope)}"
        case Fault(freeze=freeze) if freeze is not None:
            lasting = "for ever" if freeze.for_ is None else f"for {format_duration(freeze.for_)}"
            return f"{_scope(freeze.target, freeze.scope)} is frozen {lasting}"
        case Fault(tamper=tamper) if tamper is not None:
            return f"the heartbeat file of {tamper.target} is {_TAMPERED[tamper.content]}"
        case Fault(operator=operator) if operator is not None:
            return f"an operator says: {operator.command} {operator.target}".rstrip()
        case Fault(second=second) if second is not None:
            return f"the supervisor is started a second time, for {format_duration(second.for_)} at most"
        case _:
            return "nothing"


_TAMPERED = {
    "delete": "deleted",
    "empty": "emptied",
    "truncated": "cut off in the middle",
    "binary": "filled with rubbish",
    "stale": "rewritten with an old time",
    "future": "rewritten with a time to come",
    "foreign": "rewritten in the name of another process",
    "touch": "touched",
}


def _scope(target: str, scope: str) -> str:
    return f"{target} and its whole tree" if scope == "tree" else target


def describe_expectation(expect: Expect) -> str:
    """What one expectation asks for, in one sentence."""
    sentence = EXPECTATIONS[expect.operator](expect)
    name = f"{expect.name}: " if expect.name else ""
    promise = f" ({expect.promise})" if expect.promise else ""
    return f"{name}{sentence}{promise}."


def _span(expect: Expect) -> str:
    after = f" from {expect.after} on" if expect.after else ""
    return after + (f" until {expect.until}" if expect.until else "")


def _forgiven(expect: Expect) -> str:
    return f"; {format_duration(expect.grace)} are forgiven" if expect.grace is not None else ""


def _eventually(expect: Expect) -> str:
    start = expect.after or "the start"
    if expect.within is None:
        return f"some time after {start}, {expect.eventually}"
    return f"{_window(expect.within)} after {start}, {expect.eventually}"


def _window(window: Window) -> str:
    if window.low:
        return f"between {format_duration(window.low)} and {format_duration(window.high)}"
    return f"at most {format_duration(window.high)}"


def _stays(expect: Expect) -> str:
    start = f" (at most {format_duration(expect.grace)} later)" if expect.grace is not None else ""
    lasting = format_duration(expect.for_ or 0)
    return f"from {expect.after or 'the start'} on{start}, {expect.stays} for {lasting} without a break"


def _count(expect: Expect) -> str:
    match expect.min, expect.max:
        case None, highest:
            number = f"at most {highest} times" if highest else "never"
        case lowest, None:
            number = f"at least {lowest} times"
        case lowest, highest:
            number = f"{lowest} times" if lowest == highest else f"{lowest} to {highest} times"
    return f"{expect.count} happens {number}{_span(expect)}"


def _gaps(expect: Expect) -> str:
    times = ", ".join(format_duration(gap) for gap in expect.are or ())
    slack = f" (and up to {format_duration(expect.tolerance)} more)" if expect.tolerance is not None else ""
    first, _, second = (expect.gaps or "").partition("->")
    return f"from {first.strip()} to {second.strip()} it takes {times}{slack}{_span(expect)}"


EXPECTATIONS: dict[str, Callable[[Expect], str]] = {
    "always": lambda expect: f"always{_span(expect)}, {expect.always}{_forgiven(expect)}",
    "never": lambda expect: f"never{_span(expect)}, {expect.never}{_forgiven(expect)}",
    "eventually": _eventually,
    "stays": _stays,
    "count": _count,
    "gaps": _gaps,
    "order": lambda expect: f"in this order: {', '.join(expect.order or ())}{_span(expect)}",
    "unchanged": lambda _: "afterwards the host is as it was before",
    "sometimes": lambda expect: f"at least once in all runs{_span(expect)}, {expect.sometimes}",
}
"""The words for each operator."""


def _recover(recover: Recover) -> str:
    within, lasting = format_duration(recover.within), format_duration(recover.for_)
    return f"at most {within} after the last fault is over, {recover.steady}, and then for {lasting} without a break."
