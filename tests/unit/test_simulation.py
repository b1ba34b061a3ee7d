"""The simulation: the same seed gives the same bytes, and virtual processes live and die as real ones do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from signal import SIGKILL, SIGSTOP, SIGTERM

import msgspec
import pytest
from lone_agent import Simulated, plan_of

from crashrig.history import History, Observation, read_history, write_history
from crashrig.judging.checker import judge
from crashrig.quantities import Duration, Window
from crashrig.scenario import Agent, Expect, Fault, Freeze, Kill, Operator, Policy, Recover, Scenario, Tamper
from crashrig.simulation.clock import Clock
from crashrig.simulation.kernel import EXEC_SECONDS
from crashrig.simulation.run import simulate
from crashrig.verdict import Verdict

ROOT = Path(__file__).parents[2]


def seconds(value: float) -> Duration:
    return Duration(value)


def scenario(
    *behaviour: dict[str, object],
    policy: Policy | None = None,
    faults: list[Fault] | None = None,
    timeout: float = 600.0,
    recover: Recover | None = None,
    **agent: object,
) -> Scenario:
    """A scenario with one worker that runs until its timeout."""
    worker = Agent(behaviour=list(behaviour), **agent)  # type: ignore[arg-type]
    return Scenario(
        title="for a test",
        promises=["RST-1"],
        agents={"worker": worker},
        policy=policy or Policy(),
        fault=faults or [],
        recover=recover,
        expect=[Expect(eventually="supervisor.exit.code == 77", within=Window(0.0, timeout))],  # it never does
        timeout=seconds(timeout),
    )


def seen(history: History, what: str) -> list[Observation]:
    return [one for one in history.observations if one.what == what]


def at(history: History, what: str) -> list[float]:
    return [round(one.t, 2) for one in seen(history, what)]


def encoded(history: History, directory: Path) -> bytes:
    write_history(directory / "history.jsonl", history)
    return (directory / "history.jsonl").read_bytes()


# The clock -------------------------------------------------------------------------------------------------------


def test_things_are_done_in_order_of_time_and_then_of_making() -> None:
    clock, done = Clock(), list[str]()
    clock.at(2, lambda: done.append("c"))
    clock.at(1, lambda: done.append("a"))
    clock.at(1, lambda: done.append("b"))
    while clock.next_time < float("inf"):
        clock.step()
    assert (done, clock.now) == (["a", "b", "c"], 2)


def test_what_was_cancelled_is_not_done_and_not_waited_for() -> None:
    clock, done = Clock(), list[str]()
    clock.at(1, lambda: done.append("never")).cancel()
    assert clock.next_time == float("inf")


def test_what_is_late_is_done_at_once_and_time_never_goes_back() -> None:
    clock, times = Clock(), list[float]()
    clock.at(5, lambda: clock.at(1, lambda: times.append(clock.now)))
    clock.step()
    clock.step()
    assert times == [5]


# The kernel ------------------------------------------------------------------------------------------------------


def test_signals_wait_while_a_process_is_stopped_except_sigkill() -> None:
    agent = Simulated(plan_of({"beat": "1s"}))
    agent.send(1.5, SIGSTOP)
    agent.send(2, SIGTERM)
    agent.run(3)
    assert agent.leader.alive
    assert len([one for one in agent.observations if one.what == "beat"]) == 2
    agent.send(4, SIGKILL)
    agent.run(5)
    assert [one.signal for one in agent.observations if one.what == "exit"] == [SIGKILL]


def test_a_rest_that_ended_while_stopped_ends_at_once_when_continued() -> None:
    agent = Simulated(plan_of({"wait": "2s"}, {"exit": 1}))
    agent.send(1, SIGSTOP)
    agent.run(50)
    agent.clock.at(60, lambda: agent.kernel.kill(agent.leader, 18))
    agent.run(61)
    assert [one.t for one in agent.observations if one.what == "exit"] == [60]


def test_a_process_killed_before_its_first_instruction_was_never_seen() -> None:
    agent = Simulated(plan_of({"exit": 1}))
    agent.send(EXEC_SECONDS / 2, SIGKILL)
    agent.run(1)
    assert agent.observations == []


# Scenarios -------------------------------------------------------------------------------------------------------


def test_a_crash_is_followed_by_a_start_after_the_back_off() -> None:
    history = simulate(scenario({"wait": "10s"}, {"exit": 3}, timeout=60), "test", 1)
    assert at(history, "exit") == [10, 21, 33, 47]
    assert at(history, "start") == [0, 11, 23, 37, 55]
    assert [one.code for one in seen(history, "exit")] == [3] * 4
    assert [one.generation for one in seen(history, "start")] == [1, 2, 3, 4, 5]


def test_a_hang_is_seen_after_the_timeout_and_ended_after_the_grace() -> None:
    policy = Policy(heartbeat_timeout=seconds(90), grace=seconds(10))
    history = simulate(
        scenario({"beat": "30s", "count": 2}, {"ignore": "SIGTERM"}, {"hang": "sleep"}, policy=policy), "t", 1
    )
    term, end = seen(history, "received")[0], seen(history, "exit")[0]
    assert 120 < term.t < 121.8
    assert end.signal == SIGKILL
    assert end.t - term.t == pytest.approx(10)


@pytest.mark.parametrize("source", ["file", "notify", "output"])
def test_beats_from_every_source_keep_an_agent_alive(source: str) -> None:
    policy = Policy(heartbeat_timeout=seconds(40))
    history = simulate(scenario({"beat": "30s"}, policy=policy, heartbeat=source, timeout=3600), "t", 1)
    assert len(seen(history, "beat")) == 120
    assert not seen(history, "exit")
    assert len(seen(history, "ready")) == (1 if source == "notify" else 0)


@pytest.mark.parametrize("kind", ["frozen", "truncated", "binary", "empty", "foreign"])
def test_what_is_no_beat_does_not_keep_an_agent_alive(kind: str) -> None:
    policy = Policy(heartbeat_timeout=seconds(90))
    steps = ({"beat": "30s", "count": 1}, {"wait": "10s"}, {"beat": "30s", "kind": kind})
    history = simulate(scenario(*steps, policy=policy, timeout=200), "t", 1)
    assert 90 < at(history, "exit")[0] < 92


def test_a_beat_from_the_future_is_a_beat() -> None:
    policy = Policy(heartbeat_timeout=seconds(90))
    history = simulate(scenario({"beat": "30s", "kind": "future"}, policy=policy), "t", 1)
    assert not seen(history, "exit")


@pytest.mark.parametrize("kind", ["child", "deaf", "setsid", "daemon", "holder", "tree"])
def test_nothing_of_a_generation_is_left_when_the_next_starts(kind: str) -> None:
    history = simulate(scenario({"wait": "5s"}, {"spawn": kind}, {"exit": 1}, timeout=60), "t", 1)
    living: dict[int, int] = {}
    for one in history.observations:
        if one.what == "start":
            assert not living, f"{one} while {living} lives"
        if one.what in ("start", "birth"):
            living[one.pid] = one.generation
        if one.what in ("exit", "death"):
            del living[one.pid]
    assert len(seen(history, "start")) > 2


def test_an_agent_that_cannot_be_started_is_never_seen_and_given_up() -> None:
    history = simulate(scenario(broken="missing", policy=Policy(max_restarts=2)), "t", 1)
    assert not seen(history, "start")
    assert [one.text for one in seen(history, "claimed")][-1] == "fatal"
    assert [one.code for one in seen(history, "subject.exit")] == [100]


def test_an_agents_own_lifetime_ends_it() -> None:
    history = simulate(scenario({"hang": "sleep"}, lifetime=seconds(20), timeout=30), "t", 1)
    assert [(round(one.t, 3), one.signal) for one in seen(history, "exit")] == [(20, 14)]


def test_several_agents_of_one_name_have_numbers() -> None:
    history = simulate(scenario({"hang": "sleep"}, count=3, timeout=5), "t", 1)
    assert [one.agent for one in seen(history, "start")] == ["worker_1", "worker_2", "worker_3"]


# Faults ----------------------------------------------------------------------------------------------------------


def fault(when: str, **kind: object) -> Fault:
    return Fault(when=when, **kind)  # type: ignore[arg-type]


def phases(history: History) -> list[tuple[float, str]]:
    return [(round(one.t, 3), one.phase) for one in seen(history, "fault")]


def test_a_kill_is_proven_by_a_death() -> None:
    faults = [fault("40s", kill=Kill(target="worker"))]
    history = simulate(scenario({"hang": "sleep"}, faults=faults, timeout=50), "t", 1)
    assert phases(history) == [(40, "injected"), (40, "proven")]
    assert [(one.t, one.signal) for one in seen(history, "exit")] == [(40, SIGKILL)]


def test_a_fault_waits_for_its_moment() -> None:
    faults = [fault("worker.start#2 + 4s", kill=Kill(target="worker", signal="SIGSEGV"))]
    steps = ({"wait": "10s"}, {"exit": 1})
    assert phases(simulate(scenario(*steps, faults=faults, timeout=14), "t", 1)) == []
    assert phases(simulate(scenario(*steps, faults=faults, timeout=16), "t", 1)) == [(15, "injected"), (15, "proven")]


def test_a_kill_without_a_target_is_not_proven() -> None:
    faults = [fault("10s", kill=Kill(target="worker"))]
    history = simulate(scenario({"exit": 0}, {"hang": "sleep"}, faults=faults, timeout=20), "t", 1)
    assert [phase for _, phase in phases(history)] == ["injected", "unproven"]
    assert "worker has no living first process" in seen(history, "fault")[1].text
    assert judge(scenario(faults=faults), history)[-1].verdict is Verdict.INCONCLUSIVE


def test_a_kill_of_the_tree_ends_children_too() -> None:
    faults = [fault("10s", kill=Kill(target="worker", scope="tree"))]
    steps = ({"spawn": "setsid"}, {"hang": "sleep"})
    history = simulate(scenario(*steps, faults=faults, policy=Policy(restart="never"), timeout=20), "t", 1)
    assert at(history, "exit") == at(history, "death") == [10]


def test_a_frozen_agent_is_thawed_and_goes_on() -> None:
    faults = [fault("10s", freeze=Freeze(target="worker", for_=seconds(20)))]
    history = simulate(scenario({"beat": "1s"}, faults=faults, timeout=40), "t", 1)
    assert phases(history) == [(10, "injected"), (10, "proven"), (30, "lifted")]
    assert not [t for t in at(history, "beat") if 10 < t < 30]
    assert [t for t in at(history, "beat") if t >= 30]


def test_a_frozen_supervisor_does_nothing_and_then_kills_nobody_healthy() -> None:
    faults = [fault("100s", freeze=Freeze(target="supervisor", for_=seconds(300)))]
    policy = Policy(heartbeat_timeout=seconds(90))
    history = simulate(scenario({"beat": "30s"}, faults=faults, policy=policy, timeout=900), "t", 1)
    assert not seen(history, "exit")


def test_a_supervisor_that_was_frozen_still_finds_a_hang() -> None:
    faults = [fault("100s", freeze=Freeze(target="supervisor", for_=seconds(300)))]
    policy = Policy(heartbeat_timeout=seconds(90))
    history = simulate(scenario({"beat": "30s", "for": "2m"}, {"hang": "sleep"}, faults=faults, policy=policy), "t", 1)
    assert at(history, "exit")[0] == pytest.approx(400 + 90, abs=2)


def test_what_happens_while_the_supervisor_is_frozen_is_heard_of_afterwards() -> None:
    faults = [fault("5s", freeze=Freeze(target="supervisor", for_=seconds(60)))]
    history = simulate(scenario({"wait": "10s"}, {"exit": 1}, faults=faults, timeout=70), "t", 1)
    assert at(history, "start") == [0, 66]


def test_a_killed_supervisor_leaves_its_agents_behind() -> None:
    faults = [fault("5s", kill=Kill(target="supervisor"))]
    history = simulate(scenario({"wait": "10s"}, {"exit": 1}, faults=faults, timeout=70), "t", 1)
    assert [(one.t, one.signal) for one in seen(history, "subject.exit")] == [(5, SIGKILL)]
    assert at(history, "start") == [0]
    assert at(history, "exit") == [10]


def test_sigterm_to_the_supervisor_stops_everything_and_a_second_one_hurries() -> None:
    once = [fault("5s", kill=Kill(target="supervisor", signal="SIGTERM"))]
    twice = [*once, fault("7s", kill=Kill(target="supervisor", signal="SIGTERM"))]
    steps = ({"ignore": "SIGTERM"}, {"hang": "sleep"})
    slow, fast = (simulate(scenario(*steps, faults=faults, timeout=60), "t", 1) for faults in (once, twice))
    assert at(slow, "exit") == [15]
    assert at(fast, "exit") == [7]
    assert [one.code for one in [*seen(slow, "subject.exit"), *seen(fast, "subject.exit")]] == [0, 0]


@pytest.mark.parametrize("content", ["delete", "empty", "truncated", "binary", "foreign", "touch", "stale", "future"])
def test_tampering_with_the_file_neither_hides_a_hang_for_long_nor_kills_the_healthy(content: str) -> None:
    policy = Policy(heartbeat_timeout=seconds(90))
    faults = [fault("130s", tamper=Tamper(target="worker", content=content))]  # type: ignore[arg-type]
    healthy = simulate(scenario({"beat": "30s"}, faults=faults, policy=policy, timeout=900), "t", 1)
    hung = simulate(scenario({"beat": "30s", "for": "2m"}, {"hang": "sleep"}, faults=faults, policy=policy), "t", 1)
    assert [phase for _, phase in phases(healthy)] == ["injected", "proven"]
    assert not seen(healthy, "exit")
    is_new = content in ("stale", "future")  # a new time by the agent's own process cannot be told from a beat
    assert at(hung, "exit")[0] == pytest.approx(220 if is_new else 180, abs=2)


def test_an_operator_stops_and_starts() -> None:
    faults = [
        fault("10s", operator=Operator(command="stop", target="worker")),
        fault("20s", operator=Operator(command="start", target="worker")),
        fault("30s", operator=Operator(command="restart", target="worker")),
        fault("40s", operator=Operator(command="shutdown")),
    ]
    history = simulate(scenario({"hang": "sleep"}, faults=faults, timeout=60), "t", 1)
    assert at(history, "exit") == [10, 30, 40]
    assert at(history, "start") == [0, 20, 30]
    assert [(round(one.t, 3), one.code) for one in seen(history, "subject.exit")] == [(40, 0)]


# The end and the file --------------------------------------------------------------------------------------------


def test_a_run_ends_when_everything_is_settled() -> None:
    faults = [fault("5s", kill=Kill(target="worker"))]
    recover = Recover(steady="worker.live == 1", within=seconds(30), for_=seconds(10))
    case = scenario({"hang": "sleep"}, faults=faults, recover=recover)
    history = simulate(msgspec.structs.replace(case, expect=[]), "t", 1)
    assert history.footer is not None
    assert history.footer.end == "settled"
    assert history.observations[-1].what == "end"
    assert history.observations[-1].t == pytest.approx(16, abs=0.1)


def test_a_run_ends_at_its_timeout() -> None:
    history = simulate(scenario({"hang": "sleep"}, timeout=60), "t", 1)
    assert history.footer is not None
    assert (history.footer.end, history.observations[-1].t) == ("timeout", 60)


def test_observations_are_in_order_of_time_and_the_file_is_a_history(tmp_path: Path) -> None:
    history = simulate(scenario({"beat": "10s", "for": "1m"}, {"exit": 1}), "t", 1)
    times = [one.t for one in history.observations]
    assert times == sorted(times)
    encoded(history, tmp_path)
    assert read_history(tmp_path / "history.jsonl").observations == history.observations


def flaky(seed: int) -> History:
    policy = Policy(jitter=0.5, max_restarts=1000)
    return simulate(scenario({"flaky": 0.5}, {"wait": "5s"}, {"exit": 1}, policy=policy, count=4), "t", seed)


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not(tmp_path: Path) -> None:
    assert encoded(flaky(1), tmp_path) == encoded(flaky(1), tmp_path) != encoded(flaky(2), tmp_path)


PROGRAM = """
import hashlib, pathlib, sys
sys.path[:0] = [{tests!r}, {support!r}]
from test_simulation import encoded, flaky
print(hashlib.sha256(encoded(flaky(3), pathlib.Path(sys.argv[1]))).hexdigest())
"""


def test_no_hash_seed_changes_a_byte(tmp_path: Path) -> None:
    program = PROGRAM.format(tests=str(Path(__file__).parent), support=str(ROOT / "tests" / "support"))
    paths = os.pathsep.join([str(ROOT / "supervisor"), str(ROOT / "chaos")])
    digests = set()
    for seed in ("0", "1", "4711"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": paths}
        command = [sys.executable, "-c", program, str(tmp_path)]
        digests.add(subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60).stdout)
    assert len(digests) == 1
