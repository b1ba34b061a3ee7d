"""The whole suite, once, on everything there is: holdfast passes for real what it passes simulated; others do not.

One run serves all tests here. Supervisors that are there to fail must fail, for the promise that they break.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from crashrig import peers
from crashrig.history import read_history
from crashrig.reading.library import select
from crashrig.replay import cross_check, replay
from crashrig.results import CellResult, Run
from crashrig.verdict import Verdict
from holdfast.journal_reader import read

pytestmark = [pytest.mark.real, pytest.mark.timeout(600, func_only=False)]

ROOT = Path(__file__).parents[2]
MODES = {loaded.id: loaded.scenario.modes for loaded in select()}
SCENARIOS = list(MODES)
SUPERVISORD_MISSING = peers.find("supervisord").problem


class Suite:
    """The results of the one run, by scenario and subject."""

    def __init__(self, directory: Path, run: Run) -> None:
        self.directory = directory
        self.run = run
        self._cells = {(cell.key.scenario, cell.key.subject): cell for cell in run.cells}

    def cell(self, scenario: str, subject: str) -> CellResult:
        return self._cells[scenario, subject]

        return {
            scenario for (scenario, its), cell in self._cells.items() if its == subject and cell.verdict == "failed"
        }


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    reports = tmp_path_factory.mktemp("reports")
    subjects = ["simulated", "holdfast", "faulty-shell", "faulty-python"]
    if not SUPERVISORD_MISSING:
        subjects.append("supervisord")
    chosen = [word for subject in subjects for word in ("--subject", subject)]
    command = [sys.executable, "-m", "crashrig", "run", *chosen, "--report-dir", str(reports)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=580, check=False)
    assert ended.returncode == 1, f"the faulty ones must fail it: exit {ended.returncode}\n{ended.stderr[-3000:]}"
    directory = (reports / "latest").resolve()
    return Suite(directory, msgspec.json.decode((directory / "run.json").read_bytes(), type=Run))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_holdfast_passes_for_real_and_simulated(suite: Suite, scenario: str) -> None:
    subjects = ["simulated", "holdfast"] if "simulated" in MODES[scenario] else ["holdfast"]
    for subject in subjects:
        cell = suite.cell(scenario, subject)
        problems = [result.message for result in cell.results if result.verdict is not Verdict.PASSED]
        assert cell.verdict is Verdict.PASSED, f"{cell.key}: {cell.verdict}: {cell.reason} {problems}"


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_real_run_replays_to_the_decisions_that_were_taken(suite: Suite, scenario: str) -> None:
    directory = suite.directory / suite.cell(scenario, "holdfast").directory
    journals = list(directory.rglob("journal.jsonl"))
    assert len(journals) == 1, f"one journal is expected under {directory}"
    runs = read(str(journals[0]))
    for run in runs:
        assert run.entries
        assert not replay(run)
    assert not cross_check(runs, read_history(directory / "history.jsonl"))


def test_nothing_is_left_and_nothing_went_wrong(suite: Suite) -> None:
    assert not [warning for warning in suite.run.warnings if "left behind" in warning]
    assert not [str(cell.key) for cell in suite.run.cells if cell.verdict is Verdict.ERROR or cell.leftovers]


FAULTS = [
    # what plans of supervisors get wrong, and a scenario in which it shows
    ("faulty-shell", "tree/child_in_its_own_session", "RST-11"),  # only the direct child is signalled
    ("faulty-shell", "giveup/exactly_so_many_starts", "RST-6"),  # the count is looked at after the back-off
    ("faulty-shell", "giveup/all_clean_ends_with_zero", "RST-6"),  # the exit status of a clean end is lost
    ("faulty-shell", "hang/living_child_does_not_veto", "HB-2"),  # beats are looked at once a minute
    ("faulty-shell", "hang/beat_of_an_earlier_run", "HB-3"),  # the old file kills the new start
    ("faulty-shell", "giveup/instant_death_is_never_running", "RST-12"),  # running is said at once
    ("faulty-python", "hang/rubbish_is_no_beat", "HB-4"),  # a missing or unreadable beat is 9999 s old
    ("faulty-python", "hang/hung_and_deaf_is_killed", "STOP-1"),  # dies in its own force-kill path
    ("faulty-python", "hang/beats_from_the_future", "HB-4"),  # beats are compared across wall clocks
    ("faulty-python", "tree/child_in_the_same_group", "RST-11"),
]


@pytest.mark.parametrize(("subject", "scenario", "promise"), FAULTS)
def test_a_faulty_supervisor_fails_for_the_promise_it_breaks(
    suite: Suite, subject: str, scenario: str, promise: str
) -> None:
    cell = suite.cell(scenario, subject)
    assert cell.verdict is Verdict.FAILED, f"{cell.key}: {cell.verdict} {cell.reason}"
    assert promise in cell.promises


@pytest.mark.parametrize("subject", ["faulty-shell", "faulty-python"])
def test_a_faulty_supervisor_is_not_failed_for_everything(suite: Suite, subject: str) -> None:
    for scenario in ("restart/crash_is_restarted", "restart/killed_from_outside"):
        assert suite.cell(scenario, subject).verdict is Verdict.PASSED


@pytest.mark.peer
@pytest.mark.skipif(bool(SUPERVISORD_MISSING), reason=f"supervisord: {SUPERVISORD_MISSING}")
class TestSupervisord:
    """What earlier measurements found of it, found again."""

    @pytest.mark.parametrize(
        "scenario",
        [
            "tree/child_in_the_same_group",
            "tree/child_in_its_own_session",
            "tree/double_forked_daemon",
            "tree/escapee_by_setsid",
            "tree/escapee_by_double_fork",
            "tree/leader_leaves_child_ignores",
            "giveup/slow_crash_loop",
            "giveup/instant_death_is_never_running",
        ],
    )
    def test_it_falls_short(self, suite: Suite, scenario: str) -> None:
        assert suite.cell(scenario, "supervisord").verdict is Verdict.FAILED

    @pytest.mark.parametrize(
        "scenario",
        [
            "restart/crash_is_restarted",
            "restart/killed_from_outside",
            "restart/clean_exit_stays_down",
            "restart/always_restarts_clean_ends",
            "restart/never_restarts_nothing",
            "stop/term_then_kill",
            "stop/stopped_agent_stops",
        ],
    )
    def test_it_is_right(self, suite: Suite, scenario: str) -> None:
        cell = suite.cell(scenario, "supervisord")
        assert cell.verdict is Verdict.PASSED, cell.reason

    def test_it_has_no_heartbeat(self, suite: Suite) -> None:
        hangs = [scenario for scenario in SCENARIOS if scenario.startswith("hang/")]
        assert {suite.cell(scenario, "supervisord").verdict for scenario in hangs} == {Verdict.UNSUPPORTED}
