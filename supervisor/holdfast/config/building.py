"""From merged layers to the frozen records that the loop and the core take.

Defaults are those of the records: a key that no layer has is not passed. Nothing is refused here.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from holdfast.config import keys
from holdfast.config.sections import REFUSED
from holdfast.policy import AgentPolicy, Backoff, FleetPolicy, HeartbeatPolicy
from holdfast.settings import AgentSettings, BeatSource, HeartbeatSettings

if TYPE_CHECKING:
    from holdfast.config.sections import Layer

_WORDS_OF_LOG = ("inherit", "null")


def usable(layer: Layer) -> Layer:
    """The layer without what was refused, inside tables too."""
    return {
        name: usable(value) if isinstance(value, dict) else value
        for name, value in layer.items()
        if value is not REFUSED
    }


def agent(name: str, layer: Layer, base: str) -> AgentSettings:
    """One agent; `base` is its working directory where no layer names one."""
    directory = layer.get("directory", base)
    return AgentSettings(
        name=name,
        command=layer.get("command", ()),
        directory=directory,
        environment=layer.get("environment", {}),
        user=layer.get("user", ""),
        log=_log(layer.get("log", "inherit"), directory),
        heartbeat=_heartbeat(layer.get("heartbeat", {}), directory),
        policy=_policy(layer),
    )


def fleet(top: Layer, section: Layer) -> FleetPolicy:
    """What concerns all agents together."""
    return FleetPolicy(**section, seed=top.get("seed", FleetPolicy().seed))


def _policy(layer: Layer) -> AgentPolicy:
    apart = ("backoff", "jitter")
    plain = {name: layer[name] for name in keys.POLICY if name in layer and name not in apart}
    backoff = replace(layer.get("backoff", Backoff()), jitter=layer.get("jitter", 0.0))
    patience = _patience(layer.get("heartbeat", {}))
    return AgentPolicy(**plain, backoff=backoff, heartbeat=patience, after=layer.get("after", ()))


def _patience(heartbeat: Layer) -> HeartbeatPolicy | None:
    """How long silence may last; none where no source of beats is named (HB-2, HB-3)."""
    if heartbeat.get("source") is None:
        return None
    timeout: float = heartbeat.get("timeout", HeartbeatPolicy().timeout)
    return HeartbeatPolicy(timeout=timeout, startup_grace=heartbeat.get("startup_grace", timeout))


def _heartbeat(layer: Layer, directory: str) -> HeartbeatSettings | None:
    source = layer.get("source")
    if source is None:
        return None
    if source is not BeatSource.FILE:
        return HeartbeatSettings(source)
    path = os.path.normpath(os.path.join(directory, layer.get("path", "")))
    return HeartbeatSettings(source, path, layer.get("format", HeartbeatSettings(source).format))


def _log(log: str, directory: str) -> str:
    return log if log in _WORDS_OF_LOG else os.path.normpath(os.path.join(directory, log))
