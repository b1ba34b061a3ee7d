"""`crashrig run`: run scenarios on subjects and judge them from outside."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crashrig.commands.selection import chosen, fail, scenario_arguments, unrecorded
from crashrig.commands.stored import report_dir_option
from crashrig.driving.exit_codes import INVALID, NOTHING
from crashrig.driving.subject_choice import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crashrig.driving.cells import Cell
    from crashrig.driving.config_choice import ConfigChoice
    from crashrig.driving.subject_choice import SubjectChoice
    from crashrig.results import Run

PACE = 20.0

JOBS_PER_PROCESSOR = 4
"""Real cells sleep most of the time: eight of them keep two processors a third busy."""

JOBS_MAX = 32


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0))


def _shard(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """`2/5`: the second of five parts."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d+)/(\d+)", value)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise click.BadParameter(f"expected a part and how many there are, such as 1/3, found {value!r}", ctx, param)
    return int(match[1]), int(match[2])


@click.command("run")
@scenario_arguments
@click.option(
    "--subject",
    "subjects",
    multiple=True,
    metavar="NAME|PATH",
    help="Supervisor to test; may be repeated. Default: simulated and holdfast.",
)
@click.option(
    "--beside",
    multiple=True,
    metavar="NAME|PATH",
    help="Supervisor to compare with: run and shown like the others, but its failures do not fail the run.",
)
@click.option(
    "--config",
    "configs",
    multiple=True,
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The subject's own configuration, or a TOML file with only a [policy]; may be repeated.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of everything random.")
@click.option(
    "--pace",
    type=click.FloatRange(0.01, 1000),
    default=PACE,
    show_default=True,
    help="Divide all durations of a real run by this; scenario and subject may ask for less.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=lambda: min(JOBS_MAX, JOBS_PER_PROCESSOR * processors()),
    show_default=f"{JOBS_PER_PROCESSOR} for each processor",
    help="Real cells at a time.",
)
@click.option("--repeat", type=click.IntRange(1), default=1, show_default=True, help="Run every cell so often.")
@click.option("--shard", callback=_shard, metavar="I/N", help="Run only this part of the cells, such as 2/5.")
@click.option("--lf", is_flag=True, help="Run only what did not pass in the latest run.")
@click.option("--strict", is_flag=True, help='Take every "should" for a "must".')
@click.option("-x", "--fail-fast", is_flag=True, help="Begin no more cells after the first that fails.")
@report_dir_option
@click.option("--json", "as_json", is_flag=True, help="Print the whole result as JSON on standard output.")
@click.option("--dry-run", is_flag=True, help="Print what would be run, with all configurations, and run nothing.")
def command(
    scenarios: Sequence[str], tags: Sequence[str], levels: Sequence[str], promises: Sequence[str],
    subjects: Sequence[str], beside: Sequence[str], configs: Sequence[Path], seed: int, pace: float, jobs: int,
    repeat: int, shard: tuple[int, int] | None, lf: bool, strict: bool, fail_fast: bool, report_dir: Path,
    as_json: bool, dry_run: bool,
) -> None:  # fmt: skip
    """Run scenarios, the built-in ones unless some are named, and judge from outside what the supervisor did.

    Exit codes: 0 all passed, 1 something failed, 2 wrong usage or scenario, 3 inconclusive, 4 error of the rig or
    something left behind, 5 nothing ran, 130 interrupted.
    """
    from crashrig.driving.cells import Wanted, expand
    from crashrig.driving.cells import shard as part

    loaded = chosen(scenarios, tags=tags, levels=levels, promises=promises)
    subject_choices = _subjects(subjects or DEFAULT, beside)
    wanted = Wanted(
        scenarios=loaded,
        subjects=subject_choices,
        configs=_configs(configs),
        seed=seed,
        repeat=repeat,
        pace=pace,
        strict=strict,
    )
    cells = expand(wanted)
    if lf:
        cells = _failed_last_time(cells, report_dir)
    if shard:
        cells = part(cells, *shard)
    if not cells:
        fail("Nothing to run: no cell is left of what was selected.", NOTHING)
    if dry_run:
        _show_plan(cells, jobs)
        return
    _run(cells, subject_choices, report_dir, jobs, fail_fast=fail_fast, as_json=as_json)


def _subjects(names: Sequence[str], beside: Sequence[str]) -> list[SubjectChoice]:
    from crashrig.driving.subject_choice import choose
    from crashrig.subjects.protocol import SubjectError

    try:
        return choose(names, beside)
    except SubjectError as error:
        fail(str(error), INVALID)


def _configs(paths: Sequence[Path]) -> list[ConfigChoice]:
    from crashrig.driving.config_choice import ConfigChoice, ConfigError, load_config

    problems, choices = [], []
    for path in paths:
        try:
            choices.append(load_config(path))
        except ConfigError as error:
            problems.append(str(error))
    names = [choice.name for choice in choices]
    problems += [f"two configurations are called {name!r}" for name in sorted({n for n in names if names.count(n) > 1})]
    if problems:
        fail("\n".join(problems), INVALID)
    return choices or [ConfigChoice()]


def _failed_last_time(cells: list[Cell], reports: Path) -> list[Cell]:
    from crashrig.driving.runner import LATEST
    from crashrig.report.files import ReportError
    from crashrig.report.run_json import read_run
    from crashrig.verdict import Verdict

    try:
        latest = read_run(reports / LATEST)
    except ReportError as error:
        fail(f"--lf: {error}", INVALID)
    bad = (Verdict.FAILED, Verdict.ERROR, Verdict.INCONCLUSIVE)
    failed = {(c.key.scenario, c.key.subject, c.key.config) for c in latest.cells if c.verdict in bad}
    return [cell for cell in cells if (cell.key.scenario, cell.key.subject, cell.key.config) in failed]


def _show_plan(cells: list[Cell], jobs: int) -> None:
    from crashrig.driving.dry_run import plan_lines

    for line in plan_lines(cells, jobs):
        click.echo(line)


def _run(
    cells: list[Cell], subjects: list[SubjectChoice], reports: Path, jobs: int, *, fail_fast: bool, as_json: bool
) -> None:
    from crashrig.driving.exit_codes import ERROR
    from crashrig.driving.runner import Options, Runner
    from crashrig.report import write_all
    from crashrig.report.console import Console

    argv = ["crashrig", *sys.argv[1:]]
    options = Options(reports=reports, argv=argv, jobs=jobs, fail_fast=fail_fast)
    try:
        run = Runner(cells, [subject.record for subject in subjects], options, Console(), write_all).run()
    except OSError as error:
        fail(unrecorded(error), ERROR)
    if as_json:
        _print_json(run)
    sys.exit(run.exit_code)


def _print_json(run: Run) -> None:
    from crashrig.report.run_json import encode

    click.echo(encode(run))
