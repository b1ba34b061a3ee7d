"""How results are said in words: the same words on the console, in Markdown, in JUnit and on the page.

No layout here, and no escaping: what comes out may hold foreign text and is made safe where it is shown.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from crashrig.promises import PROMISES
from crashrig.report.matrix import Column, Matrix, build, ordered
from crashrig.report.plain import doubt, plainly, said
from crashrig.report.text import plural
from crashrig.units import format_duration
from crashrig.verdict import Result, Verdict

if TYPE_CHECKING:
    from crashrig.results import CellResult, Run

WORDS: dict[Verdict, str] = {
    Verdict.PASSED: "passed",
    Verdict.XFAILED: "known failure",
    Verdict.UNSUPPORTED: "unsupported",
    Verdict.SKIPPED: "skipped",
    Verdict.INCONCLUSIVE: "inconclusive",
    Verdict.FAILED: "failed",
    Verdict.ERROR: "error",
}

MEANINGS: dict[Verdict, str] = {
    Verdict.PASSED: "every expectation was met",
    Verdict.XFAILED: "failed, as the scenario's author says it will, with a reason",
    Verdict.UNSUPPORTED: "the supervisor has no such feature; nothing was run",
    Verdict.SKIPPED: "not run here, for the reason given",
    Verdict.INCONCLUSIVE: "the machine was too noisy to tell, or a fault could not be proven",
    Verdict.FAILED: "an expectation was not met",
    Verdict.ERROR: "the rig itself failed, or something was left behind",
}

WORST_FIRST: list[Verdict] = sorted(Verdict, key=lambda verdict: -verdict.rank)
NEEDS_WORDS = (Verdict.ERROR, Verdict.FAILED, Verdict.INCONCLUSIVE)
"""Verdicts that somebody has to look at: they are explained, one by one."""


class Shortfall(msgspec.Struct, frozen=True):
    """One expectation that was not met: what it says, and what was seen instead."""

    expected: str
    observed: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a cell did not pass: what was required, and each expectation that was not met."""

    cell: str
    required: str
    shortfalls: list[Shortfall]
    reproduce: str


def quantity(value: float, unit: str) -> str:
    """A measured value with its unit: "1.02 s", "4"."""
    if unit == "s":
        return format_duration(value)
    number = f"{value:.6g}"
    return number if unit in ("", "count") else f"{number} {unit}"


def telling(cell: CellResult) -> Result | None:
    """The result that says most about the cell: its worst one, or of a passed cell the one nearest to its bound."""
    if not cell.results:
        return None
    if cell.verdict is Verdict.PASSED:
        return min(cell.results, key=_closeness)
    return max(cell.results, key=lambda result: result.verdict.rank)


def _closeness(result: Result) -> float:
    """How near to its bound a result is, 0 for on it; times come first, they mean most to a reader."""
    if result.observed is None or result.margin is None or result.unit != "s":
        return float("inf")
    return abs(result.margin) / (abs(result.observed) + abs(result.margin) or 1.0)


def measured(cell: CellResult) -> str:
    """The value that says most about the cell, when it is a time: "1.02 s"; empty when there is none."""
    result = telling(cell)
    if result is None or result.observed is None or result.unit != "s":
        return ""
    return quantity(result.observed, result.unit)


def numbered(result: Result) -> str:
    """What an expectation is called: its number in the scenario file, from 1; "rig" for one of the rig's own."""
    return str(result.expectation + 1) if result.expectation >= 0 else "rig"


def expected(result: Result) -> str:
    """What should have been seen: the checker's own words, or the scenario's."""
    return said(result).expected or result.text


def observed(result: Result) -> str:
    """What was seen, against the bound: the checker's own words, or the figures when it has none."""
    words = said(result).observed
    if words:
        return words
    if result.observed is None:
        return WORDS[result.verdict]
    text = f"observed {quantity(result.observed, result.unit)}"
    return f"{text}, bound {result.bound}" if result.bound else text


def spare(result: Result) -> str:
    """The margin in words: "0.4 s to spare", "missed by 9 s"; empty when there is none."""
    if result.margin is None:
        return ""
    if result.margin < 0:
        return f"missed by {quantity(-result.margin, result.unit)}"
    return f"{quantity(result.margin, result.unit)} to spare"


def why(cell: CellResult) -> str:
    """In a few words, why the cell ended as it did; empty for a plain pass."""
    if cell.verdict is Verdict.PASSED:
        return ""
    result = telling(cell)
    broken = result is not None and result.verdict is cell.verdict
    if result is not None and broken and cell.verdict is Verdict.FAILED:
        return plainly(result) or _against_wish(result)
    if result is not None and broken and cell.verdict is Verdict.INCONCLUSIVE and doubt(result):
        return doubt(result)
    if cell.reason:
        return cell.reason
    if cell.leftovers:
        return "left behind: " + ", ".join(cell.leftovers)
    return observed(result) if result is not None and broken else WORDS[cell.verdict]


def _against_wish(result: Result) -> str:
    """What was seen, after what was wanted: by the name that the scenario gives to it, where it has one."""
    wish = said(result).required.removeprefix(result.promise).strip() or expected(result)
    return f"expected {wish}; {observed(result)}"


def explain(cell: CellResult) -> Explanation:
    """Required, expected and observed of a cell that did not pass."""
    broken = [result for result in cell.results if result.verdict in NEEDS_WORDS]
    shortfalls = [Shortfall(expected(result), _in_full(result)) for result in broken]
    if not shortfalls or cell.leftovers:
        shortfalls.insert(0, Shortfall(_UNSAID[cell.verdict], cell.reason or why(cell)))
    promises = list(dict.fromkeys(result.promise for result in broken if result.promise)) or cell.promises
    cited = "; ".join(f"{promise} {PROMISES.get(promise, '')}".rstrip() for promise in promises)
    return Explanation(
        cell=str(cell.key),
        required=(cell.title or cell.key.scenario) + (f" ({cell.level}: {cited})" if cited else ""),
        shortfalls=shortfalls,
        reproduce=cell.reproduce,
    )


_UNSAID = dict.fromkeys(Verdict, "what the scenario says") | {
    Verdict.INCONCLUSIVE: "circumstances in which it can be told",
    Verdict.ERROR: "the cell runs to its end and leaves nothing behind",
}
"""What was expected of a cell when no expectation of the scenario's was broken."""


def _in_full(result: Result) -> str:
    """What was seen, plainly first, then as measured."""
    plain = plainly(result)
    return f"{plain}: {observed(result)}" if plain else observed(result)


def tally(counts: Counter[Verdict]) -> str:
    """Counts in words, worst first: "12 failed, 25 passed, 8 unsupported"."""
    return ", ".join(f"{counts[verdict]} {WORDS[verdict]}" for verdict in WORST_FIRST if counts[verdict])


def outcome(matrix: Matrix, column: int) -> str:
    """How one column did, what matters most first: "failed 12 of 45, passed 33"."""
    counts = matrix.counts(column)
    total = sum(counts.values())
    if total == counts[Verdict.PASSED]:
        return f"passed all {total}"
    said = [f"{_VERBS[verdict]} {counts[verdict]}" for verdict in _TOLD if counts[verdict]]
    return f"{said[0]} of {total}" + "".join(f", {one}" for one in said[1:])


_VERBS = {
    Verdict.FAILED: "failed",
    Verdict.ERROR: "ended in error in",
    Verdict.INCONCLUSIVE: "inconclusive in",
    Verdict.PASSED: "passed",
    Verdict.UNSUPPORTED: "has no feature for",
    Verdict.XFAILED: "known to fail",
    Verdict.SKIPPED: "skipped",
}
_TOLD = list(_VERBS)


def headline(run: Run) -> str:
    """The whole run in one sentence."""
    matrix = build(run)
    if not matrix.columns:
        return "Nothing ran." if not run.interrupted else "Interrupted before anything ran."
    clean, other = _sorted_out(matrix)
    scenarios = sum(len(group.rows) for group in matrix.groups)
    parts = []
    if clean:
        parts.append(f"{_listed(clean)} passed all {plural(scenarios, 'scenario')}")
    parts += [f"{column.label} {text}" for column, text in other]
    return ("Interrupted. " if run.interrupted else "") + "; ".join(parts) + "."


def _sorted_out(matrix: Matrix) -> tuple[list[Column], list[tuple[Column, str]]]:
    """The columns that passed everything there is, and the others with their outcome."""
    scenarios = sum(len(group.rows) for group in matrix.groups)
    clean, other = [], []
    for place, column in enumerate(matrix.columns):
        if matrix.counts(place) == {Verdict.PASSED: scenarios}:
            clean.append(column)
        else:
            other.append((column, outcome_in_short(matrix, place)))
    return clean, other


def outcome_in_short(matrix: Matrix, column: int) -> str:
    """The outcome without what is nobody's fault, when there is anything else to say."""
    counts = matrix.counts(column)
    bad = Counter({verdict: counts[verdict] for verdict in NEEDS_WORDS if counts[verdict]})
    if not bad:
        return outcome(matrix, column)
    said = [f"{_VERBS[verdict]} {bad[verdict]}" for verdict in _TOLD if bad[verdict]]
    return f"{said[0]} of {sum(counts.values())}" + "".join(f", {one}" for one in said[1:])


def _listed(columns: list[Column]) -> str:
    labels = [column.label for column in columns]
    return labels[0] if len(labels) == 1 else ", ".join(labels[:-1]) + " and " + labels[-1]


def last_command(run: Run) -> str:
    """The command that reproduces the worst cell that was not fine, one that must be first; empty when all were."""
    for cell in sorted(ordered(run.cells), key=lambda cell: cell.level != "must"):
        if cell.verdict in NEEDS_WORDS and cell.reproduce and not cell.beside:
            return cell.reproduce
    return ""
