"""A cell as it was run, frozen beside its results so that it can be run again: scenario, subject, seed, pace.

The directory `repro/` of a cell holds `scenario.json`, `cell.json`, the configuration of the user's if there was
one, and `repro.sh`.
"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from crashrig.reading.scenario_file import freeze, load_scenario
from crashrig.results import CellKey

if TYPE_CHECKING:
    from crashrig.driving.cells import Cell
    from crashrig.scenario import Scenario

DIRECTORY = "repro"
SCENARIO = "scenario.json"
CELL = "cell.json"
SCRIPT = "repro.sh"

_SCRIPT = """#!/bin/sh
# Run this cell again: the same scenario, subject, seed and pace. Options are passed on, such as --repeat 10.
exec crashrig reproduce "$(dirname "$0")" "$@"
"""


class FrozenError(Exception):
    """There is no frozen cell where one was looked for, or it cannot be read; the text says where and why."""


class FrozenCell(msgspec.Struct, frozen=True, kw_only=True):
    """What `cell.json` says. `override` names the file beside it, empty for none."""

    key: CellKey
    subject: str
    pace: float
    override: str = ""


def write_frozen(cell: Cell, directory: Path) -> Path:
    """Freeze a cell below the directory of its results; says where the scenario lies now."""
    target = directory / DIRECTORY
    target.mkdir(parents=True, exist_ok=True)
    override = ""
    if cell.config.override:
        override = f"config{Path(cell.config.override).suffix}"
        shutil.copyfile(cell.config.override, target / override)
    frozen = FrozenCell(key=cell.key, subject=cell.subject.name, pace=cell.pace, override=override)
    (target / CELL).write_bytes(msgspec.json.format(msgspec.json.encode(frozen), indent=2) + b"\n")
    (target / SCENARIO).write_text(freeze(cell.scenario), encoding="utf-8")
    script = target / SCRIPT
    script.write_text(_SCRIPT, encoding="utf-8")
    script.chmod(0o755)
    return target / SCENARIO


def read_frozen(directory: Path) -> tuple[FrozenCell, Scenario]:
    """The cell that was frozen in a `repro/` directory, or in the one above it.

    FrozenError when there is none; ScenarioError when its scenario has been changed and is wrong now.
    """
    place = directory / DIRECTORY if (directory / DIRECTORY).is_dir() else directory
    try:
        frozen = msgspec.json.decode((place / CELL).read_bytes(), type=FrozenCell)
    except OSError as error:
        raise FrozenError(f"{place / CELL}: {error.strerror}; expected the repro/ directory of a cell") from error
    except msgspec.MsgspecError as error:
        raise FrozenError(f"{place / CELL}: expected a frozen cell, found: {error}") from error
    if frozen.override:
        frozen = msgspec.structs.replace(frozen, override=str((place / frozen.override).absolute()))
    return frozen, load_scenario(place / SCENARIO, frozen.key.scenario).scenario


def command_for(directory: Path) -> str:
    """The command that runs the cell again whose results lie in `directory`."""
    place = directory / DIRECTORY
    near = place.relative_to(Path.cwd()) if place.is_relative_to(Path.cwd()) else place
    return f"crashrig reproduce {shlex.quote(str(near))}"
