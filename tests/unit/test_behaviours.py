"""Every verb of the fake agents, on a simulated body: what is seen of it from outside, and when."""

from __future__ import annotations

import json
from signal import SIGCONT, SIGKILL, SIGTERM

import pytest
from lone_agent import Simulated, plan_of, simulated, told

from crashrig.agents import behaviours
from crashrig.agents.plan import make_step
from crashrig.agents.plan_file import Plan, dump, parse
from crashrig.simulation.kernel import EXEC_SECONDS

KINDS = {"duration", "code", "signal", "word", "count", "probability", "flag"}


@pytest.mark.parametrize("verb", behaviours.VERBS)
def test_every_verb_describes_itself(verb: str) -> None:
    module = behaviours.load(verb)
    assert verb == module.VERB
    assert {module.VALUE, *module.OPTIONS.values()} <= KINDS
    words = {key for key, kind in {verb: module.VALUE, **module.OPTIONS}.items() if kind == "word"}
    assert words == set(module.CHOICES)
    assert isinstance(module.ENDS, bool)
    assert module.__doc__.splitlines()[0].endswith(".") or "\n" in module.__doc__


def times(steps: list[dict[str, object]], what: str = "beat", until: float = 1000.0) -> list[float]:
    """When something was seen, in seconds since the first instruction."""
    seen = simulated(plan_of(*steps), until=until)
    return [round(one.t - EXEC_SECONDS, 6) for one in seen if one.what == what]


def test_beats_come_at_once_and_then_at_every_interval() -> None:
    assert times([{"beat": "30s"}], until=100) == [0, 30, 60, 90]


def test_a_beat_due_when_the_time_is_over_is_not_given() -> None:
    assert times([{"beat": "30s", "for": "2m"}]) == [0, 30, 60, 90]
    assert times([{"beat": "30s", "for": "2m"}], "exit") == [120]


def test_beats_for_a_time_that_no_interval_fits_last_exactly_so_long() -> None:
    assert times([{"beat": "30s", "for": "100s"}, {"beat": "1s", "count": 1}]) == [0, 30, 60, 90, 100]


def test_after_counted_beats_the_behaviour_goes_on_at_once() -> None:
    assert times([{"beat": "30s", "count": 3}, {"exit": 1}]) == [0, 30, 60]
    assert times([{"beat": "30s", "count": 3}, {"exit": 1}], "exit") == [60]


@pytest.mark.parametrize(("count", "last"), [(2, 10), (5, 30)])
def test_of_count_and_for_the_one_reached_first_ends_the_beats(count: int, last: float) -> None:
    steps: list[dict[str, object]] = [{"beat": "10s", "count": count, "for": "30s"}, {"exit": 1}]
    assert times(steps, "exit") == [last]


def test_tenths_of_seconds_do_not_add_a_beat() -> None:
    assert len(times([{"beat": "100ms", "for": "300ms"}])) == 3


def contents(kind: str, form: str = "json") -> list[bytes | None]:
    plan = plan_of({"beat": "10s", "count": 1}, {"wait": "10s"}, {"beat": "10s", "count": 2, "kind": kind})
    plan.format = form
    agent = Simulated(plan)
    agent.run(100)
    return agent.ear.contents


def test_a_frozen_beat_keeps_the_time_of_the_last_good_one() -> None:
    first, second, third = contents("frozen")
    assert first == second == third


def test_a_future_beat_is_an_hour_ahead_and_advances() -> None:
    stamps = [json.loads(content or b"")["unix_ts"] for content in contents("future")]
    assert [round(stamp - stamps[0], 3) for stamp in stamps] == [0, 3610, 3620]


def test_a_foreign_beat_names_another_process() -> None:
    writers = [json.loads(content or b"")["pid"] for content in contents("foreign")]
    assert writers[0] != writers[1] == writers[2] == 1


@pytest.mark.parametrize(("kind", "expected"), [("empty", b""), ("binary", bytes(range(256)))])
def test_rubbish_is_no_beat(kind: str, expected: bytes) -> None:
    assert contents(kind)[1] == expected


@pytest.mark.parametrize("form", ["json", "iso"])
def test_a_truncated_beat_is_the_first_half_of_one(form: str) -> None:
    good, cut, _ = contents("truncated", form)
    assert good is not None
    assert cut is not None
    assert cut[:5] == good[:5]
    assert len(cut) == len(good) // 2


def test_a_wait_is_divided_by_the_pace_unless_it_is_exact() -> None:
    paced = simulated(plan_of({"wait": "10s"}, {"exit": 1}, pace=10))
    exact = simulated(plan_of({"wait": "1s", "exact": True}, {"exit": 1}, pace=10))
    assert paced[-1].t == exact[-1].t == pytest.approx(1 + EXEC_SECONDS)


@pytest.mark.parametrize(
    ("steps", "end"),
    [
        ([], "exit code 0"),
        ([{"exit": 7}], "exit code 7"),
        ([{"signal": "SIGSEGV"}], "exit signal 11"),
        ([{"ignore": "SIGTERM"}, {"signal": "SIGTERM"}], "exit signal 15"),
        ([{"signal_group": "SIGKILL"}], "exit signal 9"),
        ([{"flaky": 1, "code": 4}, {"exit": 0}], "exit code 4"),
        ([{"flaky": 0, "code": 4}, {"exit": 0}], "exit code 0"),
    ],
)
def test_how_it_ends(steps: list[dict[str, object]], end: str) -> None:
    first, _ = told(simulated(plan_of(*steps)))
    assert first[-1] == end


def test_an_ending_is_announced() -> None:
    assert told(simulated(plan_of({"exit": 7})))[0] == ["start", "note exit 7 code 7", "exit code 7"]


def test_a_signal_to_the_group_reaches_its_members_and_nobody_else() -> None:
    agent = Simulated(plan_of({"spawn": "child"}, {"spawn": "setsid"}, {"signal_group": "SIGKILL"}))
    agent.run(1)
    left = agent.kernel.tree("worker")
    assert [process.session == process.pid for process in left] == [True]


@pytest.mark.parametrize("how", ["sleep", "deadlock", "stopped"])
def test_a_hung_agent_dies_of_sigkill(how: str) -> None:
    first, _ = told(simulated(plan_of({"hang": how}), [(1, SIGKILL)]))
    assert first == ["start", "exit signal 9"]


def test_a_stopped_agent_hears_sigterm_only_after_sigcont() -> None:
    agent = Simulated(plan_of({"hang": "stopped"}))
    agent.send(1, SIGTERM)
    agent.run(5)
    assert agent.leader.alive
    agent.send(6, SIGCONT)
    agent.run(7)
    assert [(seen.t, seen.signal) for seen in agent.observations if seen.what == "exit"] == [(6, SIGTERM)]


def test_an_ignored_signal_is_reported_and_disturbs_no_rest() -> None:
    seen = simulated(plan_of({"ignore": "SIGTERM"}, {"wait": "5s"}, {"exit": 1}), [(1, SIGTERM), (2, SIGTERM)])
    assert told(seen)[0] == ["start", "received signal 15", "received signal 15", "note exit 1 code 1", "exit code 1"]
    assert seen[-1].t == pytest.approx(5 + EXEC_SECONDS)


def test_a_slow_end_takes_its_time_from_the_first_sigterm() -> None:
    seen = simulated(plan_of({"slow_term": "8s", "code": 3}, {"beat": "1s"}), [(10, SIGTERM), (12, SIGTERM)], until=30)
    assert (seen[-1].t, seen[-1].code) == (18, 3)
    assert [one.t for one in seen if one.what == "received"] == [10, 12]
    assert not [one for one in seen if one.what == "beat" and one.t > 10]


@pytest.mark.parametrize(
    ("step", "after_sigterm"),
    [
        ({"spawn": "child", "count": 3}, 0),
        ({"spawn": "tree", "depth": 4}, 0),
        ({"spawn": "deaf"}, 1),
        ({"spawn": "setsid"}, 0),
        ({"spawn": "daemon"}, 0),
        ({"spawn": "holder"}, 0),
    ],
)
def test_what_is_spawned_lives_on_when_the_agent_dies(step: dict[str, object], after_sigterm: int) -> None:
    agent = Simulated(plan_of(step, {"exit": 1}))
    agent.run(1)
    left = agent.kernel.tree("worker")
    assert len(left) == {"child": 3, "tree": 4}.get(str(step["spawn"]), 1)
    for process in left:
        agent.kernel.kill(process, SIGTERM)
    assert len(agent.kernel.tree("worker")) == after_sigterm


@pytest.mark.parametrize(("kind", "own_session"), [("child", False), ("setsid", True), ("daemon", True)])
def test_who_leads_a_session_of_its_own(kind: str, own_session: bool) -> None:
    agent = Simulated(plan_of({"spawn": kind}, {"hang": "sleep"}))
    agent.run(1)
    spawned = agent.kernel.tree("worker")[-1]
    assert (spawned.session != agent.leader.session) is own_session


def test_a_tree_is_a_chain() -> None:
    seen = simulated(plan_of({"spawn": "tree", "depth": 3}, {"exit": 0}))
    births = [one for one in seen if one.what == "birth"]
    assert [one.parent for one in births] == [seen[0].pid, births[0].pid, births[1].pid]


def test_children_are_born_on_sigterm() -> None:
    seen = simulated(plan_of({"spawn_on_term": "deaf", "count": 2}, {"beat": "1s"}), [(3, SIGTERM)])
    first, others = told(seen)
    assert first[-3:] == ["received signal 15", "note exit 143 code 143", "exit code 143"]
    assert others == [["birth"], ["birth"]]


def test_chance_depends_on_seed_and_generation_only() -> None:
    def ends(seed: int) -> list[bool]:
        return [_is_dead_at_once(seed, generation) for generation in range(1, 201)]

    assert ends(1) == ends(1) != ends(2)
    assert 40 < sum(ends(1)) < 80  # 0.3 of 200


def _is_dead_at_once(seed: int, generation: int) -> bool:
    agent = Simulated(plan_of({"flaky": 0.3}, {"hang": "sleep"}, seed=seed), generation)
    agent.run(1)
    return not agent.leader.alive


def test_each_start_has_its_behaviour_and_the_last_repeats() -> None:
    plan = plan_of({"exit": 1})
    plan.behaviours.append([make_step({"exit": 2})])
    codes = []
    for generation in (1, 2, 3):
        agent = Simulated(plan, generation)
        agent.run(1)
        codes.append(agent.observations[-1].code)
    assert codes == [1, 2, 2]


def test_a_plan_survives_its_file() -> None:
    plan = plan_of({"beat": "1m30s", "kind": "future"}, {"wait": "20ms", "exact": True}, {"signal": "SIGABRT"}, seed=7)
    plan.reports = "/somewhere with a space/reports"
    again = parse(dump(plan))
    assert dump(again) == dump(plan)
    assert vars(again).keys() <= {*vars(Plan()), *Plan.__annotations__}
    assert [str(step) for step in again.behaviours[0]] == [
        "step beat 90 kind=future",
        "step wait 0.02 exact=true",
        "step signal 6",
    ]


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"bet": "30s"}, "expected a step with one of the verbs beat, wait"),
        ({"beat": "30s", "fro": "2m"}, "step 'beat': unknown option 'fro'; there are: beat, for, count, kind"),
        ({"beat": 30}, "expected a duration with a unit"),
        ({"signal": "SIGNONE"}, "expected the name of a signal"),
    ],
)
def test_a_wrong_step_is_refused(step: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        make_step(step)
