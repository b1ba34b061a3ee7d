"""The closing table of a run as lines of plain text, for a terminal or a log.

Folders are one line each; a scenario has a line of its own only when somebody has to look at it. Layout only:
the words come from `wording`, colours are laid on by `paint`.
"""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, NamedTuple, Protocol

from crashrig.report.matrix import Group, Matrix, Row, Square, build, ordered
from crashrig.report.text import one_line, plural
from crashrig.report.wording import (
    MEANINGS,
    NEEDS_WORDS,
    WORDS,
    WORST_FIRST,
    explain,
    measured,
    outcome,
    why,
)
from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from crashrig.results import CellResult, Run

EXPLAINED = 6
"""How many causes are told in full on a terminal: what scrolls away is not read; the report has all."""

ROWS_FOLDED_ABOVE = 12
"""Up to this many scenarios each has a line of its own; of more, those that went well are only counted."""

WARNINGS_SHOWN = 8
"""Warnings told on a terminal; the report has all."""

_NAME_WIDTH_MIN, _NAME_WIDTH_MAX = 16, 44
_SQUARE_WIDTH_MIN = 12


class Paint(Protocol):
    """Lays the colour of a verdict on a text, or leaves it as it is."""

    def __call__(self, text: str, verdict: Verdict | None) -> str:
        """The text as it is to be written; None asks for emphasis instead of a verdict's colour."""


def failures(run: Run, width: int, paint: Paint) -> Iterator[str]:
    """The worst cells as Required, Expected, Observed; those that fell short in the same way are named with them."""
    causes: dict[tuple[str, str], list[CellResult]] = {}
    for cell in ordered(run.cells):
        if cell.verdict in NEEDS_WORDS:
            causes.setdefault((cell.key.subject, why(cell)), []).append(cell)
    for cells in list(causes.values())[:EXPLAINED]:
        yield from _failure(cells, width, paint)
        yield ""
    rest = sum(len(cells) for cells in list(causes.values())[EXPLAINED:])
    if rest:
        yield f"and {rest} more, told in full in the report"
        yield ""


def _failure(cells: list[CellResult], width: int, paint: Paint) -> Iterator[str]:
    explanation, verdict = explain(cells[0]), cells[0].verdict
    yield paint(f"{verdict.symbol} {WORDS[verdict]}  {one_line(explanation.cell)}", verdict)
    yield from _entry("Required", explanation.required, width)
    for shortfall in explanation.shortfalls:
        yield from _entry("Expected", shortfall.expected, width)
        yield from _entry("Observed", shortfall.observed, width)
    if len(cells) > 1:
        yield from _entry("Likewise", ", ".join(cell.key.scenario for cell in cells[1:]), width)


def _entry(label: str, text: str, width: int) -> Iterator[str]:
    """A label with its text beside it, folded to the width."""
    indent = " " * 12
    lines = wrap(one_line(text, 600), max(40, width - 1), initial_indent=indent, subsequent_indent=indent)
    first = f"  {label:<10}" + (lines[0][12:] if lines else "")
    yield first
    yield from lines[1:]


class _Layout(NamedTuple):
    """How wide the columns are, and whether scenarios that went well are only counted."""

    name: int
    square: int
    folded: bool


def table(run: Run, width: int, paint: Paint) -> Iterator[str]:
    """The matrix: a line per folder with counts, and a line per scenario that did not go well, with the reason."""
    whole = build(run)
    if not whole.columns:
        return
    labels = [one_line(column.label, 30) for column in whole.columns]
    layout = _layout(whole, labels, width)
    heads = "".join(f"{label:<{layout.square}}" for label in labels)
    yield paint(" " * layout.name + heads.rstrip(), None)
    for group in whole.groups:
        yield from _group(group, whole, layout, paint)


def _layout(whole: Matrix, labels: list[str], width: int) -> _Layout:
    """Columns wide enough for their heads and counts; the names get what is left of the line."""
    folded = sum(len(group.rows) for group in whole.groups) > ROWS_FOLDED_ABOVE
    square = max(_SQUARE_WIDTH_MIN, *(len(label) + 2 for label in labels))
    for group in whole.groups:
        square = max(square, *(len(_counted(group.counts(place))) + 2 for place in range(len(labels))))
    names = [len(row.name) + 4 for group in whole.groups for row in group.rows if _shown(row, folded=folded)]
    names += [len(_heading(group)) + 2 for group in whole.groups]
    wanted = min(max(names), _NAME_WIDTH_MAX)
    return _Layout(max(_NAME_WIDTH_MIN, min(wanted, width - square * len(labels))), square, folded)


def _shown(row: Row, *, folded: bool) -> bool:
    """Whether a scenario has a line of its own."""
    return not folded or row.verdict in NEEDS_WORDS


def _group(group: Group, whole: Matrix, layout: _Layout, paint: Paint) -> Iterator[str]:
    line = f"{one_line(_heading(group), layout.name - 1):<{layout.name}}"
    for place in range(len(whole.columns)):
        counts = group.counts(place)
        worst = max(counts, key=lambda verdict: verdict.rank, default=None)
        line += paint(f"{_counted(counts):<{layout.square}}", worst or Verdict.SKIPPED)
    yield line.rstrip()
    for row in group.rows:
        if _shown(row, folded=layout.folded):
            yield from _row(row, whole, layout, paint)


def _row(row: Row, whole: Matrix, layout: _Layout, paint: Paint) -> Iterator[str]:
    line = "  " + f"{one_line(row.name, layout.name - 3):<{layout.name - 2}}"
    for square in row.squares:
        line += paint(f"{_square(square, layout.square - 1):<{layout.square}}", square.verdict or Verdict.SKIPPED)
    yield line.rstrip()
    reasons: dict[str, list[str]] = {}
    for column, square in zip(whole.columns, row.squares, strict=True):
        told = square.verdict in NEEDS_WORDS or (square.cells and not layout.folded)
        if told and why(square.shown):
            reasons.setdefault(one_line(why(square.shown), 160), []).append(column.label)
    for reason, labels in reasons.items():
        yield f"      {one_line(', '.join(labels), 80)}: {reason}"


def _heading(group: Group) -> str:
    return f"{group.name} · {plural(len(group.rows), 'scenario')}"


def _counted(counts: Counter[Verdict]) -> str:
    """Symbols with counts, best first: "✓ 9  ✗ 3"."""
    return "  ".join(f"{verdict.symbol} {counts[verdict]}" for verdict in Verdict if counts[verdict])


def _square(square: Square, width: int) -> str:
    if square.verdict is None:
        return "not run"
    several = len(square.cells) > 1 and square.verdict is not Verdict.PASSED
    if several:
        count = sum(cell.verdict is square.verdict for cell in square.cells)
        return f"{square.verdict.symbol} {count} of {len(square.cells)}"
    word = measured(square.shown) if square.verdict is Verdict.PASSED else ""
    return one_line(f"{square.verdict.symbol} {word or WORDS[square.verdict]}", width)


def legend(run: Run) -> Iterator[str]:
    """What the symbols mean, as far as they occur."""
    occurring = {cell.verdict for cell in run.cells}
    for verdict in WORST_FIRST[::-1]:
        if verdict in occurring:
            yield f"  {verdict.symbol} {WORDS[verdict]}: {MEANINGS[verdict]}"


def outcomes(run: Run, paint: Paint) -> Iterator[str]:
    """One line per subject: who passed everything, who fell short how often."""
    whole = build(run)
    versions = {subject.name: subject.version for subject in run.subjects}
    beside = {subject.name for subject in run.subjects if subject.beside}
    names = [one_line(f"{c.label} {versions.get(c.subject, '')}".strip(), 50) for c in whole.columns]
    for place, name in enumerate(names):
        counts = whole.counts(place)
        worst = max(counts, key=lambda verdict: verdict.rank)
        text = f"{worst.symbol} {name:<{max(len(n) for n in names)}}  {outcome(whole, place)}"
        if whole.columns[place].subject in beside:
            text += " (run to compare with)"
        yield paint(text, worst)
    for subject in run.subjects:
        if subject.unavailable:
            yield f"  {one_line(subject.name)} could not run: {one_line(subject.unavailable)}"


def warnings(run: Run) -> Iterator[str]:
    """The first warnings, and how many more there are."""
    for warning in run.warnings[:WARNINGS_SHOWN]:
        yield f"warning: {one_line(warning, 600)}"
    if len(run.warnings) > WARNINGS_SHOWN:
        yield f"and {plural(len(run.warnings) - WARNINGS_SHOWN, 'more warning')}, in the report"
