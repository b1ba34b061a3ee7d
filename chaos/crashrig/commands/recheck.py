"""`crashrig recheck`: judge the histories of an earlier run again, and print what has changed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crashrig.commands.stored import report_dir_option, stored_run

if TYPE_CHECKING:
    from crashrig.driving.recheck import Change, Rechecked


@click.command("recheck")
@click.argument("run", metavar="[RUN]", default="latest")
@report_dir_option
def command(run: str, report_dir: Path) -> None:
    """Judge the stored histories of a run again with today's checkers; nothing is run, nothing is written.

    RUN is the directory of a run, or its name in the report directory; the latest one without it. The scenarios are
    those that were run, as they are kept beside the histories.

    Prints every cell whose verdicts have changed, and how. Exit codes are those of `crashrig run`.
    """
    from crashrig.driving.exit_codes import exit_code
    from crashrig.driving.recheck import recheck

    place = Path(run) if Path(run).exists() else report_dir / run
    stored = stored_run(place)
    cells = list(recheck(stored, place if place.is_dir() else place.parent))
    for cell in cells:
        if cell.changed:
            click.echo(_difference(cell))
    click.echo(_summary(cells))
    sys.exit(exit_code([cell.after for cell in cells], interrupted=stored.interrupted))


def _difference(cell: Rechecked) -> str:
    lines = [f"{cell.before.key}: {cell.before.verdict} -> {cell.after.verdict}"]
    if not cell.after.results:
        lines.append(f"  {cell.after.reason}")
    else:
        lines += [line for change in cell.changes for line in _change(change)]
    return "\n".join(lines)


def _change(change: Change) -> list[str]:
    before, after = (verdict or "not judged" for verdict in (change.before, change.after))
    return [f"  {change.text}: {before} -> {after}", *(f"    {line}" for line in change.message.splitlines())]


def _summary(cells: list[Rechecked]) -> str:
    judged = sum(cell.judged for cell in cells)
    changed = sum(cell.changed for cell in cells)
    rest = f"; {len(cells) - judged} had nothing to judge" if judged < len(cells) else ""
    return f"{judged} cell{'' if judged == 1 else 's'} judged again: {changed or 'none'} changed{rest}"
