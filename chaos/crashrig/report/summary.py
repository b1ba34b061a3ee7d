"""summary.md and matrix.md: a run for people who read Markdown, on a build page or in an editor.

The summary starts with what matters most and stays under the limit that build pages set; the matrix is whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crashrig.report.files import write_atomically
from crashrig.report.matrix import Group, Matrix, Square, build, ordered
from crashrig.report.text import code, markdown, plural
from crashrig.report.wording import (
    MEANINGS,
    NEEDS_WORDS,
    WORDS,
    WORST_FIRST,
    explain,
    headline,
    measured,
    outcome,
    why,
)
from crashrig.units import format_duration
from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crashrig.results import CellResult, Run

SUMMARY = "summary.md"
MATRIX = "matrix.md"

LIMIT = 2**20 - 2**16
"""Bytes of a summary: a GitHub step summary ends at 1 MiB and is thrown away whole when it is longer."""


def write_summary(run: Run, directory: Path) -> Path:
    """Write the summary of `run` into `directory` and say where."""
    path = directory / SUMMARY
    write_atomically(path, summary(run))
    return path


def write_matrix(run: Run, directory: Path) -> Path:
    """Write the matrix of `run` into `directory` and say where."""
    path = directory / MATRIX
    write_atomically(path, matrix(run))
    return path


def summary(run: Run) -> str:
    """The run in Markdown, most important first: verdict, subjects, what fell short, the matrix, the host."""
    sections = [_head(run), _subjects(run), *_problems(run), _matrix(build(run)), _circumstances(run)]
    return _within_limit(sections)


def matrix(run: Run) -> str:
    """The whole matrix in Markdown, with a legend."""
    return f"# {markdown(headline(run))}\n\n{_matrix(build(run))}"


def _within_limit(sections: list[str]) -> str:
    """The sections that fit, in order; what does not fit is counted, not silently lost."""
    kept: list[str] = []
    size = 0
    for section in sections:
        size += len(section.encode("utf-8", "backslashreplace")) + 1
        if size > LIMIT:
            left = len(sections) - len(kept)
            kept.append(f"*{plural(left, 'more section')} left out: too long for a summary. The report has all.*\n")
            break
        kept.append(section)
    return "\n".join(kept)


def _head(run: Run) -> str:
    took = f"{plural(len(run.cells), 'cell')} in {format_duration(run.seconds)}"
    title = f"# {run.verdict.symbol} {markdown(headline(run), 2000)}"
    return f"{title}\n\nRun {code(run.id)}, crashrig {markdown(run.version)}, {took}.\n"


def _subjects(run: Run) -> str:
    table = build(run)
    versions = {subject.name: subject for subject in run.subjects}
    lines = ["| subject | version | outcome |", "|---|---|---|"]
    for place, column in enumerate(table.columns):
        version = versions[column.subject].version if column.subject in versions else ""
        lines.append(f"| {markdown(column.label)} | {markdown(version)} | {outcome(table, place)} |")
    missing = [subject for subject in run.subjects if subject.unavailable]
    lines += [f"| {markdown(one.name)} | | could not run: {markdown(one.unavailable)} |" for one in missing]
    return "\n".join(lines) + "\n"


def _problems(run: Run) -> Iterator[str]:
    """One section for each cell that somebody has to look at, the worst first."""
    cells = [cell for cell in ordered(run.cells) if cell.verdict in NEEDS_WORDS]
    if cells:
        yield "## What fell short\n"
    for cell in cells:
        yield _problem(cell)


def _problem(cell: CellResult) -> str:
    explanation = explain(cell)
    lines = [
        f"### {cell.verdict.symbol} {WORDS[cell.verdict]}: {markdown(explanation.cell)}",
        "",
        f"- **Required** {markdown(explanation.required)}",
    ]
    for shortfall in explanation.shortfalls:
        lines.append(f"- **Expected** {code(shortfall.expected)}  ")
        lines.append(f"  **Observed** {markdown(shortfall.observed, 1000)}")
    if explanation.reproduce:
        lines.append(f"- **Reproduce** {code(explanation.reproduce)}")
    return "\n".join(lines) + "\n"


def _matrix(table: Matrix) -> str:
    lines = ["## Matrix", ""]
    heads = " | ".join(markdown(column.label) for column in table.columns)
    lines += [f"| scenario | level | {heads} |", "|---" * (len(table.columns) + 2) + "|"]
    for group in table.groups:
        lines += _group(group, len(table.columns))
    shown = {square.verdict for group in table.groups for row in group.rows for square in row.squares}
    legend = [f"{v.symbol} {WORDS[v]}: {MEANINGS[v]}" for v in WORST_FIRST[::-1] if v in shown]
    return "\n".join([*lines, "", *(f"- {line}" for line in legend)]) + "\n"


def _group(group: Group, columns: int) -> Iterator[str]:
    yield f"| **{markdown(group.name)}** |" + " |" * (columns + 1)
    for row in group.rows:
        squares = " | ".join(_square(square) for square in row.squares)
        yield f"| {markdown(row.name)} | {markdown(row.level)} | {squares} |"


def _square(square: Square) -> str:
    """Symbol, word, and the value or the reason: "✓ passed 1.02 s", "✗ failed: left 4 processes alive"."""
    if square.verdict is None:
        return "not run"
    text = f"{square.verdict.symbol} {WORDS[square.verdict]}"
    if len(square.cells) > 1:
        same = sum(cell.verdict is square.verdict for cell in square.cells)
        text += f" ({same} of {len(square.cells)})"
    if square.verdict is Verdict.PASSED:
        return f"{text} {measured(square.shown)}".rstrip()
    reason = markdown(why(square.shown), 160)
    return f"{text}: {reason}" if reason else text


def _circumstances(run: Run) -> str:
    host = run.host
    facts = [
        ("kernel", host.kernel),
        ("machine", f"{host.machine}, {plural(host.processors, 'processor')}, {host.memory / 2**30:.1f} GiB"),
        ("python", host.python),
        ("user", host.user),
        ("containment", host.containment),
        ("observation", host.observation),
        ("seeds", ", ".join(str(seed) for seed in sorted({cell.key.seed for cell in run.cells}))),
    ]
    lines = ["## Circumstances", ""]
    lines += [f"- {name}: {markdown(value)}" for name, value in facts if value]
    lines.append(f"- command: {code(' '.join(run.argv))}")
    lines += [f"- warning: {markdown(warning, 1000)}" for warning in run.warnings]
    return "\n".join(lines) + "\n"
