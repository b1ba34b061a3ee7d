"""How commands find an earlier run: the option that says where runs are kept, and reading one or ending the command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from crashrig.commands.selection import fail
from crashrig.driving.exit_codes import INVALID

if TYPE_CHECKING:
    from crashrig.results import Run

report_dir_option = click.option(
    "--report-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("reports"),
    show_default=True,
    help="Where runs are kept.",
)
"""Gives a command its `report_dir`."""


def stored_run(place: Path) -> Run:
    """The run in a directory, or in its run.json; says why and ends the command when there is none to be read."""
    from crashrig.report.files import ReportError
    from crashrig.report.run_json import read_run

    try:
        return read_run(place)
    except ReportError as error:
        fail(str(error), INVALID)
