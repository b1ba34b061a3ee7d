"""The matrix and the words that all reports share."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from report_samples import HOSTILE

from crashrig.report.matrix import build, group_of, ordered
from crashrig.report.plain import plainly, said
from crashrig.report.wording import explain, headline, last_command, measured, outcome, spare, telling, why
from crashrig.results import CellKey, CellResult, Run, SubjectRecord
from crashrig.verdict import Result, Verdict


def cell(scenario: str, subject: str, verdict: Verdict = Verdict.PASSED, **others: object) -> CellResult:
    keys = {name: others.pop(name) for name in ("seed", "config", "repetition") if name in others}
    key = CellKey(scenario=scenario, subject=subject, **keys)  # type: ignore[arg-type]
    return CellResult(key=key, verdict=verdict, **others)  # type: ignore[arg-type]


def run(*cells: CellResult, subjects: tuple[str, ...] = ("holdfast", "supervisord")) -> Run:
    records = [SubjectRecord(name=name) for name in subjects]
    return Run(id="1", version="0", argv=["crashrig", "run"], started="", subjects=records, cells=list(cells))


def result(verdict: Verdict = Verdict.PASSED, **others: object) -> Result:
    defaults = {"expectation": 0, "operator": "never", "text": "never x"} | others
    return Result(verdict=verdict, **defaults)  # type: ignore[arg-type]


def broken(observed: str, expected: str = "never x", required: str = "RST-11 nothing is left") -> Result:
    message = f"Required: {required}\nExpected: {expected}\nObserved: {observed}"
    return result(Verdict.FAILED, message=message, promise="RST-11")


def test_columns_are_in_the_order_of_the_subjects_and_rows_by_folder() -> None:
    matrix = build(
        run(cell("b/x", "supervisord"), cell("b/x", "holdfast"), cell("a/y", "holdfast"), cell("z", "holdfast"))
    )
    assert [column.label for column in matrix.columns] == ["holdfast", "supervisord"]
    assert [group.name for group in matrix.groups] == ["b", "a", "."]
    assert matrix.groups[1].rows[0].squares[1].verdict is None


def test_a_square_has_the_worst_of_its_cells() -> None:
    cells = [cell("a/x", "holdfast", verdict, seed=seed) for seed, verdict in enumerate(Verdict, 1)]
    square = build(run(*cells)).groups[0].rows[0].squares[0]
    assert square.verdict is Verdict.ERROR
    assert square.shown is cells[-1]


def test_a_configuration_is_a_column_of_its_own() -> None:
    matrix = build(run(cell("a/x", "holdfast"), cell("a/x", "holdfast", config="fast")))
    assert [column.label for column in matrix.columns] == ["holdfast", "holdfast (fast)"]


def test_ordered_by_verdict_then_level() -> None:
    may, must = cell("a", "h", Verdict.FAILED, level="may"), cell("b", "h", Verdict.FAILED)
    assert ordered([cell("c", "h"), may, must]) == [must, may, cell("c", "h")]


def test_group_of_a_nested_id() -> None:
    assert [group_of("a/b/c"), group_of("c")] == ["a/b", "."]


def test_the_tightest_time_speaks_for_a_pass() -> None:
    loose, tight = result(observed=1.0, margin=9.0), result(observed=1.02, margin=0.08)
    passed = cell("a", "h", results=[result(observed=7, unit="count", margin=0), loose, tight])
    assert telling(passed) is tight
    assert measured(passed) == "1.02 s"


def test_a_cell_without_times_has_no_value() -> None:
    assert measured(cell("a", "h", results=[result()])) == ""
    assert measured(cell("a", "h")) == ""


@pytest.mark.parametrize(
    ("observed", "words"),
    [
        ("from t=3 s for 9 s: worker.orphans = 4; alive: ...", "left 4 processes of dead runs alive"),
        ("from t=3 s for 9 s: worker.orphans = 1; alive: ...", "left 1 process of dead runs alive"),
        ("worker.stale = 2", "left 2 processes of earlier runs alive"),
        ("worker.orphans = 0", ""),
    ],
)
def test_evidence_in_plain_words(observed: str, words: str) -> None:
    assert plainly(broken(observed)) == words


def test_two_copies_are_named_only_where_one_was_wanted() -> None:
    assert plainly(broken("worker.live = 2", "always worker.live <= 1")) == "ran 2 copies at once"
    assert plainly(broken("worker.live = 2", "always worker.live == 3")) == ""


def test_a_tree_that_should_be_empty_in_plain_words() -> None:
    wanted = "worker.tree == 0 within 11 s after fault#1"
    assert plainly(broken("not seen by t=38 s: worker.tree = 2; alive: ...", wanted)) == "left 2 processes alive"
    assert plainly(broken("not seen by t=38 s: worker.tree = 2", "worker.tree == 3")) == ""


def test_a_false_claim_in_plain_words() -> None:
    wanted = "worker.claimed == 'fatal' within 5 s"
    assert plainly(broken("not seen: worker.claimed = unknown", wanted)) == 'said "unknown", not "fatal"'
    assert plainly(broken("too late: worker.claimed = fatal", wanted)) == ""


def test_too_many_starts_in_plain_words() -> None:
    many = replace(broken("seen 21", "<= 7 of worker.start"), observed=21.0, unit="count")
    assert plainly(many) == "started 21 times, 7 allowed"


def test_a_failure_without_plain_words_names_wish_and_sight() -> None:
    assert why(cell("a", "h", Verdict.FAILED, results=[broken("it never came")])) == (
        "expected nothing is left; it never came"
    )


def test_messages_are_taken_apart() -> None:
    assert said(broken("c", "b", "a")) == ("a", "b", "c")
    assert said(result(message="expected 1 s; seen 2 s")) == ("", "1 s", "seen 2 s")
    assert said(result(message="anything else")) == ("", "", "anything else")
    noisy = result(message="the machine was late, so this cannot be told\nexpected 1 s; seen 2 s")
    assert said(noisy).observed == "the machine was late, so this cannot be told: seen 2 s"
    doubted = replace(noisy, verdict=Verdict.INCONCLUSIVE)
    assert why(cell("a", "h", Verdict.INCONCLUSIVE, reason="long", results=[doubted])) == "the machine was late"


def test_reasons_of_other_verdicts() -> None:
    assert why(cell("a", "h", Verdict.UNSUPPORTED, reason="no heartbeat")) == "no heartbeat"
    assert why(cell("a", "h", Verdict.ERROR, leftovers=["process 7"])) == "left behind: process 7"
    assert why(cell("a", "h", Verdict.ERROR)) == "error"
    assert why(cell("a", "h", reason="ignored")) == ""


def test_an_announced_failure_that_passes_is_explained_by_its_reason() -> None:
    surprise = cell("a", "h", Verdict.FAILED, reason="passed, but was announced to fail", results=[result()])
    assert explain(surprise).shortfalls[0].observed == "passed, but was announced to fail"


def test_an_explanation_cites_the_broken_promise_in_words() -> None:
    bad = cell(
        "a", "h", Verdict.FAILED, title="T", promises=["HB-1", "RST-11"], results=[result(), broken("x.orphans = 2")]
    )
    explanation = explain(bad)
    assert explanation.required == "T (must: RST-11 the old generation is gone before the next one starts)"
    assert [shortfall.observed for shortfall in explanation.shortfalls] == [
        "left 2 processes of dead runs alive: x.orphans = 2"
    ]


def test_leftovers_are_explained_beside_a_broken_expectation() -> None:
    bad = cell("a", "h", Verdict.ERROR, reason="left a process", leftovers=["process 7"], results=[broken("x")])
    assert [shortfall.observed for shortfall in explain(bad).shortfalls] == ["left a process", "x"]


def test_margins_in_words() -> None:
    assert spare(result(margin=0.4)) == "400 ms to spare"
    assert spare(result(margin=-3, unit="count")) == "missed by 3"
    assert spare(result()) == ""


def test_the_headline_says_who_passed_and_who_fell_short() -> None:
    cells = [cell(f"a/{n}", "holdfast") for n in range(3)]
    cells += [cell("a/0", "supervisord", Verdict.FAILED), cell("a/1", "supervisord", Verdict.UNSUPPORTED)]
    assert headline(run(*cells)) == "holdfast passed all 3 scenarios; supervisord failed 1 of 2."
    assert outcome(build(run(*cells)), 1) == "failed 1 of 2, has no feature for 1"


def test_a_subject_that_was_not_asked_everything_did_not_pass_everything() -> None:
    assert headline(run(cell("a", "holdfast"), cell("b", "holdfast"), cell("a", "supervisord"))) == (
        "holdfast passed all 2 scenarios; supervisord passed all 1."
    )


def test_nothing_ran_is_said() -> None:
    assert headline(run()) == "Nothing ran."
    interrupted = run(cell("a", "holdfast"))
    interrupted.interrupted = True
    assert headline(interrupted).startswith("Interrupted. ")


def test_the_last_command_is_that_of_the_worst_cell() -> None:
    failed = cell("a", "h", Verdict.FAILED, reproduce="crashrig reproduce a")
    error = cell("b", "h", Verdict.ERROR, reproduce=HOSTILE)
    assert last_command(run(failed, error)) == HOSTILE
    assert last_command(run(cell("a", "h", Verdict.UNSUPPORTED, reproduce="x"))) == ""
