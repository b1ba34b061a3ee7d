"""What a run would do, without doing it: its cells, the native configurations, the blast radius."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from crashrig.agents.plan import prepare
from crashrig.driving.job import make_job
from crashrig.subjects.protocol import SubjectError
from crashrig.subjects.registry import open_subject
from crashrig.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crashrig.driving.cells import Cell


def plan_lines(cells: Sequence[Cell], jobs: int) -> Iterator[str]:
    """Everything, as lines for a person; configurations are rendered in a directory that is gone afterwards."""
    yield from (_cell_line(cell) for cell in cells)
    yield ""
    yield from _blast_radius(cells, jobs)
    for cell in cells:
        if cell.settled is None and not cell.subject.simulated:
            yield ""
            yield from _configuration(cell)


def _cell_line(cell: Cell) -> str:
    if cell.settled is not None:
        return f"{cell.key}  {cell.settled.verdict}: {cell.settled.reason}"
    if cell.subject.simulated:
        return f"{cell.key}  in virtual time"
    timeout = format_duration(cell.scenario.timeout / cell.pace)
    return f"{cell.key}  pace {cell.pace:g}, at most {timeout}"


def _blast_radius(cells: Sequence[Cell], jobs: int) -> Iterator[str]:
    budgets = [cell.scenario.budget for cell in cells if cell.settled is None and not cell.subject.simulated]
    at_once = min(jobs, len(budgets))
    if not at_once:
        yield "Blast radius: no process is started."
        return
    processes = sum(sorted((budget.processes for budget in budgets), reverse=True)[:at_once])
    memory = sum(sorted((budget.memory for budget in budgets), reverse=True)[:at_once])
    disk = sum(sorted((budget.disk for budget in budgets), reverse=True)[:at_once])
    yield f"Blast radius, {at_once} cell{'s' if at_once > 1 else ''} at a time, by their budgets:"
    yield f"  {processes} processes, {memory / 2**20:.0f} MiB of memory, {disk / 2**20:.0f} MiB of disk; no network"


def _configuration(cell: Cell) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="crashrig-dry-run-") as scratch:
        yield f"--- {cell.key}"
        try:
            yield from _rendered(cell, Path(scratch))
        except SubjectError as error:
            yield f"cannot be rendered: {error}"


def _rendered(cell: Cell, scratch: Path) -> Iterator[str]:
    agents = prepare(cell.scenario, scratch, cell.pace, cell.key.seed)
    job = make_job(agents, scratch, cell.pace, cell.key.seed, cell.config.override)
    subject = open_subject(cell.subject.name)
    try:
        launch = subject.render(job)
    finally:
        subject.close()
    yield "$ " + " ".join(launch.argv)
    directory = Path(job.directory)
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        yield f"# {path.relative_to(directory)}"
        yield path.read_text(encoding="utf-8", errors="replace").rstrip("\n")
