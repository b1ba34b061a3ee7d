"""Settings from several sources, laid on each other: preset, file, environment, flags; the later one wins.

Every source becomes a `Layers`: what it says of the run, of the fleet, and of all agents alike. Only a file
speaks of single agents; that layer lies between the file's defaults and the environment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.config import keys, sections
from holdfast.config.origins import At, FileOrigin
from holdfast.config.presets import PRESETS
from holdfast.config.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from holdfast.config.sections import Layer


@dataclass(frozen=True, slots=True)
class Layers:
    """What one source says; `agents` is None where it does not speak of single agents.

    `at` is where `shared` stands in the source; None for a preset, which has nothing that could be wrong.
    """

    top: Layer = field(default_factory=dict)
    fleet: Layer = field(default_factory=dict)
    shared: Layer = field(default_factory=dict)
    agents: dict[str, Layer] | None = None
    at: At | None = None


def of_file(document: Mapping[str, object], at: At) -> Layers:
    """A file in full."""
    return Layers(
        top=sections.top(document, at),
        fleet=sections.fleet(document.get("fleet", {}), at.child("fleet")),
        shared=sections.defaults(document.get("defaults", {}), at.child("defaults")),
        agents=sections.agents(document.get("agents", {}), at.child("agents")),
        at=at.child("defaults"),
    )


def of_preset(name: str) -> Layers:
    """The numbers of a preset; a name that is not known was reported where it was read."""
    preset = PRESETS.get(name)
    if preset is None:
        return Layers()
    at = At(FileOrigin(f"preset {name}", base="/"), problems=[])
    layers = Layers(fleet=sections.fleet(preset.fleet, at), shared=sections.defaults(preset.agent, at))
    assert not at.problems, at.problems
    return layers


def of_environment(environ: Mapping[str, str], at: At) -> Layers:
    """All HOLDFAST_ variables; one that is not known is a problem, for it was meant to do something."""
    known = keys.of_variables()
    values: dict[tuple[str, ...], object] = {}
    for name, text in sorted(environ.items()):
        if not name.startswith("HOLDFAST_") or name in keys.GIVEN_TO_AGENTS:
            continue
        if name in known:
            values[known[name]] = keys.at(known[name]).kind.from_text(text)
        else:
            meant = keys.nearest_variable(name)
            hint = f"did you mean {meant}?" if meant else "unset it"
            at.problems.append(Problem(at.origin.place(()), name, "a known variable", "no such variable", hint))
    return _of_values(values, at)


def of_flags(overrides: Mapping[str, object], at: At) -> Layers:
    """Flags by dotted key path; a text is read as on a command line, anything else is taken as in a file.

    KeyError for a path that does not exist.
    """
    values: dict[tuple[str, ...], object] = {}
    for name, value in overrides.items():
        path = tuple(name.split("."))
        key = keys.at(path)
        values[path] = key.kind.from_text(value) if isinstance(value, str) else value
    return _of_values(values, at)


def merged(*layers: Layer) -> Layer:
    """Later layers win, key by key, inside tables too."""
    result: Layer = {}
    for layer in layers:
        for name, value in layer.items():
            below = result.get(name)
            result[name] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


@dataclass(frozen=True, slots=True)
class Stack:
    """All that is said of one agent: `layer` by all sources together, `own` by the file's section alone."""

    own: Layer
    layer: Layer
    here: At
    places: dict[str, At]

    def where(self, name: str) -> At:
        """The place that decided this key; the agent itself for a default."""
        return self.places.get(name, self.here)


def stack(below: Sequence[Layers], own: Layer, here: At, above: Sequence[Layers]) -> Stack:
    """Lay the layers of one agent on each other, remembering where each key comes from."""
    parts = [(part.shared, part.at) for part in below]
    parts += [(own, here), *((part.shared, part.at) for part in above)]
    places = {name: at.child(name) for layer, at in parts if at is not None for name in layer}
    return Stack(own, merged(*(layer for layer, _ in parts)), here, places)


def _of_values(values: Mapping[tuple[str, ...], object], at: At) -> Layers:
    """Sort single values into the tables a file would have them in, and read those."""
    top: dict[str, object] = {}
    fleet: dict[str, object] = {}
    shared: dict[str, object] = {}
    for path, value in values.items():
        match path:
            case ("fleet", name):
                fleet[name] = value
            case ("heartbeat", name):
                heartbeat = shared.setdefault("heartbeat", {})
                assert isinstance(heartbeat, dict)
                heartbeat[name] = value
            case (name,) if name in keys.TOP:
                top[name] = value
            case (name, *_):
                shared[name] = value
    return Layers(
        top=sections.top(top, at),
        fleet=sections.fleet(fleet, at.child("fleet")),
        shared=sections.defaults(shared, at),
        at=at,
    )
