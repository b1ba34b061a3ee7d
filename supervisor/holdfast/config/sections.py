"""One function for each section of a configuration: it reads a table and reports all that is wrong in it.

A section that was read is a *layer*: a plain dict of settings by key, holding only what its source says. The
same functions read a file, a preset, the environment and the flags; `layers` lays the results on each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.config import keys, readers
from holdfast.config.origins import At, Refused
from holdfast.config.problems import show
from holdfast.settings import BeatSource

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from holdfast.config.keys import Key

Layer = dict[str, Any]  # settings of many kinds, each as its key's kind reads it; short-lived

REFUSED = object()
"""Stands in a layer for what was refused: something was written there, so nobody need miss it."""

_PER_AGENT = ("command", "after")
_HOMES: dict[str, Container[str]] = {
    "at the top of the file, above all sections": keys.TOP,
    "under [fleet]": keys.FLEET,
    "under [agents.NAME]": _PER_AGENT,
    "under [defaults] or [agents.NAME]": {*keys.AGENT, *keys.POLICY, "heartbeat"},
    "in the table heartbeat of an agent": keys.HEARTBEAT,
}


def top(table: Mapping[str, object], at: At) -> Layer:
    """The keys above all sections; the sections themselves are read by the others."""
    own = {name: value for name, value in table.items() if name not in keys.SECTIONS}
    return _known(own, at, keys.TOP, also=keys.SECTIONS)


def fleet(table: object, at: At) -> Layer:
    """[fleet]: what concerns all agents together."""
    return _known(table, at, keys.FLEET)


def defaults(table: object, at: At) -> Layer:
    """[defaults]: any key that can be the same for all agents."""
    known = {name: key for name, key in {**keys.AGENT, **keys.POLICY}.items() if name not in _PER_AGENT}
    return _agent_keys(table, at, known)


def agent(table: object, at: At) -> Layer:
    """[agents.NAME]: one agent."""
    layer = _agent_keys(table, at, {**keys.AGENT, **keys.POLICY})
    if isinstance(table, dict) and "command" not in table:
        at.report("a key command", "none", 'write command = ["program", "argument"]')
    return layer


def agents(table: object, at: At) -> dict[str, Layer]:
    """[agents]: every agent that has a usable name."""
    if not isinstance(table, dict):
        at.report("sections [agents.NAME], one for each agent", show(table))
        return {}
    if not table:
        at.report("at least one section [agents.NAME]", "none", 'write [agents.worker] and command = ["program"]')
    layers = {}
    for name, content in table.items():
        layers[name] = agent(content, at.child(name))
        if not readers.NAME.fullmatch(name):
            at.child(name).report(readers.NAME_EXPECTED, show(name))
    return layers


def _agent_keys(table: object, at: At, known: Mapping[str, Key]) -> Layer:
    if not isinstance(table, dict):
        return _known(table, at, known)
    rest = {name: value for name, value in table.items() if name != "heartbeat"}
    layer = _known(rest, at, known, also=("heartbeat",))
    if "heartbeat" in table:
        layer["heartbeat"] = _heartbeat(table["heartbeat"], at.child("heartbeat"))
    return layer


def _heartbeat(table: object, at: At) -> Layer:
    """A heartbeat table; `source` None means switched off, a layer without `source` leaves it to those below."""
    if table == readers.OFF:
        return {"source": None}
    if not isinstance(table, dict):
        at.report('a table such as { file = "beat", timeout = "90s" }, or "off"', show(table))
        return {}
    layer = _known(table, at, keys.HEARTBEAT)
    sources = [name for name in keys.HEARTBEAT_SOURCE if name in table]
    if len(sources) > 1:
        at.report("one source of beats: file, notify or output", " and ".join(sources))
    if len(sources) == 1 and sources != ["file"] and "format" in table:
        at.child("format").report("no format: only a heartbeat file has one", show(table["format"]))
    for name in sources:
        path = layer.pop(name)
        layer |= {"source": BeatSource(name), "path": path if name == "file" else ""}
    return layer


def _known(table: object, at: At, known: Mapping[str, Key], also: tuple[str, ...] = ()) -> Layer:
    """Read the known keys of a table, report the others."""
    if not isinstance(table, dict):
        at.report("a table", show(table))
        return {}
    layer: Layer = {}
    for name, value in table.items():
        if name not in known:
            at.unknown(name, "a known key", [*known, *also], _home(name))
            layer[name] = REFUSED
            continue
        try:
            layer[name] = known[name].kind.read(value, at.child(name))
        except Refused:
            layer[name] = REFUSED
    return layer


def _home(name: str) -> str:
    """Where a key belongs that is known, but not here."""
    return next((f"{name} belongs {where}" for where, table in _HOMES.items() if name in table), "")
