"""The closing words of a run and its Markdown, reviewed like prose: tests/golden/report/, written anew by --rewrite."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from report_samples import sample_run

from crashrig.report.console import Console
from crashrig.report.summary import matrix, summary

if TYPE_CHECKING:
    from collections.abc import Callable

    from crashrig.results import Run

HERE = Path(__file__).parent / "report"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return sample_run(tmp_path)


def closing_words(run: Run) -> str:
    stream = io.StringIO()
    Console(stream).finished(run, Path("reports/20261121T005700Z-3f9c"))
    return stream.getvalue()


def test_console(run: Run, golden: Callable[[Path, str], None]) -> None:
    golden(HERE / "console.txt", closing_words(run))


def test_console_of_one_subject_that_passed(run: Run, golden: Callable[[Path, str], None]) -> None:
    run.cells = [cell for cell in run.cells if cell.key.subject == "holdfast"]
    run.subjects = run.subjects[1:2]
    run.warnings = []
    golden(HERE / "console_passed.txt", closing_words(run))


def test_summary(run: Run, golden: Callable[[Path, str], None]) -> None:
    golden(HERE / "summary.md", summary(run))


def test_matrix(run: Run, golden: Callable[[Path, str], None]) -> None:
    golden(HERE / "matrix.md", matrix(run))
