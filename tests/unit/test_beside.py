"""Subjects that are run only to compare with decide nothing, and cannot make an empty run look full."""

from __future__ import annotations

import pytest

from crashrig.driving.exit_codes import ERROR, FAILED, NOTHING, PASSED, exit_code
from crashrig.driving.subject_choice import choose
from crashrig.report.wording import last_command
from crashrig.results import CellKey, CellResult, Run
from crashrig.verdict import Verdict


def cell(subject: str, verdict: Verdict, *, beside: bool = False) -> CellResult:
    key = CellKey(scenario="stop/x", subject=subject)
    return CellResult(key=key, verdict=verdict, beside=beside, reproduce=f"crashrig reproduce {subject}")


@pytest.mark.parametrize(
    ("own", "other", "code"),
    [
        (Verdict.PASSED, Verdict.FAILED, PASSED),
        (Verdict.FAILED, Verdict.PASSED, FAILED),
        (Verdict.UNSUPPORTED, Verdict.PASSED, NOTHING),
        (Verdict.PASSED, Verdict.ERROR, ERROR),
    ],
)
def test_only_the_others_decide(own: Verdict, other: Verdict, code: int) -> None:
    assert exit_code([cell("mine", own), cell("peer", other, beside=True)]) == code


def test_the_command_to_reproduce_is_never_that_of_a_subject_run_beside() -> None:
    run = Run(id="r", version="1", argv=[], started="", cells=[cell("peer", Verdict.FAILED, beside=True)])
    assert last_command(run) == ""
    run.cells.append(cell("mine", Verdict.FAILED))
    assert last_command(run) == "crashrig reproduce mine"


def test_who_is_named_as_both_decides() -> None:
    chosen = choose(["simulated", "holdfast"], ["faulty-shell", "holdfast"])
    assert [(one.name, one.record.beside) for one in chosen] == [
        ("simulated", False),
        ("holdfast", False),
        ("faulty-shell", True),
    ]
