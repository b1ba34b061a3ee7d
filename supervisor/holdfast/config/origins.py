"""Where a value comes from: a file, the environment, the command line, a preset; and how to complain there.

An `Origin` knows how to name a place in its source. An `At` is one such place, carried along while a value is
read, so that whoever finds something wrong need not know in which source it stands.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from holdfast.config.problems import Problem, nearest, show

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from holdfast.config.lines import Path

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


class Refused(Exception):  # noqa: N818
    """A value was refused and the problem is already reported; the reader leaves the key out and goes on."""


class Origin(Protocol):
    """A source of settings."""

    @property
    def base(self) -> str:
        """The directory that relative paths of this source start from, absolute."""

    def place(self, path: Path) -> str:
        """The source and, where there is one, the line."""

    def key(self, path: Path) -> str:
        """The key in the words of this source."""


@dataclass(frozen=True, slots=True)
class FileOrigin:
    """A TOML file, or a text in its format."""

    name: str
    base: str
    lines: Mapping[Path, int] = field(default_factory=dict)

    def place(self, path: Path) -> str:
        """`file:line`; the line of the enclosing table for what is not in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.name}:{self.lines.get(path, 1)}"

    def key(self, path: Path) -> str:
        """`$.agents.worker.backoff[2]`."""
        return "$" + "".join(map(_step, path))


@dataclass(frozen=True, slots=True)
class EnvironmentOrigin:
    """The `HOLDFAST_` variables."""

    base: str

    def place(self, path: Path) -> str:  # noqa: ARG002
        """An environment has no lines."""
        return "environment"

    def key(self, path: Path) -> str:
        """`HOLDFAST_HEARTBEAT_TIMEOUT`."""
        own, inside = _split(path)
        return variable(own) + inside


@dataclass(frozen=True, slots=True)
class FlagOrigin:
    """The command line, including the command of a run without a file."""

    base: str

    def place(self, path: Path) -> str:  # noqa: ARG002
        """A command line has no lines."""
        return "command line"

    def key(self, path: Path) -> str:
        """`--heartbeat-timeout`; COMMAND and --name for an agent that has no file."""
        match path:
            case ("agents", _):
                return "--name"
            case ("agents", _, "command", *rest):
                return "COMMAND" + "".join(map(_step, rest))
            case ("agents", _, *rest):
                return self.key(tuple(rest))
            case ("environment", *_):
                return "--env"
            case _:
                own, inside = _split(path)
                return flag(own) + inside


def variable(path: Path) -> str:
    """The environment variable of a key."""
    return "HOLDFAST_" + "_".join(step for step in path if isinstance(step, str)).upper()


def flag(path: Path) -> str:
    """The command-line flag of a key."""
    return "--" + "-".join(step for step in path if isinstance(step, str)).replace("_", "-")


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _PLAIN.fullmatch(step) else f"[{json.dumps(step, ensure_ascii=False)}]"


def _split(path: Path) -> tuple[Path, str]:
    """The key itself, and the place within its value: only tables of keys are part of a flag's name."""
    length = 2 if path[:1] in (("heartbeat",), ("fleet",)) else 1
    return path[:length], "".join(map(_step, path[length:]))


@dataclass(frozen=True, slots=True)
class At:
    """One place in one source, and the list that problems go to."""

    origin: Origin
    problems: list[Problem]
    path: Path = ()

    def child(self, *steps: str | int) -> At:
        """A place below this one."""
        return At(self.origin, self.problems, (*self.path, *steps))

    def report(self, expected: str, found: str, hint: str = "") -> None:
        """Say what is wrong here."""
        self.problems.append(Problem(self.origin.place(self.path), self.origin.key(self.path), expected, found, hint))

    def refused(self, expected: str, value: object, hint: str = "") -> Refused:
        """Say what is wrong with the value here; raise what is returned."""
        self.report(expected, show(value), hint)
        return Refused()

    def unknown(self, name: str, what: str, known: Iterable[str], elsewhere: str = "") -> None:
        """Say that a name below this place is not a known one, and which was most likely meant."""
        names = list(known)
        meant = nearest(name, names)
        listed = "known are: " + ", ".join(names)
        self.child(name).report(what, show(name), elsewhere or (f"did you mean {show(meant)}?" if meant else listed))
