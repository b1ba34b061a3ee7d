"""The world: what observations add up to."""

from __future__ import annotations

import pytest
from judging import observation

from crashrig.judging.reference import LAST, EventRef
from crashrig.judging.world import World

STORY = """
    0 subject.start p5
    1 start worker g1 p10
    2 birth worker g1 p11
    3 birth worker g1 p12
    4 beat worker
    5 beat worker frozen
    6 beat worker future
    7 received worker SIGTERM
    8 received worker SIGINT
    9 exit worker g1 p10 SIGKILL
    10 death worker g1 p11
    11 start worker g2 p20
    12 birth worker g2 p21
    13 death worker g1 p12
    14 claimed worker running
    15 subject.exit c0
"""


def world_at(t: float, *, pace: float = 1.0, events: tuple[EventRef, ...] = (), story: str = STORY) -> World:
    world = World({"worker": 1}, pace, events)
    for line in story.splitlines():
        if line.strip() and float(line.split()[0]) <= t:
            world.observe(observation(line, pace))
    return world


@pytest.mark.parametrize(
    ("t", "values"),
    [
        (0, {"live": 0, "tree": 0, "generation": 0, "starts": 0, "claimed": None}),
        (3, {"live": 1, "tree": 3, "orphans": 0, "stale": 0, "generation": 1, "starts": 1}),
        (6, {"beats": 2}),
        (9, {"live": 0, "tree": 2, "orphans": 2, "stale": 0, "exits": 1, "generation": 1}),
        (10, {"tree": 1, "orphans": 1}),
        (11, {"live": 1, "tree": 2, "orphans": 1, "stale": 1, "generation": 2, "starts": 2}),
        (13, {"live": 1, "tree": 2, "orphans": 0, "stale": 0}),
        (14, {"claimed": "running"}),
    ],
)
def test_observables_of_an_agent(t: float, values: dict[str, object]) -> None:
    world = world_at(t)
    assert {name: world.observable("worker", name) for name in values} == values
    if "claimed" not in values:
        assert {name: world.observable("total", name) for name in values} == values


def test_the_supervisor_lives_and_ends() -> None:
    assert world_at(1).observable("supervisor", "live") == 1
    assert world_at(15).observable("supervisor", "live") == 0


def test_nominal_time_is_real_time_times_pace() -> None:
    ref = EventRef("worker", "exit", 1)
    world = world_at(100, pace=20.0, events=(ref,))
    event = world.event(ref)
    assert event is not None
    assert event.at == pytest.approx(9.0)
    assert world.now == pytest.approx(15.0)


@pytest.mark.parametrize(
    ("ref", "at"),
    [
        (EventRef("worker", "start"), 1),
        (EventRef("worker", "start", 2), 11),
        (EventRef("worker", "start", LAST), 11),
        (EventRef("worker", "start", 3), None),
        (EventRef("worker", "beat", 2), 6),
        (EventRef("worker", "term"), 7),
        (EventRef("worker", "term", 2), None),
        (EventRef("worker", "death", LAST), 13),
        (EventRef("worker", "birth", 3), 12),
        (EventRef("worker", "claimed"), 14),
        (EventRef("total", "exit"), 9),
        (EventRef("total", "start", 3), None),
        (EventRef("supervisor", "start"), 0),
        (EventRef("supervisor", "exit"), 15),
    ],
)
def test_events(ref: EventRef, at: float | None) -> None:
    event = world_at(100, events=(ref,)).event(ref)
    assert (None if event is None else event.at) == at


def test_faults_have_their_number() -> None:
    proven, lifted = EventRef("fault", "proven", 2), EventRef("fault", "lifted", 2)
    story = "1 fault 1 proven\n2 fault 2 injected\n3 fault 2 proven\n4 fault 2 lifted"
    world = world_at(9, events=(proven, lifted), story=story)
    assert [event.at for ref in (proven, lifted) if (event := world.event(ref))] == [3, 4]


def test_a_group_is_the_sum_of_its_agents() -> None:
    world = World({"worker": 2, "other": 1})
    for line in ("1 start worker_1 p10", "2 start worker_2 p11", "3 start other p12", "4 exit worker_1 p10 c1"):
        world.observe(observation(line))
    assert world.observable("worker", "live") == 1
    assert world.observable("worker", "starts") == 2
    assert world.observable("worker_1", "exits") == 1
    assert world.observable("total", "live") == 2


def test_an_agent_that_no_scenario_named_counts_in_total() -> None:
    world = World({"worker": 1})
    world.observe(observation("1 start stranger p10"))
    assert world.observable("total", "live") == 1


def test_an_exit_makes_up_for_a_start_that_was_not_seen() -> None:
    world = world_at(9, story="1 birth worker g1 p11\n2 exit worker g1 p10 c1")
    assert world.observable("worker", "generation") == 1
    assert world.observable("worker", "orphans") == 1


def test_a_death_that_nobody_saw_born_changes_nothing() -> None:
    assert world_at(9, story="1 start worker p10\n2 death worker p99").observable("worker", "tree") == 1


def test_a_reused_pid_is_one_process() -> None:
    world = world_at(9, story="1 start worker g1 p10\n2 birth worker g1 p11\n3 birth worker g2 p11")
    assert world.observable("worker", "tree") == 2


def test_the_living_are_told_by_generation() -> None:
    assert world_at(11).living("worker") == (
        "worker generation 1: pid 12 (its first process is dead); worker generation 2: pid 20"
    )
    assert world_at(0).living("total") == "none"
    many = "\n".join(f"{n} birth worker p{n}" for n in range(1, 16))
    text = world_at(99, story=many).living("worker")
    assert text == "worker generation 1: pids 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12; worker: 3 more"


def test_memory_does_not_grow_with_generations() -> None:
    world = World({"worker": 1})
    for number in range(1, 2000):
        world.observe(observation(f"{number} start worker g{number} p{number}"))
        world.observe(observation(f"{number}.5 exit worker g{number} p{number} c1"))
    population = world._populations["worker"]
    assert not population.processes
    assert not population.leaders
    assert not population._sizes


def test_agents_of_a_group_are_asked_for_together_and_one_by_one() -> None:
    world = World({"worker": 2})
    for line in ("1 start worker_1 g1 p10", "1 claimed worker_1 running", "2 claimed worker_2 starting"):
        world.observe(observation(line))
    assert world.now == 2.0
    assert [world.observable(name, "live") for name in ("worker", "worker_1", "worker_2", "total")] == [1, 1, 0, 1]
    assert [world.observable(name, "claimed") for name in ("worker_1", "worker_2")] == ["running", "starting"]
    assert world.observable("worker", "claimed") is None, "they do not share one"
    world.observe(observation("3 claimed worker_2 running"))
    assert world.observable("worker", "claimed") == "running"


def test_who_lives_is_told_of_one_agent_or_of_all() -> None:
    world = World({"worker": 1, "other": 1})
    assert world.observable("worker", "generation") == 0
    for line in ("1 start worker g1 p10", "1 start other g1 p20"):
        world.observe(observation(line))
    assert "10" in world.living("worker")
    assert "20" not in world.living("worker")
    assert all(pid in world.living("total") for pid in ("10", "20"))
