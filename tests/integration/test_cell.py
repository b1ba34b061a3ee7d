"""One real cell from beginning to end: what it sees, injects, leaves behind and says (CHS-2, CHS-3, CHS-4)."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import msgspec
import pytest
from crashrig_samples import CRASHES, cell, subject

from crashrig.driving.host import snapshot
from crashrig.driving.run_cell import RealCells, Workshop
from crashrig.history import read_history
from crashrig.observers import choice
from crashrig.sandbox import group
from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from crashrig.history import History, Observation
    from crashrig.results import CellResult

pytestmark = pytest.mark.real

QUIET = """
title = "An agent that does nothing"
promises = []
timeout = "60s"
[agents.worker]
behaviour = [{ wait = "1h" }]
"""
LIVES = '[[expect]]\nstays = "worker.live == 1"\nafter = "worker.start#1"\nfor = "4s"\n'


class Rig:
    """Runs cells for a test."""

    def __init__(self, directory: Path, observer: str) -> None:
        self.directory = directory
        self.name = f"test{os.getpid()}"
        self.cells = RealCells(Workshop(run=self.name, directory=directory, bases=group.bases(), observer=observer))

    def run(self, text: str, name: str = "holdfast", pace: float = 20.0) -> CellResult:
        """The result of one cell; `name` may be an adapter of rig_subjects."""
        one = cell(text, "subject", pace)
        one = msgspec.structs.replace(one, subject=subject(name if name == "holdfast" else f"rig_subjects:{name}"))
        result = self.cells.run(one)
        assert result is not None
        return result

    def history(self, result: CellResult) -> History:
        return read_history(self.directory / result.directory / "history.jsonl")

    def seen(self, result: CellResult, what: str) -> list[Observation]:
        return [one for one in self.history(result).observations if one.what == what]


@pytest.fixture
def rig_with(tmp_path: Path) -> Iterator[Callable[[str], Rig]]:
    """A rig with a certain observer; afterwards the host must be as it was."""
    bases = group.bases()
    name = f"test{os.getpid()}"
    before = snapshot(name, bases)
    yield lambda observer: Rig(tmp_path, observer)
    assert snapshot(name, bases).left_since(before) == []


@pytest.fixture
def rig(rig_with: Callable[[str], Rig]) -> Rig:
    return rig_with(choice.probe().observer)


@pytest.mark.parametrize("observer", [choice.KERNEL, choice.SCAN])
def test_births_and_deaths_are_seen_with_their_codes(rig_with: Callable[[str], Rig], observer: str) -> None:
    if observer == choice.KERNEL and choice.probe().observer != observer:
        pytest.skip(choice.probe().why_not_better)
    rig = rig_with(observer)
    text = CRASHES.replace('{ wait = "4s" }', '{ spawn = "setsid" }, { wait = "4s" }')
    result = rig.run(text)
    assert (result.verdict, result.reason, result.survivors, result.leftovers) == (Verdict.PASSED, "", [], [])
    history = rig.history(result)
    assert (history.header.pace, history.header.seed) == (20.0, 1)
    assert 0 < history.header.resolution <= 0.01
    first = rig.seen(result, "exit")[0]
    assert (first.generation, first.code) == (1, 3)
    assert [one.generation for one in rig.seen(result, "birth")][:1] == [1]
    assert [one.generation for one in rig.seen(result, "death")][:1] == [1]
    times = [one.t for one in history.observations]
    assert times == sorted(times)
    assert rig.seen(result, "subject.start")[0].t == 0.0
    assert rig.seen(result, "subject.exit")[0].code == 0


def test_everything_is_where_it_is_looked_for(rig: Rig) -> None:
    result = rig.run(CRASHES)
    directory = rig.directory / result.directory
    files = {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}
    repro = {f"repro/{name}" for name in ("scenario.json", "cell.json", "repro.sh")}
    assert {"history.jsonl", "result.json", "supervisor.log", "config/holdfast.toml"} | repro <= files
    assert "spec.json" not in files
    assert "repro" in result.reproduce
    assert (result.title, result.level, result.promises) == ("A crash is followed by a restart", "must", ["RST-1"])


FAULTS = (
    QUIET.replace("promises", 'needs = ["operator"]\npromises')
    + """
[policy]
backoff = ["1s"]
heartbeat_timeout = "60s"
[[fault]]
when = "worker.start#1 + 4s"
tamper = { target = "worker", content = "stale" }
[[fault]]
when = "worker.start#1 + 6s"
freeze = { target = "worker", for = "5s" }
[[fault]]
when = "fault#2.lifted + 4s"
kill = { target = "worker", signal = "SIGKILL" }
[[fault]]
when = "worker.start#2 + 4s"
operator = { command = "stop", target = "worker" }
[[expect]]
eventually = "worker.exit#1.signal == SIGKILL"
after = "fault#3"
within = "2s"
[[expect]]
eventually = "worker.exit#2.signal == SIGTERM"
after = "fault#4"
"""
)


def test_every_kind_of_fault_is_proven_and_lifted(rig: Rig) -> None:
    result = rig.run(FAULTS.replace('{ wait = "1h" }', '{ beat = "10s" }'))
    assert (result.verdict, result.reason) == (Verdict.PASSED, "")
    assert [(one.phase, one.text) for one in rig.seen(result, "fault")] == [
        ("injected", "1 tamper"),
        ("proven", "1 tamper"),
        ("injected", "2 freeze"),
        ("proven", "2 freeze"),
        ("lifted", "2 freeze"),
        ("injected", "3 kill"),
        ("proven", "3 kill"),
        ("injected", "4 operator"),
        ("proven", "4 operator"),
    ]


def test_what_is_caused_by_a_fault_comes_after_it(rig: Rig) -> None:
    fault = '[[fault]]\nwhen = "worker.start#1 + 2s"\nkill = { target = "worker", scope = "tree" }\n'
    order = '[[expect]]\norder = ["fault#1", "worker.exit#1", "worker.start#2"]\n'
    text = QUIET.replace('{ wait = "1h" }', '{ spawn = "setsid" }, { wait = "1h" }') + fault + order
    result = rig.run(text + '[policy]\nbackoff = ["1s"]')
    assert (result.verdict, result.reason) == (Verdict.PASSED, "")
    assert [one.signal for one in rig.seen(result, "death")][:1] == [9]


def test_a_fault_with_nothing_to_hit_is_inconclusive(rig: Rig) -> None:
    text = QUIET.replace('{ wait = "1h" }', "{ exit = 0 }")
    fault = '[[fault]]\nwhen = "worker.exit#1 + 1s"\nkill = { target = "worker" }\n'
    expect = '[[expect]]\neventually = "worker.exit#1.code == 0"\n'
    result = rig.run(text + fault + expect)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert [one.text for one in rig.seen(result, "fault")] == ["1 kill: worker has no living first process"]


def test_when_nothing_lives_any_more_the_rest_is_not_waited_for(rig: Rig) -> None:
    text = QUIET.replace('"60s"', '"20m"').replace('{ wait = "1h" }', "{ exit = 0 }")
    expect = '[[expect]]\nstays = "supervisor.live == 0"\nafter = "supervisor.exit"\nfor = "15m"\n'
    started = time.monotonic()
    result = rig.run(text + expect)
    assert (result.verdict, result.reason) == (Verdict.PASSED, "")
    assert time.monotonic() - started < 15 * 60 / 20
    [end] = rig.seen(result, "end")
    assert end.text == "subject-gone"
    assert end.t > 15 * 60 / 20


def test_claims_are_asked_for_when_the_scenario_speaks_of_them(rig: Rig) -> None:
    claimed = "[[expect]]\neventually = \"worker.claimed == 'running'\"\n"
    assert [one.text for one in rig.seen(rig.run(QUIET + claimed, "Odd"), "claimed")] == ["running"]
    (rig.directory / "next").mkdir()
    rig.cells = Rig(rig.directory / "next", choice.probe().observer).cells
    rig.directory = rig.directory / "next"
    assert rig.seen(rig.run(QUIET + LIVES, "Odd"), "claimed") == []


def test_what_a_supervisor_leaves_alive_is_its_fault_and_not_the_rig_s(rig: Rig) -> None:
    result = rig.run(QUIET + LIVES + '[[expect]]\nunchanged = "host"\n', "Leaver")
    assert result.verdict is Verdict.FAILED
    [survivor] = result.survivors
    assert survivor.startswith("worker generation 1: first process ")
    assert result.leftovers == []


def test_a_supervisor_that_will_not_end_is_killed(rig: Rig) -> None:
    result = rig.run(QUIET + LIVES + '[policy]\ngrace = "1s"\n[[expect]]\nunchanged = "host"\n', "Deaf", 20.0)
    assert result.verdict is Verdict.FAILED
    assert result.survivors[0].startswith("the supervisor, process ")
    assert rig.seen(result, "subject.exit")[0].signal == 9


def test_a_supervisor_s_output_is_kept_within_bounds(rig: Rig) -> None:
    result = rig.run(QUIET + LIVES, "Talker")
    log = (rig.directory / result.directory / "supervisor.log").read_bytes()
    assert 1 << 20 <= len(log) < (1 << 20) + 200
    assert log.endswith(b"was not kept]\n")


@pytest.mark.parametrize(
    ("name", "verdict", "reason"),
    [
        ("Refusing", Verdict.ERROR, "the disk is made of cheese"),
        ("Unable", Verdict.UNSUPPORTED, "it has no such thing"),
        ("Broken", Verdict.ERROR, "the rig failed: RuntimeError: a bug in the adapter"),
        ("Missing", Verdict.ERROR, "cannot start /no/such/supervisor: No such file or directory"),
        ("Killer", Verdict.ERROR, "the cell's process died with wait status 2304; see its cell.log"),
        ("NotThere", Verdict.ERROR, "rig_subjects:NotThere: module 'rig_subjects' has no 'NotThere'"),
    ],
)
def test_what_goes_wrong_is_said(rig: Rig, name: str, verdict: Verdict, reason: str) -> None:
    result = rig.run(QUIET + LIVES, name)
    assert (result.verdict, result.reason) == (verdict, reason)


SECOND = (
    QUIET.replace("[agents", 'modes = ["real"]\n[agents')
    + """
[[fault]]
when = "worker.start#1 + 4s"
second = { for = "20s" }
[[expect]]
always = "worker.live <= 1"
[[expect]]
eventually = "fault#1.lifted"
after = "fault#1"
within = ["20s", "30s"]
"""
)


def test_a_second_supervisor_is_refused_by_holdfast(rig: Rig) -> None:
    assert rig.run(SECOND).verdict is Verdict.PASSED


def test_a_second_supervisor_that_is_not_refused_is_seen(rig: Rig) -> None:
    result = rig.run(SECOND, "Odd")
    assert result.verdict is Verdict.FAILED
    assert "worker.live" in result.reason
    assert not result.leftovers
