"""`crashrig reproduce`: run a cell of an earlier run again as it was, and say how often it came out the same."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from crashrig.commands.selection import fail, unrecorded
from crashrig.commands.stored import report_dir_option, stored_run
from crashrig.driving.exit_codes import INVALID

if TYPE_CHECKING:
    from crashrig.driving.cells import Cell
    from crashrig.results import CellResult, Run
    from crashrig.verdict import Verdict


@click.command("reproduce")
@click.argument("cell", metavar="PATH|RUN#CELL")
@click.option("--repeat", type=click.IntRange(1), default=1, show_default=True, help="Run it so often.")
@click.option("--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="Repetitions at a time.")
@report_dir_option
def command(cell: str, repeat: int, jobs: int, report_dir: Path) -> None:
    """Run one cell again with the scenario, subject, seed and pace it had.

    PATH is the directory of a cell, or its repro/ directory. RUN#CELL is a run's directory or name, or "latest",
    and a cell as reports call it: latest#stop/kills_the_whole_tree[holdfast].

    Says how often the verdict was the same as then. Exit codes are those of `crashrig run`.
    """
    directory = _directory(cell, report_dir)
    cells = _cells(directory, repeat)
    before = _verdict_then(directory)
    run = _run(cells, report_dir, jobs)
    click.echo(_comparison(before, [result.verdict for result in run.cells], cells[0]))
    sys.exit(run.exit_code)


def _directory(text: str, reports: Path) -> Path:
    run, mark, name = text.partition("#")
    if not mark or Path(text).exists():
        return Path(text)
    place = Path(run) if Path(run).is_dir() else reports / run
    found = next((one for one in stored_run(place).cells if name in (str(one.key), one.directory)), None)
    if found is None or not found.directory:
        fail(f"{place}: no cell {name!r} has run there; expected a name such as SCENARIO[SUBJECT]", INVALID)
    return place / found.directory


def _cells(directory: Path, repeat: int) -> list[Cell]:
    from crashrig.driving.cells import Cell
    from crashrig.driving.config_choice import ConfigChoice
    from crashrig.driving.frozen import FrozenError, read_frozen
    from crashrig.driving.subject_choice import describe
    from crashrig.reading.scenario_file import ScenarioError
    from crashrig.subjects.protocol import SubjectError

    try:
        frozen, scenario = read_frozen(directory)
        subject = describe(frozen.subject)
    except (FrozenError, ScenarioError, SubjectError) as error:
        fail(str(error), INVALID)
    if subject.record.unavailable:
        fail(f"{frozen.subject} cannot run here: {subject.record.unavailable}", INVALID)
    config = ConfigChoice(frozen.key.config, override=frozen.override)
    keys = [msgspec.structs.replace(frozen.key, repetition=number) for number in range(1, repeat + 1)]
    return [Cell(key=key, subject=subject, scenario=scenario, config=config, pace=frozen.pace) for key in keys]


def _verdict_then(directory: Path) -> Verdict | None:
    from crashrig.driving.cell_spec import RESULT
    from crashrig.driving.frozen import DIRECTORY
    from crashrig.results import CellResult

    place = directory.parent if directory.name == DIRECTORY else directory
    try:
        stored: CellResult = msgspec.json.decode((place / RESULT).read_bytes(), type=CellResult)
    except (OSError, msgspec.MsgspecError):
        return None  # a repro/ directory that was sent to somebody stands alone
    return stored.verdict


def _run(cells: list[Cell], reports: Path, jobs: int) -> Run:
    from crashrig.driving.exit_codes import ERROR
    from crashrig.driving.runner import Options, Runner
    from crashrig.report import write_all
    from crashrig.report.console import Console

    options = Options(reports=reports, argv=["crashrig", *sys.argv[1:]], jobs=jobs, link_latest=False)
    try:
        return Runner(cells, [cells[0].subject.record], options, Console(), write_all).run()
    except OSError as error:
        fail(unrecorded(error), ERROR)


def _comparison(before: Verdict | None, now: list[Verdict], cell: Cell) -> str:
    counts = ", ".join(f"{verdict} {count} of {len(now)}" for verdict, count in Counter(now).most_common())
    if before is None:
        return f"{cell.key.scenario}: {counts or 'nothing ran'}"
    same = sum(verdict is before for verdict in now)
    return f"{cell.key.scenario}: was {before}; the same {same} of {len(now)} times ({counts or 'nothing ran'})"
