"""From what a user asks for to cells: what multiplies, how fast, and what cannot run (CHS-5, CHS-8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from crashrig_samples import CRASHES, loaded, subject

from crashrig.driving import host
from crashrig.driving.cells import Wanted, expand, shard
from crashrig.driving.config_choice import ConfigChoice
from crashrig.quantities import Size
from crashrig.scenario import Budget
from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from crashrig.driving.cells import Cell


def only(text: str = CRASHES, name: str = "holdfast", pace: float = 20.0, **more: object) -> Cell:
    wanted = Wanted(
        scenarios=[loaded(text=text)], subjects=[subject(name, **more)], configs=[ConfigChoice()], pace=pace
    )
    [cell] = expand(wanted)
    return cell


def test_everything_multiplies() -> None:
    wanted = Wanted(
        scenarios=[loaded("a"), loaded("b")],
        subjects=[subject("simulated"), subject("holdfast")],
        configs=[ConfigChoice(), ConfigChoice("mine", "/mine.conf")],
        repeat=3,
        seed=7,
    )
    found = expand(wanted)
    assert len(found) == 2 * 2 * 2 * 3
    assert len({str(cell.key) for cell in found}) == len(found)
    assert len({cell.directory for cell in found}) == len(found)
    assert {cell.key.seed for cell in found} == {7}


@pytest.mark.parametrize(
    ("asked", "of_scenario", "of_subject", "is_"),
    [(20.0, "", 1000.0, 20.0), (20.0, "pace = 5.0", 1000.0, 5.0), (20.0, "pace = 5.0", 2.0, 2.0), (1.0, "", 50.0, 1.0)],
)
def test_the_slowest_of_three_says_how_fast(asked: float, of_scenario: str, of_subject: float, is_: float) -> None:
    assert only(of_scenario + CRASHES, pace=asked, max_pace=of_subject).pace == is_


def test_virtual_time_needs_no_hurry() -> None:
    assert only(name="simulated").pace == 1.0


def test_what_a_subject_lacks_is_unsupported() -> None:
    cell = only('needs = ["operator", "lock"]' + CRASHES, capabilities=["lock"])
    assert cell.settled is not None
    assert (cell.settled.verdict, cell.settled.reason) == (Verdict.UNSUPPORTED, "holdfast lacks operator")
    assert cell.settled.title == "A crash is followed by a restart"


def test_a_subject_that_is_not_here_is_skipped_with_its_reason() -> None:
    cell = only(unavailable="not installed")
    assert cell.settled is not None
    assert (cell.settled.verdict, cell.settled.reason) == (Verdict.SKIPPED, "not installed")


def test_a_scenario_for_the_other_kind_of_run_is_skipped() -> None:
    real = only('modes = ["real"]' + CRASHES, name="simulated")
    simulated = only('modes = ["simulated"]' + CRASHES)
    assert real.settled is not None
    assert simulated.settled is not None
    assert real.settled.verdict is simulated.settled.verdict is Verdict.SKIPPED
    assert real.settled.reason == "the scenario runs only real"


def test_a_budget_that_the_host_cannot_bear_is_skipped_with_the_reason() -> None:
    huge = only(CRASHES + '[budget]\nmemory = "900000GiB"')
    assert huge.settled is not None
    assert huge.settled.verdict is Verdict.SKIPPED
    assert "of memory; twice that is not free" in huge.settled.reason


@pytest.mark.parametrize(
    ("budget", "word"), [(Budget(memory=Size(2**60)), "memory"), (Budget(disk=Size(2**60)), "disk")]
)
def test_refusals_name_what_is_missing(budget: Budget, word: str) -> None:
    assert f"of {word}; twice that is not free" in host.refusal(budget)
    assert host.refusal(Budget()) == ""


def test_strict_makes_should_a_must() -> None:
    wanted = Wanted(
        scenarios=[loaded(text='level = "should"' + CRASHES)],
        subjects=[subject()],
        configs=[ConfigChoice()],
        strict=True,
    )
    assert expand(wanted)[0].scenario.level == "must"


def test_shards_share_everything_out_and_do_not_depend_on_the_rest() -> None:
    wanted = Wanted(scenarios=[loaded(f"s{n}") for n in range(40)], subjects=[subject()], configs=[ConfigChoice()])
    all_cells = expand(wanted)
    parts = [shard(all_cells, index, 3) for index in (1, 2, 3)]
    assert sorted(str(cell.key) for part in parts for cell in part) == sorted(str(cell.key) for cell in all_cells)
    assert all(parts)
    assert shard(all_cells[::2], 1, 3) == [cell for cell in parts[0] if cell in all_cells[::2]]


def test_no_name_leads_out_of_the_run_s_directory() -> None:
    wanted = Wanted(scenarios=[loaded("../../etc/x"), loaded("/abs/x")], subjects=[subject()], configs=[ConfigChoice()])
    for cell in expand(wanted):
        assert ".." not in cell.directory.split("/")
        assert not cell.directory.startswith("/")
