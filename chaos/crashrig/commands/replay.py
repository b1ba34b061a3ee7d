"""crashrig replay: do the decisions of a real run come out again, and is its journal true?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from crashrig.commands.selection import fail
from crashrig.commands.stored import report_dir_option
from crashrig.driving.cell_spec import HISTORY
from crashrig.driving.exit_codes import FAILED, INVALID, NOTHING, PASSED

if TYPE_CHECKING:
    from collections.abc import Iterator

JOURNAL = "journal.jsonl"
RUN = "run.json"
DIFFERENCES_SHOWN = 20
"""So many lines of one journal's differences are printed; the first ones tell the cause."""


class Case(NamedTuple):
    """One journal, and the history of the cell it comes from, if that is there."""

    name: str
    journal: Path
    history: Path | None


@click.command()
@click.argument("what", metavar="RUN[#CELL]|JOURNAL|DIRECTORY")
@report_dir_option
def command(what: str, report_dir: Path) -> None:
    """Feed holdfast's journals back into its core and compare every decision.

    RUN is the directory of a run or its name in the report directory, as in `latest`; #CELL chooses one of its
    cells by scenario. JOURNAL is a journal, DIRECTORY anything that holds some. Where the history of the cell is
    there, the journal's starts and ends are compared with those that were seen from outside.

    Exit code: 0 when everything agrees, 1 for a difference, 2 for something that cannot be read, 5 when there is
    no journal.
    """
    path, _, cell = what.partition("#")
    place = _place(Path(path), report_dir)
    cases = [case for case in _cases(place) if _is_chosen(case, cell)]
    if not cases:
        fail(f"{what}: no journal of holdfast here; expected a real run of holdfast, or its journal", NOTHING)
    differing = sum(not _show(case) for case in cases)
    click.echo(
        f"{len(cases)} journals, {len(cases) - differing} agree" + (f", {differing} differ" if differing else "")
    )
    sys.exit(FAILED if differing else PASSED)


def _place(path: Path, report_dir: Path) -> Path:
    """Where it is: as given, or by its name in the report directory."""
    if not path.exists() and (report_dir / path).exists():
        return report_dir / path
    if not path.exists():
        fail(f"{path}: there is no such file or directory, nor a run of that name in {report_dir}", INVALID)
    return path


def _cases(place: Path) -> Iterator[Case]:
    """The journals at a place: of all cells of a run, of one cell, or the one file."""
    place = place.resolve()
    top = place.parent if place.is_file() else place
    journals = [place] if place.is_file() and place.name != RUN else sorted(top.rglob(JOURNAL))
    for journal in journals:
        cell = next((folder for folder in journal.parents if (folder / HISTORY).exists()), None)
        inside = cell is not None and cell != top and cell.is_relative_to(top)
        name = str(cell.relative_to(top)) if inside and cell is not None else str(cell or journal)
        yield Case(name, journal, cell / HISTORY if cell is not None else None)


def _is_chosen(case: Case, cell: str) -> bool:
    """A cell is named by its directory in the run, with or without the subject, or as reports write it."""
    plain = cell.partition("[")[0]
    return not cell or case.name in (cell, plain) or case.name.partition("/")[2] in (cell, plain)


def _show(case: Case) -> bool:
    """Print how one journal fares; whether everything agrees."""
    from crashrig.history import HistoryError, read_history
    from crashrig.replay import cross_check, replay
    from holdfast.journal_reader import JournalError, read

    try:
        runs = read(str(case.journal))
        history = read_history(case.history) if case.history is not None else None
    except (JournalError, HistoryError, OSError) as error:
        fail(f"{case.name}: {error}", INVALID)
    differences = [line for run in runs for line in replay(run)]
    differences += cross_check(runs, history) if history is not None else []
    decisions = sum(len(run.entries) for run in runs)
    seen = "" if history is None else ", and the journal tells what was seen"
    click.echo(f"{case.name}: " + ("differs" if differences else f"{decisions} decisions agree{seen}"))
    for line in differences[:DIFFERENCES_SHOWN]:
        click.echo(f"  {line}")
    if len(differences) > DIFFERENCES_SHOWN:
        click.echo(f"  … and {len(differences) - DIFFERENCES_SHOWN} more")
    return not differences
