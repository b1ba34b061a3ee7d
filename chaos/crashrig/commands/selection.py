"""How commands choose scenarios: the shared argument and options, and how a bad choice ends the command.

Finding and reading is done by `library`; exit codes are those of `exit_codes`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn, TypeVar

import click

from crashrig.driving.exit_codes import INVALID, NOTHING
from crashrig.reading.library import Filters, NothingSelected, select
from crashrig.reading.scenario_file import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from crashrig.reading.scenario_file import LoadedScenario

F = TypeVar("F", bound="Callable[..., object]")


def scenario_arguments(function: F) -> F:
    """Add SCENARIO..., --tag, --level and --promise to a command, as `scenarios`, `tags`, `levels`, `promises`."""
    for decorate in (
        click.option("--promise", "promises", multiple=True, metavar="ID", help="Only those that show this promise."),
        click.option(
            "--level", "levels", multiple=True, type=click.Choice(["must", "should", "may"]), help="Only this level."
        ),
        click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only those with this tag."),
        click.argument("scenarios", nargs=-1, metavar="[ID|GLOB|PATH]..."),
    ):
        function = decorate(function)
    return function


def chosen(
    scenarios: Sequence[str], *, tags: Sequence[str] = (), levels: Sequence[str] = (), promises: Sequence[str] = ()
) -> list[LoadedScenario]:
    """What the arguments select; ends the command with the right exit code when that is nothing, or not valid."""
    try:
        return select(scenarios, Filters(tags=tuple(tags), levels=tuple(levels), promises=tuple(promises)))
    except ScenarioError as error:
        fail(str(error), INVALID)
    except NothingSelected as error:
        fail(str(error), NOTHING)


def fail(text: str, code: int) -> NoReturn:
    """Say why on stderr and end."""
    click.echo(text, err=True)
    sys.exit(code)


def unrecorded(error: OSError) -> str:
    """What to say of a run that could not be begun, or whose reports could not be written."""
    what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return f"The run could not be carried out or recorded: {what}; choose where reports go with --report-dir"
