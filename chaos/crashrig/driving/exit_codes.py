"""What the exit code of a run says: which results decide over it, and how the worst of them is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crashrig.results import CellResult

PASSED, FAILED, INVALID, INCONCLUSIVE, ERROR, NOTHING, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
"""The exit codes of a run; 130 is what a shell says of a program that Ctrl-C has ended."""


def gates(result: CellResult) -> bool:
    """Whether a result decides over the run: what only should or may be, or was run beside it, fails nobody."""
    return (result.level == "must" and not result.beside) or result.verdict is Verdict.ERROR


def exit_code(cells: Sequence[CellResult], *, interrupted: bool = False) -> int:
    """The exit code of a run with these results."""
    if interrupted:
        return INTERRUPTED
    verdicts = {cell.verdict for cell in cells if gates(cell)}
    if Verdict.ERROR in verdicts:
        return ERROR
    if Verdict.FAILED in verdicts:
        return FAILED
    if Verdict.INCONCLUSIVE in verdicts:
        return INCONCLUSIVE
    ran = {Verdict.PASSED, Verdict.XFAILED, Verdict.FAILED, Verdict.INCONCLUSIVE}
    return PASSED if any(cell.verdict in ran and not cell.beside for cell in cells) else NOTHING
