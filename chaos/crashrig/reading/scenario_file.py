"""Read scenario files: text to Scenario, with everything that is wrong in it told at once; and back to text.

Files are TOML, or JSON with the same keys (generated and shrunk scenarios). What is wrong with a scenario is
known in `checks/`; where scenarios are found is known in `library`.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from crashrig.quantities import decode_hook, encode_hook
from crashrig.reading.checks.everything import check
from crashrig.reading.checks.parts import salvage, whole
from crashrig.reading.checks.problem import Problem, show_path
from crashrig.reading.checks.shape import check_shape
from crashrig.reading.toml_lines import LineMap, json_lines, toml_lines
from crashrig.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Iterable

SUFFIXES = (".toml", ".json")


class ScenarioError(Exception):
    """Scenario files are wrong; `lines` has one complete line for each thing that is, with its file and line."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = list(lines)
        super().__init__("\n".join(self.lines))


class LoadedScenario(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario and the file it came from; `digest` is the SHA-256 of the text, in hexadecimal."""

    id: str
    path: Path
    scenario: Scenario
    text: str
    digest: str


def load_scenario(path: Path, id: str = "") -> LoadedScenario:  # noqa: A002
    """Read and check one file; its id is the path where none is given. ScenarioError says all that is wrong."""
    text = _read(path)
    scenario = parse_scenario(text, str(path), json=path.suffix == ".json")
    digest = hashlib.sha256(text.encode()).hexdigest()
    return LoadedScenario(id=id or str(path), path=path, scenario=scenario, text=text, digest=digest)


def parse_scenario(text: str, name: str, *, json: bool = False) -> Scenario:
    """Check the text of a file called `name`. ScenarioError says all that is wrong with it."""
    if not text.strip():
        raise ScenarioError([f"{name}: expected a scenario, found an empty file"])
    data = _parse_json(text, name) if json else _parse_toml(text, name)
    scenario, problems = _convert(data)
    if scenario is None or problems:
        raise ScenarioError(_placed(problems, name, json_lines(text) if json else toml_lines(text)))
    return scenario


def freeze(scenario: Scenario) -> str:
    """A scenario as JSON text that `parse_scenario` reads back equal; what has its default is left out."""
    encoded = msgspec.json.encode(scenario, enc_hook=encode_hook)
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        raise ScenarioError([f"{path}: expected a scenario file, found nothing of that name"]) from None
    except IsADirectoryError:
        raise ScenarioError([f"{path}: expected a scenario file, found a directory"]) from None
    except UnicodeDecodeError as error:
        found = f"the byte 0x{error.object[error.start]:02x} at position {error.start}"
        raise ScenarioError([f"{path}: expected UTF-8 text, found {found}"]) from None
    except OSError as error:
        raise ScenarioError([f"{path}: expected a file that can be read, found: {error.strerror}"]) from None


def _parse_toml(text: str, name: str) -> object:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).partition(" (at ")
        line = re.match(r"line (\d+)", place)
        number = line[1] if line else text.count("\n") + 1
        raise ScenarioError([f"{name}:{number}: expected TOML, found an error in it: {message}"]) from None


def _parse_json(text: str, name: str) -> object:
    import json

    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise ScenarioError([f"{name}:{error.lineno}: expected JSON, found an error in it: {error.msg}"]) from None
    repeated = json_lines(text).repeated
    if repeated:
        places = [f"{name}:{line}: {show_path(path)}" for path, line in repeated]
        raise ScenarioError([f"{place}: expected each key once, found it again" for place in places])
    return data


def _convert(data: object) -> tuple[Scenario | None, list[Problem]]:
    """The fast way, and when msgspec refuses, the way that finds everything."""
    try:
        scenario = msgspec.convert(data, Scenario, dec_hook=decode_hook)
    except msgspec.ValidationError as error:
        return None, _all_problems(data, str(error))
    return scenario, list(check(whole(scenario)))


def _all_problems(data: object, refusal: str) -> list[Problem]:
    """What is wrong with the shape, and with the rest of what can be read all the same.

    What is said of a thing as a whole is left out where a part of it is already known to be wrong.
    """
    problems = check_shape(data)
    if not problems:
        return [Problem((), "a scenario", f"something else: {refusal}")]
    if not isinstance(data, dict):
        return problems
    wrong = frozenset(problem.path for problem in problems)
    for problem in check(salvage(data, wrong)):
        if not any(path[: len(problem.path)] == problem.path for path in wrong):
            problems.append(problem)
    return problems


def _placed(problems: Iterable[Problem], name: str, lines: LineMap) -> list[str]:
    """One line for each problem, in the order of the file."""
    placed = sorted(((lines.line(problem.path), str(problem)) for problem in problems), key=lambda one: one[0])
    return [f"{name}:{line}: {text}" for line, text in dict.fromkeys(placed)]
