"""Real fake agents: they do what simulated ones do, and nothing outlives its run."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from signal import SIGALRM, SIGCONT, SIGKILL, SIGTERM

import pytest
from lone_agent import Real, is_alive, plan_of, real, simulated, told

from crashrig.agents.channel import RUN_IS_GONE
from crashrig.agents.plan import NOBODY, prepare
from crashrig.quantities import Duration
from crashrig.scenario import Agent, Expect, Policy, Scenario

pytestmark = pytest.mark.real

Case = tuple[list[dict[str, object]], list[tuple[float, int]]]

CASES: dict[str, Case] = {
    "runs_out": ([], []),
    "beats_for_a_time": ([{"beat": "40ms", "for": "100ms"}, {"exit": 3}], []),
    "counted_beats": ([{"beat": "30ms", "count": 3}, {"wait": "20ms"}, {"exit": 0}], []),
    "bad_beats": ([{"beat": "5ms", "count": 2, "kind": kind} for kind in ("frozen", "truncated", "empty")], []),
    "dies_of_a_signal": ([{"signal": "SIGSEGV"}], []),
    "kills_its_group": ([{"spawn": "child"}, {"wait": "100ms"}, {"signal_group": "SIGKILL"}], []),
    "dies_of_sigterm": ([{"beat": "1s"}], [(0.05, SIGTERM)]),
    "sleeps": ([{"hang": "sleep"}], [(0.05, SIGTERM)]),
    "deadlocked": ([{"hang": "deadlock"}], [(0.05, SIGTERM)]),
    "deadlocked_and_deaf": ([{"ignore": "SIGTERM"}, {"hang": "deadlock"}], [(0.1, SIGTERM), (0.2, SIGKILL)]),
    "deadlocked_and_slow": ([{"slow_term": "20ms", "code": 9}, {"hang": "deadlock"}], [(0.1, SIGTERM)]),
    "stopped_and_continued": ([{"hang": "stopped"}], [(0.1, SIGTERM), (0.15, SIGCONT)]),
    "stopped_and_killed": ([{"hang": "stopped"}], [(0.1, SIGKILL)]),
    "stops_itself_on_the_way": ([{"signal": "SIGSTOP"}, {"exit": 4}], [(0.1, SIGCONT)]),
    "ignores": ([{"ignore": "SIGTERM"}, {"wait": "150ms"}, {"exit": 5}], [(0.05, SIGTERM)]),
    "slow_end": ([{"slow_term": "100ms", "code": 6}, {"beat": "1s"}], [(0.05, SIGTERM), (0.1, SIGTERM)]),
    "spawns_children": ([{"spawn": "child", "count": 2}, {"exit": 1}], []),
    "spawns_a_tree": ([{"spawn": "tree", "depth": 3}, {"wait": "100ms"}, {"exit": 1}], []),
    "spawns_a_daemon": ([{"spawn": "daemon"}, {"exit": 1}], []),
    "spawns_a_holder": ([{"spawn": "holder"}, {"exit": 1}], []),
    "spawns_on_sigterm": ([{"spawn_on_term": "setsid", "count": 2}, {"beat": "1s"}], [(0.1, SIGTERM)]),
    "closes_its_output": ([{"close": "output"}, {"exit": 3}], []),
    "flaky": ([{"flaky": 0.5, "code": 2}, {"exit": 8}], []),
}


@pytest.mark.parametrize("name", CASES)
def test_real_and_simulated_agents_tell_the_same(name: str, tmp_path: Path) -> None:
    steps, signals = CASES[name]
    expected = told(simulated(plan_of(*steps), signals))
    first, others = told(real(plan_of(*steps), tmp_path, signals))
    assert (first, others) == expected


def test_real_and_simulated_agents_draw_the_same_chances(tmp_path: Path) -> None:
    seeds = range(4)
    steps = {"flaky": 0.5, "code": 2}
    expected = [told(simulated(plan_of(steps, seed=seed)))[0][-1] for seed in seeds]
    found = [told(real(plan_of(steps, seed=seed), _directory(tmp_path, seed)))[0][-1] for seed in seeds]
    assert found == expected


def _directory(parent: Path, name: object) -> Path:
    directory = parent / str(name)
    directory.mkdir()
    return directory


def _gone(pids: set[int], seconds: float = 3.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(is_alive(pid) for pid in pids):
            return True
        time.sleep(0.005)
    return False


HANGS = [{"hang": "sleep"}, {"hang": "deadlock"}, {"beat": "10s"}, {"slow_term": "9s"}]


@pytest.mark.parametrize("kind", ["child", "deaf", "setsid", "daemon", "holder", "tree"])
def test_every_process_ends_when_its_run_is_gone(kind: str, tmp_path: Path) -> None:
    with Real(plan_of({"spawn": kind}, {"hang": "sleep"}), tmp_path) as agent:
        agent.read_until("birth", {"tree": 3, "daemon": 2, "holder": 2}.get(kind, 1))
        os.close(agent.reader)
        agent.reader = -1
        agent.status = os.waitpid(agent.pid, 0)[1]
        assert os.waitstatus_to_exitcode(agent.status) == RUN_IS_GONE
        assert _gone(agent.children())


@pytest.mark.parametrize("steps", HANGS)
def test_an_agent_ends_when_its_run_is_gone_whatever_it_does(steps: dict[str, object], tmp_path: Path) -> None:
    with Real(plan_of({"ignore": "SIGTERM"}, steps, {"beat": "10s"}), tmp_path) as agent:
        agent.read_until("start")
        os.close(agent.reader)
        agent.reader = -1
        assert _gone({agent.pid})


def test_an_agent_of_a_run_that_is_gone_does_not_begin(tmp_path: Path) -> None:
    agent = Real(plan_of({"hang": "sleep"}), tmp_path)
    os.close(agent.reader)
    agent.reader = -1
    agent.status = os.waitpid(agent.pid, 0)[1]
    assert os.waitstatus_to_exitcode(agent.status) == RUN_IS_GONE


@pytest.mark.parametrize(("how", "signal"), [("sleep", SIGALRM), ("deadlock", SIGALRM), ("stopped", SIGKILL)], ids=str)
def test_a_lifetime_ends_a_hung_agent_and_its_children(how: str, signal: int, tmp_path: Path) -> None:
    plan = plan_of({"ignore": "SIGTERM"}, {"spawn": "deaf"}, {"hang": how})
    plan.lifetime = 0.4
    with Real(plan, tmp_path) as agent:
        agent.wait()
        assert agent.observations[-1].signal == signal
        assert _gone(agent.children())


def test_limits_hold_in_every_process(tmp_path: Path) -> None:
    plan = plan_of({"spawn": "child"}, {"hang": "sleep"})
    plan.memory, plan.disk, plan.cpu = 100 << 20, 1 << 20, 7
    with Real(plan, tmp_path) as agent:
        agent.read_until("birth")
        for pid in {agent.pid, *agent.children()}:
            limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
            values = {line[:26].strip(): line[26:].split()[:2] for line in limits}
            assert values["Max core file size"] == ["0", "0"]
            assert values["Max cpu time"] == ["7", "7"]
            assert values["Max data size"] == [str(100 << 20)] * 2
            assert values["Max file size"] == [str(1 << 20)] * 2


def test_starts_are_counted_by_the_agent_itself(tmp_path: Path) -> None:
    generations = []
    for _ in range(3):
        with Real(plan_of({"exit": 1}), tmp_path) as agent:
            agent.wait()
            generations.append(agent.observations[0].generation)
    assert generations == [1, 2, 3]


@pytest.mark.parametrize("form", ["json", "iso", "mtime"])
def test_a_beat_replaces_the_file_and_tells_the_time(form: str, tmp_path: Path) -> None:
    plan = plan_of({"beat": "1s"})
    plan.format = form
    with Real(plan, tmp_path) as agent:
        agent.read_until("beat")
        file = tmp_path / "heartbeat"
        assert abs(file.stat().st_mtime - time.time()) < 60
        if form == "json":
            beat = json.loads(file.read_text())
            assert beat["pid"] == agent.pid
            assert abs(beat["unix_ts"] - time.time()) < 60
        if form == "iso":
            assert file.read_text().startswith(time.strftime("20"))
        assert [path.name for path in tmp_path.glob("heartbeat*")] == ["heartbeat"]


def test_a_beat_that_cannot_be_written_is_noted_and_nothing_else_happens(tmp_path: Path) -> None:
    plan = plan_of({"beat": "10ms", "count": 2}, {"exit": 3})
    (tmp_path / "heartbeat").mkdir()
    first, _ = told(real(plan, tmp_path))
    assert [line.partition(":")[0] for line in first] == [
        "start",
        "note beat not written",
        "note beat not written",
        "note exit 3 code 3",
        "exit code 3",
    ]


def test_beats_reach_a_notify_socket(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(5)
        plan = plan_of({"beat": "10ms", "count": 2}, source="notify")
        with Real(plan, tmp_path, {"NOTIFY_SOCKET": str(tmp_path / "notify")}) as agent:
            agent.wait()
            assert told(agent.observations)[0][1:4] == ["ready", "beat good", "beat good"]
        assert [ear.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]


def test_without_a_notify_socket_there_is_no_beat(tmp_path: Path) -> None:
    first, _ = told(real(plan_of({"beat": "1s", "count": 1}, source="notify"), tmp_path))
    assert first[1] == "note beat not sent: no NOTIFY_SOCKET"


def scenario(**agents: Agent) -> Scenario:
    return Scenario(
        title="for a test",
        promises=["RST-8"],
        agents=agents,
        expect=[Expect(always="worker.live <= 1")],
        timeout=Duration(60.0),
        policy=Policy(heartbeat_timeout=Duration(90.0)),
    )


def test_prepared_agents_are_named_and_ordered(tmp_path: Path) -> None:
    prepared = prepare(scenario(db=Agent(count=2), worker=Agent(after=["db"])), tmp_path, 10.0, 1)
    assert [agent.name for agent in prepared] == ["db_1", "db_2", "worker"]
    assert prepared[2].after == ["db_1", "db_2"]
    assert all(agent.heartbeat_source == "file" for agent in prepared)
    assert len({agent.heartbeat_file for agent in prepared}) == 3


def _spawn_error(command: list[str]) -> type[OSError]:
    with pytest.raises(OSError) as caught:
        os.waitpid(os.posix_spawn(command[0], command, {}), 0)
    return caught.type


@pytest.mark.parametrize(
    ("broken", "error"),
    [("missing", FileNotFoundError), ("not-executable", PermissionError), ("bad-interpreter", FileNotFoundError)],
)
def test_a_broken_command_cannot_be_started(broken: str, error: type[OSError], tmp_path: Path) -> None:
    (agent,) = prepare(scenario(worker=Agent(broken=broken)), tmp_path, 1.0, 1)  # type: ignore[arg-type]
    assert _spawn_error(agent.command) is error


def test_a_broken_directory_is_missing_and_a_broken_user_unknown(tmp_path: Path) -> None:
    agents = {"worker": Agent(broken="missing-directory"), "other": Agent(broken="unknown-user")}
    worker, other = prepare(scenario(**agents), tmp_path, 1.0, 1)
    assert not Path(worker.directory).exists()
    assert other.user == NOBODY


def test_a_prepared_agent_runs_in_the_directory_it_was_given(tmp_path: Path) -> None:
    (agent,) = prepare(scenario(worker=Agent(behaviour=[{"exit": 3}])), tmp_path, 1.0, 1)
    os.mkfifo(tmp_path / "reports")
    reader = os.open(tmp_path / "reports", os.O_RDONLY | os.O_NONBLOCK)
    try:
        pid = os.posix_spawn(agent.command[0], agent.command, {})
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
        assert b'"k":"start"' in os.read(reader, 65536)
    finally:
        os.close(reader)
