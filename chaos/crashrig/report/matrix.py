"""The run as a table: scenarios, grouped by folder, against subjects.

Every report shows the same table from here. A square holds all cells of one scenario on one subject and
configuration (several seeds or repetitions), and the worst of their verdicts.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from crashrig.results import CellResult, Run
from crashrig.verdict import Verdict, merge

if TYPE_CHECKING:
    from collections.abc import Iterable


class Column(msgspec.Struct, frozen=True):
    """One subject in one configuration (empty for its own)."""

    subject: str
    config: str = ""

    @property
    def label(self) -> str:
        """What stands above the column."""
        return f"{self.subject} ({self.config})" if self.config else self.subject


class Square(msgspec.Struct, frozen=True):
    """All cells of one scenario in one column, the worst first; none where it was not run."""

    cells: list[CellResult]

    @property
    def verdict(self) -> Verdict | None:
        """The worst verdict; None where nothing was run."""
        return merge(cell.verdict for cell in self.cells) if self.cells else None

    @property
    def shown(self) -> CellResult:
        """The cell that speaks for the square: the worst one."""
        return self.cells[0]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario with a square for every column."""

    scenario: str
    name: str
    title: str
    level: str
    promises: list[str]
    squares: list[Square]

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of the row."""
        return merge(square.verdict for square in self.squares if square.verdict is not None)


class Group(msgspec.Struct, frozen=True):
    """The scenarios of one folder."""

    name: str
    rows: list[Row]

    def counts(self, column: int) -> Counter[Verdict]:
        """How many scenarios of the group ended with each verdict in that column."""
        verdicts = (row.squares[column].verdict for row in self.rows)
        return Counter(verdict for verdict in verdicts if verdict is not None)


class Matrix(msgspec.Struct, frozen=True):
    """The whole table, columns in the order of the run's subjects, rows in the order of the run."""

    columns: list[Column]
    groups: list[Group]

    def counts(self, column: int) -> Counter[Verdict]:
        """How many scenarios ended with each verdict in that column."""
        return sum((group.counts(column) for group in self.groups), Counter())


def build(run: Run) -> Matrix:
    """The table of a run."""
    columns = _columns(run)
    scenarios: dict[str, list[CellResult]] = {}
    for cell in run.cells:
        scenarios.setdefault(cell.key.scenario, []).append(cell)
    groups: dict[str, Group] = {}
    for scenario, cells in scenarios.items():
        name = group_of(scenario)
        groups.setdefault(name, Group(name, [])).rows.append(_row(scenario, cells, columns))
    return Matrix(columns, list(groups.values()))


def group_of(scenario: str) -> str:
    """The folder of a scenario's id; "." for one without."""
    return scenario.rpartition("/")[0] or "."


def ordered(cells: Iterable[CellResult]) -> list[CellResult]:
    """The cells, worst verdict first, must before should before may; otherwise as they came."""
    levels = {"must": 0, "should": 1, "may": 2}
    return sorted(cells, key=lambda cell: (-cell.verdict.rank, levels.get(cell.level, 3)))


def _columns(run: Run) -> list[Column]:
    order = {subject.name: place for place, subject in enumerate(run.subjects)}
    columns = dict.fromkeys(Column(cell.key.subject, cell.key.config) for cell in run.cells)
    return sorted(columns, key=lambda column: order.get(column.subject, len(order)))


def _row(scenario: str, cells: list[CellResult], columns: list[Column]) -> Row:
    return Row(
        scenario=scenario,
        name=scenario.rpartition("/")[2],
        title=next((cell.title for cell in cells if cell.title), ""),
        level=cells[0].level,
        promises=cells[0].promises,
        squares=[
            Square(ordered(cell for cell in cells if (cell.key.subject, cell.key.config) == (c.subject, c.config)))
            for c in columns
        ],
    )
