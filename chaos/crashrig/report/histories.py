"""The histories of a run's cells, as far as they can be read.

A cell that was killed leaves a history without an end, or none. A report shows what there is and says what is
missing; it is never the reason why there is no report. Judging needs more care: see `history.read_history`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from crashrig.driving.cell_spec import HISTORY
from crashrig.history import Header, History, HistoryError, Observation, read_history
from crashrig.report.files import inside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crashrig.results import CellResult, Run


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of one cell; `problem` says why `history` is missing or only a part, empty when it is whole."""

    history: History | None = None
    problem: str = ""


def of_run(run: Run, directory: Path) -> Iterator[tuple[CellResult, Seen]]:
    """Every cell of the run with what was seen of it."""
    for cell in run.cells:
        yield cell, of_cell(cell, directory)


def of_cell(cell: CellResult, directory: Path) -> Seen:
    """What was seen of one cell of the run in `directory`."""
    folder = inside(directory, cell.directory)
    if folder is None:
        return Seen(problem="no history: nothing ran" if not cell.directory else "no history: outside of the run")
    path = folder / HISTORY
    try:
        return Seen(history=read_history(path))
    except OSError as error:
        return Seen(problem=f"no history: {cell.directory}/{HISTORY}: {error.strerror}")
    except HistoryError as error:
        return _salvage(path, str(error))


def _salvage(path: Path, problem: str) -> Seen:
    """The lines of a broken history up to the first that does not parse."""
    lines = path.read_bytes().splitlines()
    observations: list[Observation] = []
    try:
        header = msgspec.json.decode(lines[0], type=Header)
    except (IndexError, msgspec.MsgspecError):
        return Seen(problem=f"the history cannot be read: {problem}")
    decoder = msgspec.json.Decoder(Observation)
    for line in lines[1:]:
        try:
            observations.append(decoder.decode(line))
        except msgspec.MsgspecError:
            break  # the footer, or the torn line that is the problem
    return Seen(history=History(header=header, observations=observations), problem=f"the history is cut off: {problem}")
