"""What a run says to GitHub Actions: annotations on the build page, and the step summary."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from crashrig.report.matrix import ordered
from crashrig.report.summary import summary
from crashrig.report.text import one_line
from crashrig.report.wording import NEEDS_WORDS, explain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

    from crashrig.results import CellResult, Run

ANNOTATIONS = 9
"""GitHub shows ten errors a step; the tenth says how many more there are."""


def publish(run: Run, stream: TextIO, environment: Mapping[str, str] = os.environ) -> None:
    """Write annotations to `stream` and append the step summary; nothing when this is no GitHub job."""
    if not environment.get("GITHUB_ACTIONS"):
        return
    stream.writelines(line + "\n" for line in workflow_commands(run))
    target = environment.get("GITHUB_STEP_SUMMARY")
    if target:
        with Path(target).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(summary(run))


def workflow_commands(run: Run) -> list[str]:
    """One workflow command for each of the worst cells, and one for the rest of them."""
    cells = [cell for cell in ordered(run.cells) if cell.verdict in NEEDS_WORDS]
    lines = [_annotation(cell) for cell in cells[:ANNOTATIONS]]
    if len(cells) > ANNOTATIONS:
        lines.append(f"::error title=crashrig::{len(cells) - ANNOTATIONS} more; the summary has them all")
    return lines


def _annotation(cell: CellResult) -> str:
    explanation = explain(cell)
    shortfall = explanation.shortfalls[0]
    text = f"{explanation.required}. Expected: {shortfall.expected}. Observed: {shortfall.observed}."
    if cell.reproduce:
        text += f" Reproduce: {cell.reproduce}"
    parameters = f"title={_parameter(str(cell.key))}"
    file = Path("scenarios", cell.key.scenario + ".toml")
    if file.is_file():
        parameters = f"file={_parameter(str(file))},{parameters}"
    return f"::error {parameters}::{_data(text)}"


def _data(text: str) -> str:
    """A message as the runner wants it: GitHub documents these escapes for workflow commands."""
    return one_line(text, 2000).replace("%", "%25")


def _parameter(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
