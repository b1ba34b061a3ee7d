"""crashrig report: write the reports of a stored run again."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from crashrig.commands.stored import report_dir_option


@click.command()
@click.argument("run", type=click.Path(path_type=Path), default=None, required=False)
@report_dir_option
def command(run: Path | None, report_dir: Path) -> None:
    """Write the reports of a run again, from its run.json and its histories.

    RUN is the directory of a run, its run.json, or its name in the report directory; the latest run without it.
    Prints the path of every file written.
    """
    from crashrig.report import github, write_all
    from crashrig.report.files import ReportError
    from crashrig.report.run_json import read_run

    place = _place(run, report_dir)
    try:
        stored = read_run(place)
        written = write_all(stored, place if place.is_dir() else place.parent)
    except (ReportError, OSError) as error:
        raise click.UsageError(str(error)) from error
    github.publish(stored, sys.stderr)
    for path in written:
        click.echo(path)


def _place(run: Path | None, report_dir: Path) -> Path:
    """Where the run is: as given, or by its name in the report directory."""
    if run is None:
        return report_dir / "latest"
    return run if run.exists() or not (report_dir / run).exists() else report_dir / run
