"""Settings to JSON and back, exactly: how the command line hands a run to the daemon.

The command line reads TOML with libraries that the daemon has no use for; so it validates, and the daemon is
given the finished records on a descriptor. No rule about settings is here: what is handed over was checked
before, and a text that `to_json` did not make fails with KeyError, TypeError or ValueError.
"""

import json
from dataclasses import asdict
from typing import Any

from holdfast.policy import AgentPolicy, Backoff, FleetPolicy, HeartbeatPolicy, Restart
from holdfast.settings import AgentSettings, BeatFormat, BeatSource, Containment, HeartbeatSettings, Settings


def to_json(settings: Settings) -> str:
    """One line of JSON, in ASCII, so that arguments that are no UTF-8 survive (PEP 383)."""
    return json.dumps(asdict(settings), default=sorted, separators=(",", ":"))


def from_json(text: str) -> Settings:
    """The settings that `to_json` was given."""
    fields = json.loads(text)
    fields["agents"] = tuple(_agent(agent) for agent in fields["agents"])
    fields["fleet"] = FleetPolicy(**fields["fleet"])
    fields["containment"] = Containment(fields["containment"])
    return Settings(**fields)


def _agent(fields: dict[str, Any]) -> AgentSettings:
    fields["command"] = tuple(fields["command"])
    fields["heartbeat"] = _heartbeat(fields["heartbeat"])
    fields["policy"] = _policy(fields["policy"])
    return AgentSettings(**fields)


def _heartbeat(fields: dict[str, Any] | None) -> HeartbeatSettings | None:
    if fields is None:
        return None
    return HeartbeatSettings(BeatSource(fields["source"]), fields["path"], BeatFormat(fields["format"]))


def _policy(fields: dict[str, Any]) -> AgentPolicy:
    backoff = fields["backoff"]
    fields["backoff"] = Backoff(**{**backoff, "delays": tuple(backoff["delays"])})
    fields["restart"] = Restart(fields["restart"])
    fields["heartbeat"] = None if fields["heartbeat"] is None else HeartbeatPolicy(**fields["heartbeat"])
    fields["after"] = tuple(fields["after"])
    for name in ("clean_codes", "clean_signals", "restart_codes", "fatal_codes"):
        fields[name] = frozenset(fields[name])
    return AgentPolicy(**fields)
