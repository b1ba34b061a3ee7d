"""The help of every command of holdfast, as a person reads it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from holdfast import __version__
from holdfast.cli import COMMANDS, main

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent / "holdfast_help"


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help(command: str, golden: Callable[[Path, str], None]) -> None:
    arguments = [command, "--help"] if command else ["--help"]
    result = CliRunner().invoke(main, arguments, prog_name="holdfast", terminal_width=100)
    assert result.exit_code == 0
    golden(HERE / f"{command or 'holdfast'}.txt", result.output)


def test_version() -> None:
    result = CliRunner().invoke(main, ["--version"], prog_name="holdfast")
    assert result.output == f"holdfast, version {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run"], "Give either a configuration file, or a command after --."),
        (["run", "x.toml", "--", "y"], "Give either a configuration file, or a command after --."),
        (["run", "--"], "Give either a configuration file, or a command after --."),
        (["run", "python", "x.py"], "To run a command, put -- before it: holdfast run -- python x.py"),
        (["run", "--name", "x", "y.toml"], "--name is for a command after --; a file names its agents itself."),
        (["check", "--env", "A", "--", "x"], "expected NAME=VALUE, found 'A'"),
        (["stop", "--wait", "5", "x"], "expected a duration with a unit, such as \"30s\", found '5'"),
        (["stauts"], "No such command 'stauts'. Did you mean 'status'?"),
        (["xyzzy"], "No such command 'xyzzy'. Commands: run, check"),
        (["run", "--graec", "5s", "x.toml"], "--graec"),
    ],
)
def test_wrong_use(arguments: list[str], told: str) -> None:
    result = CliRunner().invoke(main, arguments, prog_name="holdfast")
    assert result.exit_code == 2
    assert told in result.output
