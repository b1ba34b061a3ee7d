"""From the agents of a scenario to plans, and to commands that a supervisor can be given.

This is the rig's side; what a fake agent reads is in `plan_file`. The simulation takes the plans and writes no
files.
"""

from __future__ import annotations

import signal
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from crashrig.agents.behaviours import VERBS, load
from crashrig.agents.plan_file import Plan, Step, dump
from crashrig.judging.reference import members
from crashrig.scenario import Agent, Policy
from crashrig.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crashrig.scenario import Scenario

REPORTS = "reports"
"""Name of the FIFO in a cell's directory; the cell makes it and holds its only read end."""

LIFETIME_MARGIN_SECONDS = 30.0
"""How long after the scenario's timeout a fake agent ends itself, if nobody has done it before."""

ENTRY = Path(__file__).with_name("run.py")
NOBODY = "crashrig-nobody-of-that-name"


class PreparedAgent(msgspec.Struct, frozen=True, kw_only=True):
    """One agent, ready for a supervisor: `policy` is nominal, `after` names prepared agents.

    `heartbeat_source` is empty where the scenario watches no heartbeat. `user` is set only for a command that
    must fail for it.
    """

    name: str
    command: list[str]
    directory: str
    policy: Policy
    heartbeat_source: str
    heartbeat_file: str
    heartbeat_format: str
    after: list[str]
    user: str = ""


def expand(agents: Mapping[str, Agent]) -> dict[str, Agent]:
    """Every single agent by its name: `worker` with a count of 2 is `worker_1` and `worker_2`.

    `after` is expanded as well: whoever comes after `worker` comes after all of them.
    """
    names = members({name: agent.count for name, agent in agents.items()})
    return {
        single: msgspec.structs.replace(agent, count=1, after=[n for needed in agent.after for n in names[needed]])
        for name, agent in agents.items()
        for single in names[name]
    }


def make_plan(name: str, agent: Agent, scenario: Scenario, pace: float, seed: int) -> Plan:
    """What one agent is to do; paths are left empty."""
    plan = Plan()
    plan.agent = name
    plan.pace = pace
    plan.seed = zlib.crc32(f"{seed}/{name}".encode())
    plan.source = agent.heartbeat
    plan.format = agent.heartbeat_format
    plan.memory = scenario.budget.memory
    plan.disk = scenario.budget.disk
    if agent.lifetime is None:
        plan.lifetime = scenario.timeout / pace + LIFETIME_MARGIN_SECONDS
    else:
        plan.lifetime = agent.lifetime / pace
    plan.behaviours = [[make_step(step) for step in steps] for steps in agent.starts or [agent.behaviour]]
    return plan


def make_step(written: Mapping[str, object]) -> Step:
    """A step as the scenario has it, `{"beat": "30s", "for": "2m"}`, for the plan; ValueError for a wrong one."""
    verb = next((key for key in written if key in VERBS), None)
    if verb is None:
        raise ValueError(f"expected a step with one of the verbs {', '.join(VERBS)}, found {dict(written)!r}")
    module = load(verb)
    kinds: dict[str, str] = {verb: module.VALUE, **module.OPTIONS}
    unknown = set(written) - set(kinds)
    if unknown:
        raise ValueError(f"step {verb!r}: unknown option {min(unknown)!r}; there are: {', '.join(kinds)}")
    values = {key: _CONVERTERS[kinds[key]](value) for key, value in written.items()}
    return Step(verb, values.pop(verb), values)


def _signal_number(value: object) -> str:
    try:
        return str(int(signal.Signals[str(value)]))
    except KeyError:
        raise ValueError(f'expected the name of a signal such as "SIGTERM", found {value!r}') from None


_CONVERTERS: dict[str, Callable[[object], str]] = {
    "duration": lambda value: f"{parse_duration(str(value)):.9g}",
    "signal": _signal_number,
    "flag": lambda value: "true" if value else "false",
    "code": str,
    "count": str,
    "probability": str,
    "word": str,
}


def prepare(scenario: Scenario, directory: Path, pace: float, seed: int) -> list[PreparedAgent]:
    """Write the plan of every agent under `directory`, the cell's, and say how to run it."""
    return [
        _prepare_one(name, agent, scenario, directory, pace, seed) for name, agent in expand(scenario.agents).items()
    ]


def _prepare_one(name: str, agent: Agent, scenario: Scenario, directory: Path, pace: float, seed: int) -> PreparedAgent:
    home = directory / "agents" / name
    starts = home / "starts"
    starts.mkdir(parents=True)
    plan = make_plan(name, agent, scenario, pace, seed)
    plan.reports = str(directory / REPORTS)
    plan.starts = str(starts)
    plan.file = str(home / "heartbeat")
    path = home / "plan"
    path.write_text(dump(plan))
    policy = agent.policy or scenario.policy
    prepared = PreparedAgent(
        name=name,
        command=[sys.executable, "-I", "-S", "-E", str(ENTRY), str(path)],
        directory=str(home),
        policy=policy,
        heartbeat_source=agent.heartbeat if policy.heartbeat_timeout is not None else "",
        heartbeat_file=plan.file,
        heartbeat_format=agent.heartbeat_format,
        after=agent.after,
    )
    return _BREAKERS[agent.broken](prepared, home) if agent.broken else prepared


def _missing(agent: PreparedAgent, home: Path) -> PreparedAgent:
    return msgspec.structs.replace(agent, command=[str(home / "no-such-program")])


def _not_executable(agent: PreparedAgent, home: Path) -> PreparedAgent:
    return _script(agent, home / "not-executable", "#!/bin/sh\n", 0o600)


def _bad_interpreter(agent: PreparedAgent, home: Path) -> PreparedAgent:
    return _script(agent, home / "bad-interpreter", f"#!{home}/no-such-interpreter\n", 0o700)


def _script(agent: PreparedAgent, path: Path, text: str, mode: int) -> PreparedAgent:
    path.write_text(text)
    path.chmod(mode)
    return msgspec.structs.replace(agent, command=[str(path)])


def _missing_directory(agent: PreparedAgent, home: Path) -> PreparedAgent:
    return msgspec.structs.replace(agent, directory=str(home / "no-such-directory"))


def _unknown_user(agent: PreparedAgent, home: Path) -> PreparedAgent:  # noqa: ARG001
    return msgspec.structs.replace(agent, user=NOBODY)


_BREAKERS: dict[str, Callable[[PreparedAgent, Path], PreparedAgent]] = {
    "missing": _missing,
    "not-executable": _not_executable,
    "bad-interpreter": _bad_interpreter,
    "missing-directory": _missing_directory,
    "unknown-user": _unknown_user,
}
