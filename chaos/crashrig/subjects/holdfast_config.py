"""A job in holdfast's own words: the TOML file that both a real and a simulated holdfast are given.

Text in, text out; holdfast itself is not imported, so that this is what any user could have written.
"""

from __future__ import annotations

import json
import re
import signal
import tomllib
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from crashrig.subjects.protocol import SubjectError
from crashrig.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crashrig.subjects.protocol import AgentJob, Job

STATE_DIRECTORY = "state"
SIGNALLED = 128  # a shell's exit code for a death by signal n is this plus n
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")

OF_THE_SCENARIO = frozenset({"command", "directory", "environment", "user", "log", "after"})
"""Keys of an agent that a user's configuration does not change: they are what is run, not how it is kept."""

KEYS = ("preset", "state_directory", "containment", "seed", "fleet", "defaults", "agents")
"""What a configuration of holdfast has at its top. The state directory and the seed are those of the cell."""

TABLES = frozenset({"fleet", "defaults", "agents"})

HEARTBEAT_OF_THE_SCENARIO = frozenset({"file", "format", "notify", "output"})


def render_config(job: Job) -> str:
    """The whole configuration; a user's own (`job.override`) has the last word on policy.

    Raises SubjectError when the user's file cannot be read, or has keys that holdfast does not know.
    """
    own = _read(job.override, job.pace)
    document: dict[str, Any] = {
        "state_directory": f"{job.directory}/{STATE_DIRECTORY}",
        "containment": "auto",
        "seed": job.seed,
    }
    document |= {name: own[name] for name in ("preset", "containment", "fleet") if name in own}
    document["agents"] = {agent.name: _merged(_agent(agent), own, agent.name) for agent in job.agents}
    return _document(document)


def _agent(agent: AgentJob) -> dict[str, Any]:
    table: dict[str, Any] = {"command": agent.command}
    if agent.directory:
        table["directory"] = agent.directory
    if agent.environment:
        table["environment"] = agent.environment
    if agent.user:
        table["user"] = agent.user
    if agent.after:
        table["after"] = agent.after
    return {**table, "log": "inherit", **_policy(agent), **_heartbeat(agent)}


def _policy(agent: AgentJob) -> dict[str, Any]:
    policy = agent.policy
    return {
        "restart": policy.restart,
        "backoff": _backoff(agent),
        "jitter": policy.jitter,
        "stable_after": _duration(policy.stable_after),
        "max_restarts": policy.max_restarts,
        **_rate_limit(agent),
        "grace": _duration(policy.grace),
        "running_after": _duration(policy.running_after),
        "clean_codes": policy.clean_codes,
        "clean_signals": _clean_signals(policy.clean_codes, policy.restart_codes),
        "fatal_codes": policy.fatal_codes,
        "restart_codes": policy.restart_codes,
    }


def _backoff(agent: AgentJob) -> list[str] | dict[str, Any]:
    policy = agent.policy
    if policy.backoff is not None:
        return [_duration(delay) for delay in policy.backoff]
    return {
        "initial": _duration(policy.backoff_initial or 0.0),
        "multiplier": policy.backoff_multiplier or 1.0,
        "max": _duration(policy.backoff_max or 0.0),
    }


def _rate_limit(agent: AgentJob) -> dict[str, Any]:
    """Off unless the scenario says both: holdfast's own default is in nominal time, which a pace would falsify."""
    policy = agent.policy
    if policy.burst is None or policy.window is None:
        return {"burst": "unlimited"}
    return {"burst": policy.burst, "window": _duration(policy.window)}


def _clean_signals(clean_codes: list[int], restart_codes: list[int]) -> list[str]:
    """143 stands for exit 143 and for death by SIGTERM alike (RST-2)."""
    numbers = {code - SIGNALLED for code in set(clean_codes) - set(restart_codes)}
    return [name.name for name in signal.Signals if name in numbers]


def _heartbeat(agent: AgentJob) -> dict[str, Any]:
    policy = agent.policy
    if not agent.heartbeat_source or policy.heartbeat_timeout is None:
        return {}
    times = {"timeout": _duration(policy.heartbeat_timeout)}
    if policy.startup_grace is not None:
        times["startup_grace"] = _duration(policy.startup_grace)
    if agent.heartbeat_source == "file":
        return {"heartbeat": {"file": agent.heartbeat_file, "format": agent.heartbeat_format, **times}}
    return {"heartbeat": {agent.heartbeat_source: True, **times}}


def _read(path: str, pace: float) -> dict[str, Any]:
    """A user's configuration with its durations divided by the pace; empty without one."""
    if not path:
        return {}
    try:
        with open(path, "rb") as file:
            written = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SubjectError(f"{path}: not a configuration of holdfast: {error}") from error
    if problems := list(_problems(written)):
        raise SubjectError(f"{path}: not a configuration of holdfast: {'; '.join(problems)}")
    document: dict[str, Any] = _paced(written, pace)
    return document


def _problems(document: Mapping[str, Any]) -> Iterator[str]:
    """What would never reach holdfast, so that it could not refuse it itself: it must not be passed over."""
    for name, value in document.items():
        if name not in KEYS:
            near = get_close_matches(name, KEYS, n=1)
            yield f"unknown key {name!r}, " + (f"did you mean {near[0]!r}?" if near else f"known: {', '.join(KEYS)}")
        elif name in TABLES and not isinstance(value, dict):
            yield f"{name}: expected a table, found {value!r}"
    agents = document.get("agents")
    for name, value in agents.items() if isinstance(agents, dict) else ():
        if not isinstance(value, dict):
            yield f"agents.{name}: expected a table, found {value!r}"


def _paced(value: Any, pace: float) -> Any:
    match value:
        case dict():
            return {name: _paced(entry, pace) for name, entry in value.items()}
        case list():
            return [_paced(entry, pace) for entry in value]
        case str():
            try:
                return _duration(parse_duration(value) / pace)
            except ValueError:
                return value
    return value


def _merged(table: dict[str, Any], own: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The scenario's agent under the user's [defaults] and [agents.NAME]; what holdfast refuses, it says itself."""
    merged = dict(table)
    for layer in (own.get("defaults", {}), own.get("agents", {}).get(name, {})):
        policy = {key: value for key, value in layer.items() if key not in OF_THE_SCENARIO}
        beats = policy.pop("heartbeat", {})
        merged |= policy
        if "heartbeat" in merged and isinstance(beats, dict):
            times = {key: value for key, value in beats.items() if key not in HEARTBEAT_OF_THE_SCENARIO}
            merged["heartbeat"] = merged["heartbeat"] | times
    return merged


def _duration(seconds: float) -> str:
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


def _document(document: Mapping[str, Any]) -> str:
    """TOML with one section for [fleet] and one for each agent; tables below those are written inline."""
    sections = {"": {key: value for key, value in document.items() if key not in ("fleet", "agents")}}
    if "fleet" in document:
        sections["[fleet]"] = document["fleet"]
    sections |= {f"[agents.{_key(name)}]": agent for name, agent in document["agents"].items()}
    return "\n".join(_section(header, keys) for header, keys in sections.items())


def _section(header: str, keys: Mapping[str, Any]) -> str:
    lines = [header] if header else []
    return "\n".join([*lines, *(f"{_key(name)} = {_value(value)}" for name, value in keys.items())]) + "\n"


def _key(name: str) -> str:
    return name if BARE_KEY.fullmatch(name) else _value(name)


def _value(value: Any) -> str:
    """One value in TOML; JSON writes scalars alike, but for DEL, which TOML wants escaped."""
    match value:
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            return f"{{ {', '.join(f'{_key(name)} = {_value(entry)}' for name, entry in value.items())} }}"
        case _:
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
