"""Reports of a run: on the console while it lasts, and as files in its directory afterwards.

Everything here reads `results.Run` and the histories of the cells, and judges nothing. `matrix` and `wording` say
once what all reports show; one module writes each file; docs/results.md explains them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from crashrig.results import Run


def write_all(run: Run, directory: Path) -> list[Path]:
    """Write every report of `run` into its directory, run.json first; says which files were written.

    The cells' histories are looked for where the run says they are; OSError when `directory` cannot be written.
    """
    from crashrig.report import events, html, junit, run_json, summary

    return [
        run_json.write(run, directory),
        events.write(run, directory),
        junit.write(run, directory),
        summary.write_summary(run, directory),
        summary.write_matrix(run, directory),
        html.write(run, directory),
    ]
