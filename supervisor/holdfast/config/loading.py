"""The way from a source of settings to `Settings`: parse, read every layer, merge, check, build."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.config import building, checks, kinds, layers
from holdfast.config.lines import key_lines
from holdfast.config.origins import At, EnvironmentOrigin, FileOrigin, FlagOrigin, Origin
from holdfast.config.parsing import parse, read
from holdfast.config.problems import ConfigError, Problem
from holdfast.locations import default_state_directory
from holdfast.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from holdfast.config.layers import Layers
    from holdfast.settings import AgentSettings

_TEXT_NAME = "<text>"
_LINE = re.compile(r"(:\d+){1,2}$")


def load(
    source: Path | str, *, environ: Mapping[str, str] | None = None, overrides: Mapping[str, object] | None = None
) -> Settings:
    """Settings of a file (a `Path`) or of a text in its format (a `str`).

    `environ` is `os.environ` by default. `overrides` are flags by key path ("grace", "heartbeat.timeout"): a
    text is read as on the command line, another value as in a file. ConfigError carries everything wrong.
    """
    run = _Run(environ, overrides)
    name = str(source) if isinstance(source, Path) else _TEXT_NAME
    base = os.path.abspath(source.parent if isinstance(source, Path) else ".")
    text = read(source, run.problems) if isinstance(source, Path) else source
    document = parse(text, name, run.problems)
    origin = FileOrigin(name, base, {} if document is None else key_lines(text))
    stem, identity = _identity(source)
    return run.settings(document, origin, name, stem, identity)


def load_command(
    command: Sequence[str],
    *,
    name: str = "",
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Settings:
    """Settings for one command without a file; the agent is called after its program unless `name` is given."""
    run = _Run(environ, overrides)
    agent = name or _agent_name(command[0] if command else "")
    document = {"agents": {agent: {"command": list(command)}}}
    identity = "\0".join([os.getcwd(), *command])
    return run.settings(document, FlagOrigin(os.getcwd()), "command line", agent, identity)


def state_directory_of(path: Path, environ: Mapping[str, str]) -> str:
    """Where the supervisor of this file keeps its state, even while the file is being edited and has problems."""
    named = environ.get("HOLDFAST_STATE_DIRECTORY")
    if named:
        return os.path.abspath(named)
    problems: list[Problem] = []
    document = parse(read(path, problems), str(path), problems) or {}
    at = At(FileOrigin(str(path), os.path.abspath(path.parent)), problems)
    value = document.get("state_directory")
    if isinstance(value, str) and value:
        return str(kinds.DIRECTORY.read(value, at))
    return default_state_directory(*_identity(path), environ)


class _Run:
    """One loading: the sources that every run has, and all problems found on the way."""

    def __init__(self, environ: Mapping[str, str] | None, overrides: Mapping[str, object] | None) -> None:
        self.problems: list[Problem] = []
        self._environ = os.environ if environ is None else environ
        self._overrides = overrides or {}

    def settings(
        self, document: Mapping[str, object] | None, origin: Origin, source: str, stem: str, identity: str
    ) -> Settings:
        """Everything from the parsed document on; None stands for one that could not be parsed."""
        at = At(origin, self.problems)
        file = layers.Layers() if document is None else layers.of_file(document, at)
        environment = layers.of_environment(self._environ, At(EnvironmentOrigin(os.getcwd()), self.problems))
        flags = layers.of_flags(self._overrides, At(FlagOrigin(os.getcwd()), self.problems))
        top = building.usable(layers.merged(file.top, environment.top, flags.top))
        preset = layers.of_preset(top.get("preset", ""))
        agents = self._agents(at, [preset, file], [environment, flags])
        if self.problems:
            once = dict.fromkeys(self.problems)  # what [defaults] or a flag says was read for every agent
            raise ConfigError(source, sorted(once, key=_by_place))
        state_directory = top.get("state_directory") or default_state_directory(stem, identity, self._environ)
        if not os.path.isabs(state_directory):
            raise ConfigError(source, [_no_home(source)])
        section = building.usable(layers.merged(preset.fleet, file.fleet, environment.fleet, flags.fleet))
        return Settings(
            agents=tuple(agents.values()),
            state_directory=state_directory,
            fleet=building.fleet(top, section),
            containment=top.get("containment", Settings((), "").containment),
            source=source if isinstance(origin, FileOrigin) else "",
        )

    def _agents(self, at: At, below: Sequence[Layers], above: Sequence[Layers]) -> dict[str, AgentSettings]:
        """Each agent between the layers below and above it, with what must hold between its keys."""
        agents: dict[str, AgentSettings] = {}
        for name, own in (below[-1].agents or {}).items():
            stack = layers.stack(below, own, at.child("agents", name), above)
            agents[name] = building.agent(name, building.usable(stack.layer), at.origin.base)
            checks.rate_limit(stack)
            checks.heartbeat(stack)
            checks.codes(agents[name], stack)
        checks.heartbeat_flags(above[-1].shared, agents, At(FlagOrigin(os.getcwd()), self.problems))
        checks.dependencies(agents, at.child("agents"))
        checks.heartbeat_files(agents, at.child("agents"))
        return agents


def _identity(source: Path | str) -> tuple[str, str]:
    """What the default state directory is named after, and what tells it from others of that name."""
    if isinstance(source, Path):
        return source.stem, os.path.realpath(source)
    return "text", source


def _agent_name(program: str) -> str:
    """A permitted name made of the program's."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", os.path.basename(program))[:64].lstrip(".-")
    return name or "agent"


def _no_home(source: str) -> Problem:
    """As for a user without an entry among the users, and without HOME: there is no place for state by default."""
    hint = "say --state-directory PATH, or set HOLDFAST_STATE_DIRECTORY or HOME"
    return Problem(source, "state_directory", "a path, where there is no home directory", "none", hint)


def _by_place(problem: Problem) -> tuple[bool, list[int]]:
    """The file from top to bottom, then what has no lines; equal places keep their order."""
    numbers = _LINE.search(problem.place)
    return numbers is None, [int(number) for number in numbers[0].split(":")[1:]] if numbers else []
