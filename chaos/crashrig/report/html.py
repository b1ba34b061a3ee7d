"""index.html: the run as one page that needs nothing but a browser.

The page holds its styles, its program and its data; a content security policy allows these and nothing else, by
their digests. What can be said without a program (verdict, subjects, matrix, failures) is plain HTML from the
template; filters, cells and timelines are done by templates/page.js and templates/timeline.js.
"""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from crashrig.report import histories, timeline
from crashrig.report.files import inside, write_atomically
from crashrig.report.matrix import Matrix, build, ordered
from crashrig.report.plain import said
from crashrig.report.run_json import encode
from crashrig.report.text import one_line, plural, visible
from crashrig.report.wording import (
    MEANINGS,
    NEEDS_WORDS,
    WORDS,
    explain,
    headline,
    measured,
    numbered,
    observed,
    outcome_in_short,
    spare,
    why,
)
from crashrig.units import format_duration
from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crashrig.results import CellResult, Run, SubjectRecord
    from crashrig.verdict import Result

NAME = "index.html"
TEMPLATES = Path(__file__).parent / "templates"

FILES_MAX = 24
"""Files of a cell that the page links to; the directory has the rest."""

REASONS_MAX = 4
"""Reasons that stand on a subject's card; the matrix has them all."""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What the page says of one subject before the matrix."""

    label: str
    column: int
    record: SubjectRecord | None
    verdict: Verdict
    outcome: str
    counts: list[tuple[Verdict, int]]
    reasons: list[tuple[str, int]]
    more: int


class ShownResult(msgspec.Struct, frozen=True, kw_only=True):
    """One expectation's result, with the words that the page shows; times are nominal seconds."""

    number: str
    operator: str
    text: str
    promise: str
    verdict: Verdict
    symbol: str
    word: str
    expected: str
    observed: str
    bound: str
    spare: str
    resolution: str
    ratio: float | None
    window: tuple[float, float] | None
    at: float | None


class ShownCell(msgspec.Struct, frozen=True, kw_only=True):
    """One cell, as the page opens it."""

    key: str
    scenario: str
    subject: str
    title: str
    level: str
    promises: list[str]
    verdict: Verdict
    symbol: str
    word: str
    why: str
    seed: int
    repetition: int
    facts: list[tuple[str, str]]
    results: list[ShownResult]
    reproduce: str
    problem: str
    warnings: list[str]
    leftovers: list[str]
    files: list[str]
    directory: str
    row: int


def write(run: Run, directory: Path) -> Path:
    """Write the page of `run` into its directory and say where."""
    path = directory / NAME
    write_atomically(path, page(run, directory))
    return path


def page(run: Run, directory: Path) -> str:
    """The whole page as text."""
    style = _template_text("style.css")
    program = _template_text("timeline.js") + _template_text("page.js")
    table = build(run)
    numbers = {id(cell): number for number, cell in enumerate(run.cells)}
    template = _environment().get_template("index.html.jinja")
    return template.render(
        run=run,
        headline=headline(run),
        took=f"{plural(len(run.cells), 'cell')} in {format_duration(run.seconds)}",
        seeds=", ".join(str(seed) for seed in sorted({cell.key.seed for cell in run.cells})),
        paces=", ".join(f"{pace:g}" for pace in sorted({cell.pace for cell in run.cells})),
        cards=list(_cards(run, table)),
        matrix=table,
        number=lambda cell: numbers[id(cell)],
        failures=[explain(cell) for cell in ordered(run.cells) if cell.verdict in NEEDS_WORDS],
        verdicts=[verdict for verdict in Verdict if any(cell.verdict is verdict for cell in run.cells)],
        style=Markup(style),  # noqa: S704  (a file of this package)
        program=Markup(program),  # noqa: S704  (files of this package)
        policy=f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(program)}'; "
        "base-uri 'none'; form-action 'none'",
        blocks=_blocks(run, directory, table),
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(line=one_line, duration=format_duration)
    environment.globals.update(words=WORDS, meanings=MEANINGS, why=why, measured=measured, passed=Verdict.PASSED)
    return environment


def _template_text(name: str) -> str:
    return (TEMPLATES / name).read_text("utf-8")


def _digest(text: str) -> str:
    """The source expression of a content security policy that allows exactly this inline text."""
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _cards(run: Run, table: Matrix) -> Iterator[Card]:
    records = {subject.name: subject for subject in run.subjects}
    for place, column in enumerate(table.columns):
        counts = table.counts(place)
        squares = [row.squares[place] for group in table.groups for row in group.rows]
        reasons = Counter(one_line(why(square.shown), 140) for square in squares if square.verdict in NEEDS_WORDS)
        yield Card(
            label=column.label,
            column=place,
            record=records.get(column.subject),
            verdict=max(counts, key=lambda verdict: verdict.rank),
            outcome=outcome_in_short(table, place),
            counts=[(verdict, counts[verdict]) for verdict in Verdict if counts[verdict]],
            reasons=reasons.most_common(REASONS_MAX),
            more=sum(reasons.values()) - sum(count for _, count in reasons.most_common(REASONS_MAX)),
        )


def _blocks(run: Run, directory: Path, table: Matrix) -> Iterator[tuple[str, Markup]]:
    """The data of the page: all cells, then one block for each timeline, which is parsed when it is opened."""
    rows = {row.scenario: n for n, row in enumerate(row for group in table.groups for row in group.rows)}
    shown: list[ShownCell] = []
    for number, (cell, seen) in enumerate(histories.of_run(run, directory)):
        shown.append(_shown(cell, seen.problem, directory, rows[cell.key.scenario]))
        if seen.history is not None:
            yield f"timeline-{number}", _embedded(timeline.build(seen.history))
    yield "cells", _embedded(shown)


def _embedded(record: object) -> Markup:
    """A record as JSON that cannot end the script element it stands in, nor open anything else."""
    text = encode(record).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704  (escaped just above, for the one place where it stands)


def _shown(cell: CellResult, problem: str, directory: Path, row: int) -> ShownCell:
    facts = [
        ("seed", str(cell.key.seed)),
        ("pace", f"{cell.pace:g}"),
        ("took", f"{format_duration(cell.seconds)} real"),
        ("noise", f"{format_duration(cell.noise)} real" if cell.noise else ""),
    ]
    return ShownCell(
        key=visible(str(cell.key)),
        scenario=visible(cell.key.scenario),
        subject=visible(cell.key.subject + (f" ({cell.key.config})" if cell.key.config else "")),
        title=visible(cell.title),
        level=cell.level,
        promises=cell.promises,
        verdict=cell.verdict,
        symbol=cell.verdict.symbol,
        word=WORDS[cell.verdict],
        why=visible(why(cell)),
        seed=cell.key.seed,
        repetition=cell.key.repetition,
        facts=[(name, value) for name, value in facts if value],
        results=[_shown_result(result) for result in cell.results],
        reproduce=visible(cell.reproduce),
        problem=visible(problem),
        warnings=[visible(warning) for warning in cell.warnings],
        leftovers=[visible(leftover) for leftover in cell.leftovers],
        files=_files(directory, cell.directory),
        directory=cell.directory,
        row=row,
    )


def _shown_result(result: Result) -> ShownResult:
    return ShownResult(
        number=numbered(result),
        operator=result.operator,
        text=visible(result.text),
        promise=result.promise,
        verdict=result.verdict,
        symbol=result.verdict.symbol,
        word=WORDS[result.verdict],
        expected=visible(said(result).expected),
        observed=visible(observed(result)),
        bound=visible(result.bound),
        spare=spare(result),
        resolution=format_duration(result.resolution) if result.resolution else "",
        ratio=_ratio(result),
        window=result.window,
        at=result.at,
    )


def _ratio(result: Result) -> float | None:
    """The margin as a share of what was observed and the bound together, -1 to 1, for its bar."""
    if result.margin is None:
        return None
    whole = max(abs(result.observed or 0.0), abs(result.margin))
    return max(-1.0, min(1.0, result.margin / whole)) if whole else 0.0


def _files(directory: Path, folder: str) -> list[str]:
    """The files of a cell, by name; none when its directory is gone."""
    path = inside(directory, folder)
    if path is None or not path.is_dir():
        return []
    names = sorted(entry.name + ("/" if entry.is_dir() else "") for entry in path.iterdir())
    return [name for name in names if name == visible(name)][:FILES_MAX]
