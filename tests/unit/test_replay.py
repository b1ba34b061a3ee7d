"""Replay: decisions come out again, a changed journal is found out, and its claims are held against the history."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest
from click.testing import CliRunner

from crashrig.commands.replay import command
from crashrig.history import write_history
from crashrig.quantities import Duration, Window
from crashrig.replay import cross_check, replay
from crashrig.scenario import Agent, Expect, Fault, Kill, Policy, Scenario
from crashrig.simulation import supervisor
from crashrig.simulation.policy import settings_of
from crashrig.simulation.run import simulate
from holdfast.fleet import Fleet
from holdfast.journal import Journal
from holdfast.journal_reader import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    from crashrig.history import History, Observation
    from holdfast.effects import Effect
    from holdfast.events import Event

WORKER = Agent(starts=[[{"beat": "30s", "for": "1m"}, {"spawn": "deaf"}, {"exit": 3}], [{"hang": "sleep"}]])


def scenario(*faults: Fault) -> Scenario:
    return Scenario(
        title="for a test",
        promises=["RST-1"],
        agents={"worker": WORKER},
        policy=Policy(heartbeat_timeout=Duration(90.0), max_restarts=3, jitter=0.5),
        fault=list(faults),
        expect=[Expect(eventually="supervisor.exit.code == 77", within=Window(0.0, 900.0))],
        timeout=Duration(900.0),
    )


class Cell:
    """A simulated cell that kept a journal as a real one does."""

    def __init__(self, directory: Path, case: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self.journal = directory / "config" / "state" / "journal.jsonl"
        self.journal.parent.mkdir(parents=True)
        self._journal = Journal(str(self.journal), settings_of(case, case.agents, 5), lambda _: None)
        monkeypatch.setattr(supervisor, "Fleet", self._recorder())
        self.history: History = simulate(case, "test", 5)
        self._journal.close()
        write_history(directory / "history.jsonl", self.history)

    def _recorder(self) -> type[Fleet]:
        journal = self._journal

        class Recorder(Fleet):
            def begin(self, now: float) -> list[Effect]:
                return self._noted(now, None, super().begin(now))

            def handle(self, event: Event, now: float) -> list[Effect]:
                return self._noted(now, event, super().handle(event, now))

            def _noted(self, now: float, event: Event | None, effects: list[Effect]) -> list[Effect]:
                journal.decided(now, event, effects)
                return effects

        return Recorder

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.journal.read_text().splitlines()]

    def rewrite(self, lines: list[dict[str, object]]) -> None:
        self.journal.write_text("".join(json.dumps(line) + "\n" for line in lines))

    def replayed(self) -> list[str]:
        return [line for run in read(str(self.journal)) for line in replay(run)]

    def checked(self, change: Callable[[Observation], Observation | None] = lambda one: one) -> list[str]:
        changed = [new for one in self.history.observations if (new := change(one)) is not None]
        history = msgspec.structs.replace(self.history, observations=changed)
        return cross_check(read(str(self.journal)), history)


@pytest.fixture
def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cell:
    return Cell(tmp_path / "run" / "holdfast" / "tree" / "case", scenario(), monkeypatch)


def test_every_decision_comes_out_again(cell: Cell) -> None:
    assert cell.replayed() == []
    assert len(read(str(cell.journal))[0].entries) > 20


def test_the_first_changed_decision_is_shown_beside_the_right_one(cell: Cell) -> None:
    lines = cell.lines()
    number = next(n for n, line in enumerate(lines) if "SignalTree" in json.dumps(line))
    lines[number] = json.loads(json.dumps(lines[number]).replace('"signal": 15', '"signal": 9'))
    cell.rewrite(lines)
    place, *compared = cell.replayed()
    assert place.startswith(f"decision {number}, at ")
    assert "    journal  SignalTree(agent='worker', generation=1, signal=9)" in compared
    assert "    replay   SignalTree(agent='worker', generation=1, signal=15)" in compared


def test_a_missing_event_is_found_out(cell: Cell) -> None:
    lines = cell.lines()
    number = next(n for n, line in enumerate(lines) if "Exited" in json.dumps(line))
    cell.rewrite(lines[:number] + lines[number + 1 :])
    assert cell.replayed() != []


def test_another_seed_is_found_out(cell: Cell) -> None:
    lines = cell.lines()
    lines[0]["settings"]["fleet"]["seed"] = 6  # type: ignore[index]
    cell.rewrite(lines)
    assert cell.replayed() != []


def test_an_agent_that_the_header_does_not_know_is_said(cell: Cell) -> None:
    lines = cell.lines()
    cell.rewrite([lines[0], json.loads(json.dumps(lines[2]).replace('"worker"', '"other"'))])
    assert cell.replayed() == [
        f"decision 1, at {lines[2]['now']:.6f} s, on {_spawned('other')}: there is no agent 'other'"
    ]


def _spawned(agent: str) -> str:
    return f"Spawned(agent='{agent}', generation=1, pid=1001)"


def test_after_lost_lines_nothing_is_compared(cell: Cell) -> None:
    lines = cell.lines()
    gap = {"wall": 0.0, "now": lines[5]["now"], "note": "lost", "lines": 3}
    cell.rewrite([*lines[:5], gap, *lines[8:]])
    assert cell.replayed() == ["the journal has lost lines before decision 5: nothing after them can be compared"]


def test_a_torn_last_line_is_tolerated(cell: Cell) -> None:
    cell.journal.write_text(cell.journal.read_text()[:-20])
    assert cell.replayed() == []


# The journal and the history -------------------------------------------------------------------------------------


def test_what_the_journal_tells_was_seen(cell: Cell) -> None:
    assert cell.checked() == []


def test_an_exit_that_the_journal_tells_otherwise_is_found(cell: Cell) -> None:
    def other_code(one: Observation) -> Observation:
        return msgspec.structs.replace(one, code=4) if one.what == "exit" and one.code == 3 else one

    assert cell.checked(other_code) == [
        "seen, but not in the journal: worker process 1001: exit 4",
        "in the journal, but not seen: worker process 1001: exit 3",
    ]


def test_processes_that_one_side_does_not_know_are_found(cell: Cell) -> None:
    starts = [one for one in cell.history.observations if one.what == "start"]
    unseen = cell.checked(lambda one: None if one.pid == starts[1].pid else one)
    assert unseen == [
        f"in the journal, but not seen: worker process {starts[1].pid}: its start",
        f"in the journal, but not seen: worker process {starts[1].pid}: signal 15",
    ]
    cell.history.observations.append(msgspec.structs.replace(starts[0], pid=4711, t=9999.0))
    assert cell.checked() == ["seen, but not in the journal: worker process 4711: its start"]


def test_a_start_that_only_its_exit_shows_is_enough(cell: Cell) -> None:
    assert cell.checked(lambda one: None if one.what == "start" else one) == []


def test_a_killed_supervisor_need_not_have_written_what_came_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill = Fault(when="10s", kill=Kill(target="supervisor"))
    cell = Cell(tmp_path / "cell", scenario(kill), monkeypatch)
    assert [one.what for one in cell.history.observations if one.what == "exit"] == ["exit"]
    assert cell.checked() == []
    assert cell.replayed() == []


# The command -----------------------------------------------------------------------------------------------------


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_a_run_that_agrees_ends_with_0(cell: Cell, tmp_path: Path) -> None:
    for what in (tmp_path / "run", cell.directory, f"{tmp_path}/run#tree/case", f"{tmp_path}/run#tree/case[holdfast]"):
        result = run(what)
        assert result.exit_code == 0, result.output
        assert "decisions agree, and the journal tells what was seen" in result.output
        assert result.output.splitlines()[-1] == "1 journals, 1 agree"
    assert run(cell.journal).exit_code == 0
    assert run("run", "--report-dir", tmp_path).exit_code == 0


def test_a_difference_ends_with_1(cell: Cell) -> None:
    cell.rewrite([line for line in cell.lines() if "Exited" not in json.dumps(line)])
    result = run(cell.journal)
    assert result.exit_code == 1
    assert "differs" in result.output
    assert result.output.splitlines()[-1] == "1 journals, 0 agree, 1 differ"


def test_what_cannot_be_read_ends_with_2(cell: Cell) -> None:
    cell.rewrite([{"now": 1.0, "event": {"type": "Nonsense"}, "effects": []}, *cell.lines()])
    result = run(cell.journal)
    assert result.exit_code == 2
    assert "not a line of a journal" in result.output
    assert run("no/such/place").exit_code == 2


@pytest.mark.parametrize("cell_name", ["", "#other/case"])
def test_without_a_journal_it_ends_with_5(cell: Cell, tmp_path: Path, cell_name: str) -> None:
    place = tmp_path / "run" if cell_name else tmp_path / "empty"
    place.mkdir(exist_ok=True)
    result = run(f"{place}{cell_name}")
    assert result.exit_code == 5
    assert "no journal of holdfast here" in result.output
