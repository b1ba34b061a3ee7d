"""Histories become timelines; long ones are put into buckets, broken ones are shown as far as they go."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from crashrig.history import Footer, Header, History, Observation, write_history
from crashrig.report import histories, timeline
from crashrig.results import CellKey, CellResult
from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from crashrig.report.timeline import Timeline


def drawn(*observations: Observation, pace: float = 1.0) -> Timeline:
    header = Header(scenario="a/x", subject="holdfast", pace=pace)
    return timeline.build(History(header=header, observations=list(observations)))


def seen(t: float, what: str, generation: int = 1, pid: int = 0, **others: object) -> Observation:
    return Observation(t=t, what=what, agent="worker", generation=generation, pid=pid, **others)  # type: ignore[arg-type]


def absolute(differences: Iterable[int]) -> list[float]:
    times, now = [], 0
    for difference in differences:
        now += difference
        times.append(now * timeline.TICK)
    return times


def test_times_are_nominal() -> None:
    assert drawn(seen(2.0, "start", pid=5), pace=10.0).agents[0].generations.start == [round(20 / timeline.TICK)]


def test_a_generation_lasts_until_its_last_process_is_gone() -> None:
    track = drawn(
        seen(1, "start", pid=10),
        seen(2, "birth", pid=11, parent=10),
        seen(3, "exit", pid=10, signal=9),
        seen(4, "start", 2, pid=20),
        seen(5, "death", pid=11),
        seen(6, "exit", 2, pid=20, code=3),
    ).agents[0]
    generations = track.generations
    assert generations.ending == ["SIGKILL", "exit 3"]
    assert [t * timeline.TICK for t in generations.exit] == [3, 6]
    assert [t * timeline.TICK for t in generations.gone] == [5, 6]
    assert (absolute(track.tree.t), track.tree.n) == ([1, 2, 3, 4, 5, 6], [1, 2, 1, 2, 1, 0])


def test_what_is_left_alive_is_never_gone() -> None:
    generations = (
        drawn(seen(1, "start", pid=10), seen(2, "birth", pid=11), seen(3, "exit", pid=10, code=1)).agents[0].generations
    )
    assert (generations.exit[0] > 0, generations.gone) == (True, [-1])


def test_an_exit_that_nobody_saw_begin_breaks_nothing() -> None:
    assert drawn(seen(1, "exit", pid=10, code=1), seen(2, "death", pid=11)).agents[0].generations.number == []


def test_beats_are_kept_by_generation_and_kind() -> None:
    beats = (
        drawn(seen(1, "beat", text="good"), seen(2, "beat", text="binary"), seen(3, "beat", 2, text="good"))
        .agents[0]
        .beats
    )
    assert [(one.generation, one.kind, absolute(one.t)) for one in beats] == [
        (1, "good", [1]),
        (1, "binary", [2]),
        (2, "good", [3]),
    ]


def test_a_fault_has_a_beginning_an_end_and_a_proof() -> None:
    def fault(t: float, phase: str) -> Observation:
        return Observation(t=t, what="fault", agent="supervisor", text="1 freeze", phase=phase)

    [shade] = drawn(fault(1, "injected"), fault(1.1, "proven"), fault(2, "lifted")).faults
    assert (shade.kind, shade.target, shade.proof) == ("freeze", "supervisor", "proven")
    assert (shade.start * timeline.TICK, shade.end * timeline.TICK) == (1, 2)


def test_signals_are_named_also_where_the_machine_has_no_name() -> None:
    marks = drawn(seen(1, "received", signal=15), seen(2, "received", signal=99)).agents[0].marks
    assert [mark.text for mark in marks] == ["SIGTERM", "signal 99"]


def test_a_hundred_thousand_beats_become_buckets_and_lose_none() -> None:
    before = time.monotonic()
    track = drawn(*(seen(n / 10, "beat", text="good") for n in range(100_000))).agents[0]
    assert time.monotonic() - before < 10, "drawing a long history must not be what a person waits for"
    [beats] = track.beats
    assert len(beats.t) <= timeline.POINTS_MAX + 1
    assert sum(beats.n) == 100_000


def test_a_dense_tree_keeps_its_highest_size() -> None:
    sizes = [
        observation
        for n in range(20_000)
        for observation in (seen(n, "start", n, pid=1), seen(n + 0.5, "exit", n, pid=1))
    ]
    peak = [seen(10_000.1, "birth", 10_000, pid=p) for p in range(2, 9)] + [
        seen(10_000.2, "death", 10_000, pid=p) for p in range(2, 9)
    ]
    track = drawn(*sorted(sizes + peak, key=lambda observation: observation.t)).agents[0]
    assert max(track.tree.n) == 8
    assert len(track.tree.n) <= timeline.POINTS_MAX + 2


def stored(tmp_path: Path, cut: int = 0, *, directory: str = "cell") -> histories.Seen:
    history = History(
        header=Header(scenario="a/x", subject="holdfast"),
        observations=[seen(1, "start", pid=10), seen(2, "exit", pid=10, code=1)],
        footer=Footer(end="settled", observations=2),
    )
    (tmp_path / "cell").mkdir()
    path = tmp_path / "cell" / "history.jsonl"
    write_history(path, history)
    path.write_bytes(path.read_bytes()[: -cut or None])
    cell = CellResult(key=CellKey(scenario="a/x", subject="holdfast"), verdict=Verdict.PASSED, directory=directory)
    return histories.of_cell(cell, tmp_path)


def test_a_whole_history_has_no_problem(tmp_path: Path) -> None:
    found = stored(tmp_path)
    assert found.problem == ""
    assert found.history is not None
    assert found.history.footer is not None


def test_a_history_without_a_footer_is_shown_and_said_to_be_cut_off(tmp_path: Path) -> None:
    found = stored(tmp_path, cut=10)
    assert found.problem.startswith("the history is cut off")
    assert found.history is not None
    assert [observation.what for observation in found.history.observations] == ["start", "exit"]
    assert timeline.build(found.history).ending == "cut off"


def test_a_history_torn_in_an_observation_keeps_what_came_before(tmp_path: Path) -> None:
    found = stored(tmp_path, cut=60)
    assert found.history is not None
    assert [observation.what for observation in found.history.observations] == ["start"]


def test_a_history_of_nothing_is_said_to_be_unreadable(tmp_path: Path) -> None:
    found = stored(tmp_path, cut=10_000)
    assert found.history is None
    assert "cannot be read" in found.problem


def test_missing_and_foreign_histories_are_said_to_be_so(tmp_path: Path) -> None:
    assert "outside of the run" in stored(tmp_path, directory="../elsewhere").problem
    cell = CellResult(key=CellKey(scenario="a/x", subject="h"), verdict=Verdict.ERROR, directory="gone")
    assert "No such file" in histories.of_cell(cell, tmp_path).problem
    assert (
        histories.of_cell(CellResult(key=cell.key, verdict=Verdict.SKIPPED), tmp_path).problem
        == "no history: nothing ran"
    )
