"""From a file to a TOML document; a file that cannot be read, or is no TOML, becomes a problem with its place."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

from holdfast.config.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

_PLACE = re.compile(r"(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)", re.DOTALL)
_BARE_DURATION = re.compile(r"=\s*\[?\s*\d+(\.\d+)?\s*[a-zA-Z]")


def read(path: Path, problems: list[Problem]) -> str:
    """The text of the file; of what cannot be read, a problem and nothing."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problems.append(Problem(f"{path}:{line}", "", "text in UTF-8", f"byte 0x{error.object[error.start]:02x}"))
    except OSError as error:
        problems.append(Problem(str(path), "", "a file that can be read", error.strerror or str(error)))
    return ""


def parse(text: str, name: str, problems: list[Problem]) -> dict[str, object] | None:
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
    what, where = match["what"] if match else message, lines[line - 1].strip()
    found = f"{what}, in: {where}" if where else what
    return Problem(f"{name}:{line}:{column}", "", "a TOML file", found, hint)
