"""junit.xml: the results for continuous-integration servers, in the xunit2 schema.

One suite per subject and configuration, one test per cell. The schema gives properties to suites only, so seed,
pace and margins of a test stand there with the cell's name in front, and again in the test's own output.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from crashrig.driving.cell_spec import HISTORY
from crashrig.report.files import write_atomically
from crashrig.report.matrix import Column, group_of
from crashrig.report.text import one_line, visible
from crashrig.report.wording import WORDS, explain, numbered, observed, spare, why
from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crashrig.results import CellResult, Run

NAME = "junit.xml"

_ELEMENTS = {
    Verdict.PASSED: "",
    Verdict.XFAILED: "skipped",
    Verdict.UNSUPPORTED: "skipped",
    Verdict.SKIPPED: "skipped",
    Verdict.INCONCLUSIVE: "error",
    Verdict.FAILED: "failure",
    Verdict.ERROR: "error",
}
"""What JUnit has for each verdict. It cannot say "nobody can tell": that is an error, because it is no pass."""


def write(run: Run, directory: Path) -> Path:
    """Write the results of `run` into `directory` and say where."""
    root = ET.Element("testsuites", {"name": "crashrig", "time": _seconds(run.seconds), **_counts(run.cells)})
    suites: dict[Column, list[CellResult]] = {}
    for cell in run.cells:
        suites.setdefault(Column(cell.key.subject, cell.key.config), []).append(cell)
    for column, cells in suites.items():
        root.append(_suite(run, column, cells))
    ET.indent(root)
    path = directory / NAME
    write_atomically(path, ET.tostring(root, "utf-8", xml_declaration=True) + b"\n")
    return path


def _suite(run: Run, column: Column, cells: list[CellResult]) -> ET.Element:
    attributes = {
        "name": visible(column.label),
        **_counts(cells),
        "skipped": str(sum(_ELEMENTS[cell.verdict] == "skipped" for cell in cells)),
        "time": _seconds(sum(cell.seconds for cell in cells)),
        "timestamp": visible(run.started),
    }
    suite = ET.Element("testsuite", attributes)
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(run, column, cells):
        ET.SubElement(properties, "property", {"name": visible(name), "value": visible(value)})
    suite.extend(_case(cell) for cell in cells)
    return suite


def _properties(run: Run, column: Column, cells: list[CellResult]) -> Iterator[tuple[str, str]]:
    yield "run", run.id
    for subject in run.subjects:
        if subject.name == column.subject:
            yield "version", subject.version
            yield "capabilities", " ".join(subject.capabilities)
    for cell in cells:
        for name, value in _facts(cell):
            yield f"{cell.key} {name}", value


def _facts(cell: CellResult) -> Iterator[tuple[str, str]]:
    yield "seed", str(cell.key.seed)
    yield "pace", f"{cell.pace:g}"
    for result in cell.results:
        if result.margin is not None:
            yield f"margin {numbered(result)}", f"{result.margin:.6g} {result.unit}".rstrip()


def _case(cell: CellResult) -> ET.Element:
    group = group_of(cell.key.scenario).replace("/", ".").strip(".")
    classname = f"{cell.key.subject}.{group}" if group else cell.key.subject
    attributes = {"classname": visible(classname), "name": _name(cell), "time": _seconds(cell.seconds)}
    case = ET.Element("testcase", attributes)
    element = _ELEMENTS[cell.verdict]
    if element:
        outcome = ET.SubElement(case, element, {"type": cell.verdict.value, "message": _message(cell)})
        if element != "skipped":
            outcome.text = _detail(cell)
    ET.SubElement(case, "system-out").text = _output(cell)
    return case


def _name(cell: CellResult) -> str:
    """The scenario's id; with seed and repetition where these tell cells apart."""
    marks = [f"seed={cell.key.seed}"] if cell.key.seed != 1 else []
    marks += [f"#{cell.key.repetition}"] if cell.key.repetition != 1 else []
    return visible(cell.key.scenario + (f"[{','.join(marks)}]" if marks else ""))


def _message(cell: CellResult) -> str:
    """The first thing a server shows: what was broken, what was seen, and how to see it again."""
    if _ELEMENTS[cell.verdict] == "skipped":
        return one_line(f"{WORDS[cell.verdict]}: {why(cell)}")
    shortfall = explain(cell).shortfalls[0]
    text = f"{shortfall.expected}: {shortfall.observed}"
    return one_line(text, 600) + (f" | reproduce: {one_line(cell.reproduce, 600)}" if cell.reproduce else "")


def _detail(cell: CellResult) -> str:
    explanation = explain(cell)
    lines = [_message(cell), f"Required   {explanation.required}"]
    for shortfall in explanation.shortfalls:
        lines += [f"Expected   {shortfall.expected}", f"Observed   {shortfall.observed}"]
    if cell.reproduce:
        lines.append(f"Reproduce  {cell.reproduce}")
    return visible("\n".join(lines))


def _output(cell: CellResult) -> str:
    lines = [f"{name}: {value}" for name, value in _facts(cell) if not name.startswith("margin")]
    lines += [f"{one.verdict}: {one.text}: {observed(one)} {spare(one)}".rstrip() for one in cell.results]
    lines += [f"warning: {warning}" for warning in cell.warnings]
    if cell.directory:
        lines.append(f"[[ATTACHMENT|{cell.directory}/{HISTORY}]]")
    return visible("\n".join(lines))


def _counts(cells: list[CellResult]) -> dict[str, str]:
    elements = Counter(_ELEMENTS[cell.verdict] for cell in cells)
    return {"tests": str(len(cells)), "failures": str(elements["failure"]), "errors": str(elements["error"])}


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"
