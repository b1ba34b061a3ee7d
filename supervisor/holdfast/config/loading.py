"""The way from a source of settings to `Settings`: parse, read every layer, merge, check, build."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.config import building, checks, kinds, layers
from holdfast.config.lines import key_lines
from holdfast.config.origins import At, EnvironmentOrigin, FileOrigin, FlagOrigin, Origin
from holdfast.config.problems import ConfigError, Problem
from holdfast.locations import default_state_directory
from holdfast.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from holdfast.config.layers import Layers
    from holdfast.settings import AgentSettings

_TEXT_NAME = "<text>"
_PLACE = re.compile(r"(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)", re.DOTALL)
_LINE = re.compile(r"(:\d+){1,2}$")
_BARE_DURATION = re.compile(r"=\s*\[?\s*\d+(\.\d+)?\s*[a-zA-Z]")


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
    text = _read(source, run.problems) if isinstance(source, Path) else source
    document = _parse(text, name, run.problems)
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
    document = _parse(_read(path, problems), str(path), problems) or {}
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
            raise ConfigError(source, sorted(self.problems, key=_by_place))
        section = building.usable(layers.merged(preset.fleet, file.fleet, environment.fleet, flags.fleet))
        return Settings(
            agents=tuple(agents.values()),
            state_directory=top.get("state_directory") or default_state_directory(stem, identity, self._environ),
            fleet=building.fleet(top, section),
            containment=top.get("containment", Settings((), "").containment),
            source=source if isinstance(origin, FileOrigin) else "",
        )

    def _agents(self, at: At, below: Sequence[Layers], above: Sequence[Layers]) -> dict[str, AgentSettings]:
        """Each agent between the layers below and above it, with what must hold between its keys."""
        agents: dict[str, AgentSettings] = {}
        for name, own in (below[-1].agents or {}).items():
            here = at.child("agents", name)
            layer = layers.merged(*(lower.shared for lower in below), own, *(upper.shared for upper in above))
            checks.rate_limit(layer, here)
            checks.heartbeat(own, layer, here)
            agents[name] = building.agent(name, building.usable(layer), at.origin.base)
            checks.codes(agents[name], here)
        checks.heartbeat_flags(above[-1].shared, agents, At(FlagOrigin(os.getcwd()), self.problems))
        checks.dependencies(agents, at.child("agents"))
        checks.heartbeat_files(agents, at.child("agents"))
        return agents


def _read(path: Path, problems: list[Problem]) -> str:
    """The text of the file; of what cannot be read, a problem and nothing."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problems.append(Problem(f"{path}:{line}", "", "text in UTF-8", f"byte 0x{error.object[error.start]:02x}"))
    except OSError as error:
        problems.append(Problem(str(path), "", "a file that can be read", error.strerror or str(error)))
    return ""


def _parse(text: str, name: str, problems: list[Problem]) -> dict[str, object] | None:
    """The document; of what is no TOML, a problem with line and column, and None."""
    if problems:
        return None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problems.append(_syntax_problem(str(error), text, name))
        return None


def _syntax_problem(message: str, text: str, name: str) -> Problem:
    match = _PLACE.fullmatch(message)
    lines = text.split("\n")
    if match is None or match["line"] is None:
        line, column = len(lines), len(lines[-1]) + 1
    else:
        line, column = int(match["line"]), int(match["column"])
    bare = _BARE_DURATION.search(lines[line - 1])
    hint = 'durations and sizes are texts in quotes, such as "10s"' if bare else ""
    found = f"{match['what'] if match else message}, in: {lines[line - 1].strip()}"
    return Problem(f"{name}:{line}:{column}", "", "a TOML file", found, hint)


def _identity(source: Path | str) -> tuple[str, str]:
    """What the default state directory is named after, and what tells it from others of that name."""
    if isinstance(source, Path):
        return source.stem, os.path.realpath(source)
    return "text", source


def _agent_name(program: str) -> str:
    """A permitted name made of the program's."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", os.path.basename(program))[:64].lstrip(".-")
    return name or "agent"


def _by_place(problem: Problem) -> tuple[bool, list[int]]:
    """The file from top to bottom, then what has no lines; equal places keep their order."""
    numbers = _LINE.search(problem.place)
    return numbers is None, [int(number) for number in numbers[0].split(":")[1:]] if numbers else []
