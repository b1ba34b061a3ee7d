"""Which exit code a run deserves: the worst counts, and nothing vacuous is green (CHS-8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crashrig.driving.exit_codes import exit_code
from crashrig.driving.runner import point_latest
from crashrig.results import CellKey, CellResult
from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

P, F, E, Q, U, S, X = (
    Verdict.PASSED,
    Verdict.FAILED,
    Verdict.ERROR,
    Verdict.INCONCLUSIVE,
    Verdict.UNSUPPORTED,
    Verdict.SKIPPED,
    Verdict.XFAILED,
)


def results(*verdicts: Verdict, level: str = "must") -> list[CellResult]:
    return [
        CellResult(key=CellKey(scenario=str(number), subject="x"), verdict=verdict, level=level)
        for number, verdict in enumerate(verdicts)
    ]


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([P], 0),
        ([P, U, S], 0),
        ([X], 0),
        ([P, F], 1),
        ([F, Q], 1),
        ([P, Q], 3),
        ([P, F, E], 4),
        ([U, S], 5),
        ([U], 5),
        ([], 5),
    ],
)
def test_the_worst_counts(verdicts: list[Verdict], code: int) -> None:
    assert exit_code(results(*verdicts)) == code


def test_interrupted_is_its_own() -> None:
    assert exit_code(results(P), interrupted=True) == 130


def test_what_only_should_be_fails_nobody_but_an_error_always_counts() -> None:
    assert exit_code(results(F, level="should")) == 0
    assert exit_code(results(Q, level="may")) == 0
    assert exit_code(results(E, level="should")) == 4


def test_latest_leads_to_the_newest_run_at_any_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        point_latest(tmp_path / name)
        assert (tmp_path / "latest").resolve() == tmp_path / name
    assert {path.name for path in tmp_path.iterdir()} == {"one", "two", "latest"}
