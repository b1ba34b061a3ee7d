"""recheck: a stored run judged again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from click.testing import CliRunner
from judging import expect, history, scenario

from crashrig.commands.recheck import command
from crashrig.driving.cell_spec import HISTORY
from crashrig.driving.frozen import CELL, DIRECTORY, SCENARIO, FrozenCell
from crashrig.history import write_history
from crashrig.judging.checker import judge, verdict_of
from crashrig.reading.scenario_file import freeze
from crashrig.report.run_json import write
from crashrig.results import CellKey, CellResult, Run
from crashrig.scenario import Agent
from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result as Outcome

KEY = CellKey(scenario="a/b", subject="s")
STORY = "0 start worker g1 p10\n5 exit worker g1 p10 c1\n6 start worker g2 p20\n20 end settled"
TWO_STARTS = scenario(
    expect(count="worker.start", min=2, max=2),
    expect(always="worker.live <= 1"),
    agents={"worker": Agent(behaviour=[{"exit": 1}])},
)


def store(place: Path, story: str = STORY, **changes: object) -> CellResult:
    """A run of one cell, as `crashrig run` leaves it; `changes` make its result differ from the truth."""
    directory = place / "s" / "a" / "b"
    (directory / DIRECTORY).mkdir(parents=True)
    (directory / DIRECTORY / SCENARIO).write_text(freeze(TWO_STARTS))
    frozen = FrozenCell(key=KEY, subject="s", pace=1.0)
    (directory / DIRECTORY / CELL).write_bytes(msgspec.json.encode(frozen))
    seen = history(story)
    write_history(directory / HISTORY, seen)
    results = judge(TWO_STARTS, seen)
    verdict, reason = verdict_of(results, TWO_STARTS, "s")
    cell = CellResult(key=KEY, verdict=verdict, reason=reason, results=results, directory="s/a/b")
    cell = msgspec.structs.replace(cell, **changes)
    write(Run(id="r1", version="1", argv=[], started="", cells=[cell]), place)
    return cell


def recheck(place: Path, *arguments: str) -> Outcome:
    return CliRunner().invoke(command, [str(place), *arguments])


def test_nothing_has_changed(tmp_path: Path) -> None:
    store(tmp_path)
    outcome = recheck(tmp_path)
    assert (outcome.exit_code, outcome.output) == (0, "1 cell judged again: none changed\n")


def test_what_is_judged_differently_is_printed(tmp_path: Path) -> None:
    cell = store(tmp_path)
    first = msgspec.structs.replace(cell.results[0], verdict=Verdict.FAILED)
    store(tmp_path / "then", verdict=Verdict.FAILED, results=[first, cell.results[1]])
    outcome = recheck(tmp_path / "then")
    assert outcome.exit_code == 0
    assert outcome.output.splitlines() == [
        "a/b[s]: failed -> passed",
        "  count worker.start, min 2, max 2: failed -> passed",
        "    expected exactly 2 of worker.start; seen 2",
        "1 cell judged again: 1 changed",
    ]


def test_a_run_is_found_by_its_name(tmp_path: Path) -> None:
    store(tmp_path / "r1")
    outcome = CliRunner().invoke(command, ["r1", "--report-dir", str(tmp_path)])
    assert outcome.exit_code == 0


def test_a_failure_stays_a_failure(tmp_path: Path) -> None:
    store(tmp_path, "0 start worker p10\n20 end timeout")
    outcome = recheck(tmp_path)
    assert (outcome.exit_code, outcome.output) == (1, "1 cell judged again: none changed\n")


def test_a_history_that_is_cut_off_is_an_error(tmp_path: Path) -> None:
    store(tmp_path)
    path = tmp_path / "s" / "a" / "b" / HISTORY
    path.write_bytes(path.read_bytes()[:-20])
    outcome = recheck(tmp_path)
    assert outcome.exit_code == 4
    assert "a/b[s]: passed -> error" in outcome.output
    assert "cannot be judged" in outcome.output


@pytest.mark.parametrize("verdict", [Verdict.UNSUPPORTED, Verdict.ERROR])
def test_where_nothing_was_judged_nothing_changes(tmp_path: Path, verdict: Verdict) -> None:
    store(tmp_path, verdict=verdict, results=[])
    outcome = recheck(tmp_path)
    assert outcome.output == "0 cells judged again: none changed; 1 had nothing to judge\n"


def test_leftovers_stay_an_error(tmp_path: Path) -> None:
    store(tmp_path, verdict=Verdict.ERROR, leftovers=["process 1"])
    assert recheck(tmp_path).exit_code == 4


def test_survivors_are_judged_again(tmp_path: Path) -> None:
    cell = store(tmp_path, survivors=["worker: process 9"])
    assert cell.verdict is Verdict.PASSED
    assert recheck(tmp_path).exit_code == 0


def test_no_such_run(tmp_path: Path) -> None:
    outcome = recheck(tmp_path / "nowhere")
    assert outcome.exit_code == 2
    assert "nowhere" in outcome.output
