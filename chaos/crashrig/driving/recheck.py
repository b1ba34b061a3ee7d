"""Judges the histories of a stored run again, with today's checkers and the scenarios as they were then.

Nothing runs and nothing is written; `commands.recheck` prints what has changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from crashrig.driving.cell_spec import HISTORY
from crashrig.driving.frozen import FrozenError, read_frozen
from crashrig.history import HistoryError, read_history
from crashrig.judging.checker import judge, verdict_of
from crashrig.reading.scenario_file import ScenarioError
from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crashrig.results import CellResult, Run
    from crashrig.verdict import Result


class Change(NamedTuple):
    """An expectation whose verdict is another one today; None where there was, or is, no such expectation."""

    text: str
    before: Verdict | None
    after: Verdict | None
    message: str


class Rechecked(NamedTuple):
    """A cell as it was, as it is judged today, and what is different. `judged` is false where nothing was seen."""

    before: CellResult
    after: CellResult
    changes: list[Change]
    judged: bool

    @property
    def changed(self) -> bool:
        """Whether anything is judged differently."""
        return self.before.verdict is not self.after.verdict or bool(self.changes)


def recheck(run: Run, directory: Path) -> Iterator[Rechecked]:
    """Every cell of the run in `directory`, judged again; one in which nothing was judged stays what it is."""
    for cell in run.cells:
        if cell.results and cell.directory:
            after = _judge(cell, directory / cell.directory)
            yield Rechecked(cell, after, list(_changes(cell.results, after.results)), judged=True)
        else:
            yield Rechecked(cell, cell, [], judged=False)


def _judge(cell: CellResult, place: Path) -> CellResult:
    try:
        _, scenario = read_frozen(place)
        results = judge(scenario, read_history(place / HISTORY), cell.survivors)
    except (FrozenError, ScenarioError, HistoryError, OSError) as error:
        return msgspec.structs.replace(cell, results=[], verdict=Verdict.ERROR, reason=f"cannot be judged: {error}")
    verdict, reason = verdict_of(results, scenario, cell.key.subject)
    if cell.leftovers:
        verdict, reason = Verdict.ERROR, cell.reason  # what the rig left behind is no matter of judgement
    return msgspec.structs.replace(cell, results=results, verdict=verdict, reason=reason)


def _changes(before: list[Result], after: list[Result]) -> Iterator[Change]:
    old, new = _by_place(before), _by_place(after)
    for place in dict.fromkeys([*old, *new]):
        then, now = old.get(place), new.get(place)
        was, became = then.verdict if then else None, now.verdict if now else None
        if was is not became:
            shown = now or then
            assert shown is not None
            yield Change(shown.text, was, became, shown.message)


def _by_place(results: list[Result]) -> dict[tuple[int, str, str], Result]:
    """Results by their number and operator; those about the run itself also by what they say."""
    return {(r.expectation, r.operator, r.message if r.expectation < 0 else ""): r for r in results}
