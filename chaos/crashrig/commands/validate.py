"""`crashrig validate`: everything that is wrong with scenario files, and silence when nothing is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from crashrig.commands.selection import fail
from crashrig.driving.exit_codes import INVALID, NOTHING
from crashrig.reading.library import NothingSelected, find, load_all
from crashrig.reading.scenario_file import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command("validate")
@click.argument("paths", nargs=-1, metavar="[PATH|ID|GLOB]...")
def command(paths: Sequence[str]) -> None:
    """Check scenario files: those that are named, or all built-in ones.

    Says all that is wrong, one line for each problem, on standard output, and ends with 2; ends with 0 when nothing
    is wrong, and with 5 when nothing was selected.
    """
    try:
        found = find(paths)
        load_all(found)
    except NothingSelected as error:
        fail(str(error), NOTHING)
    except ScenarioError as error:
        click.echo(str(error))
        click.echo(_count(len(error.lines), "problem"), err=True)
        sys.exit(INVALID)
    click.echo(f"{_count(len(found), 'scenario')} valid", err=True)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
