"""No expectation of a built-in scenario is green whatever happens (CHS-8): a bad supervisor would fail each.

The histories are those of the simulated holdfast with one misdeed worked in: a restart forgotten, a second copy
started, a process left behind, everything killed at once, and so on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from signal import SIGKILL

import pytest
from msgspec.structs import replace

from crashrig.history import History, Observation
from crashrig.judging.checker import judge
from crashrig.reading.library import select
from crashrig.reading.scenario_file import LoadedScenario
from crashrig.scenario import Expect, Scenario
from crashrig.simulation.run import simulate
from crashrig.verdict import Verdict

SCENARIOS = [loaded for loaded in select() if "simulated" in loaded.scenario.modes]
LEADERS = ("start", "exit")
PROCESSES = ("start", "exit", "birth", "death")


def restarts_nothing(seen: list[Observation]) -> Iterable[Observation]:
    return [one for one in seen if one.generation <= 1 or one.what == "claimed"]


def starts_nothing(seen: list[Observation]) -> Iterable[Observation]:
    return [one for one in seen if not one.agent]


def starts_all_twice(seen: list[Observation]) -> Iterator[Observation]:
    for one in seen:
        yield one
        if one.what == "start":
            yield replace(one, t=one.t + 0.001, pid=100_000 + one.pid, generation=one.generation + 1)


def starts_again_after_every_end(seen: list[Observation]) -> Iterator[Observation]:
    for one in seen:
        yield one
        if one.what == "exit":
            generation = one.generation + 1
            yield replace(one, what="start", t=one.t + 0.001, pid=100_000 + generation, generation=generation)


def restarts_in_a_herd(seen: list[Observation]) -> Iterable[Observation]:
    first = min((one.t for one in seen if one.what == "start" and one.generation > 1), default=0.0)
    return [replace(one, t=first) if one.what == "start" and one.generation > 1 else one for one in seen]


def leaves_a_process_of_every_start(seen: list[Observation]) -> Iterator[Observation]:
    for one in seen:
        yield one
        if one.what == "start":
            yield replace(one, what="birth", t=one.t + 0.001, pid=100_000 + one.pid)


def ends_nothing(seen: list[Observation]) -> Iterable[Observation]:
    return [one for one in seen if one.what not in ("exit", "death", "subject.exit")]


def kills_instead_of_asking(seen: list[Observation]) -> Iterable[Observation]:
    return [replace(one, code=None, signal=int(SIGKILL)) if one.what == "exit" else one for one in seen]


def kills_all_at_once(seen: list[Observation]) -> Iterator[Observation]:
    """Each leader and each other process is dead a moment after it began."""
    for one in seen:
        if one.what in ("exit", "death"):
            continue
        yield one
        if one.what in ("start", "birth"):
            end = "exit" if one.what == "start" else "death"
            yield replace(one, what=end, t=one.t + 0.001, code=None, signal=int(SIGKILL))


def is_an_hour_late(seen: list[Observation]) -> Iterable[Observation]:
    """Whatever it does after an end or a signal, an hour later; the run goes on until then."""
    return [replace(one, t=one.t + 3600.0) if one.what in PROCESSES and one.t > 0.5 else one for one in seen]


def hurries(seen: list[Observation]) -> Iterable[Observation]:
    """All that agents and supervisor do takes a third of the time."""
    return [one if one.what in ("fault", "end") else replace(one, t=one.t / 3) for one in seen]


def ends_itself(seen: list[Observation]) -> Iterator[Observation]:
    yield from (one for one in seen if one.what != "subject.exit")
    yield Observation(t=0.5, what="subject.exit", code=1, source="rig")


def claims_running(seen: list[Observation]) -> Iterator[Observation]:
    for one in seen:
        if one.what == "claimed":
            yield replace(one, text="running")
        else:
            yield one


def claims_stopped(seen: list[Observation]) -> Iterable[Observation]:
    return [replace(one, text="stopped") if one.what == "claimed" else one for one in seen]


MISDEEDS: list[Callable[[list[Observation]], Iterable[Observation]]] = [
    restarts_nothing,
    starts_nothing,
    starts_all_twice,
    starts_again_after_every_end,
    restarts_in_a_herd,
    leaves_a_process_of_every_start,
    ends_nothing,
    kills_instead_of_asking,
    kills_all_at_once,
    is_an_hour_late,
    hurries,
    ends_itself,
    claims_running,
    claims_stopped,
]


def misled(history: History, misdeed: Callable[[list[Observation]], Iterable[Observation]]) -> History:
    """The history with the misdeed, in order of time, and with its end at the end."""
    worked_in = sorted(misdeed(history.observations), key=lambda one: one.t)
    end = max(one.t for one in worked_in)
    seen = [replace(one, t=end) if one.what == "end" else one for one in worked_in]
    return History(header=history.header, observations=sorted(seen, key=lambda one: one.t), footer=history.footer)


@pytest.mark.parametrize("loaded", SCENARIOS, ids=lambda loaded: loaded.id)
def test_every_expectation_fails_for_some_misdeed(loaded: LoadedScenario) -> None:
    assert not always_green(loaded.scenario, loaded.id), "no misdeed fails it"


def test_an_expectation_that_cannot_fail_is_found() -> None:
    (loaded,) = select(["restart/command_that_cannot_start"])
    vacuous = Expect(count="missing.start", max=0)
    assert list(always_green(replace(loaded.scenario, expect=[*loaded.scenario.expect, vacuous]), loaded.id)) == [3]


def always_green(scenario: Scenario, name: str) -> dict[int, str]:
    """The expectations that no misdeed fails."""
    history = simulate(scenario, name, 1)
    green = {result.expectation: result.text for result in judge(scenario, history)}
    for misdeed in MISDEEDS:
        for result in judge(scenario, misled(history, misdeed)):
            if result.verdict is Verdict.FAILED and result.window is not None:  # its moment came, and it was not met
                green.pop(result.expectation, None)
    return green
