"""The supervisor itself: stopping, its lock, its control socket, being frozen, and leaving nothing behind."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from running import Running, exists, restarting, shell, until

from holdfast import client
from holdfast.effects import Effect
from holdfast.events import Exited, Spawned, SpawnFailed
from holdfast.fleet import Fleet
from holdfast.policy import AgentPolicy, FleetPolicy, HeartbeatPolicy
from holdfast.settings import AgentSettings, BeatFormat, BeatSource, HeartbeatSettings

pytestmark = pytest.mark.real


def connect(holdfast: Running) -> socket.socket:
    """A connection; tried again while there is no socket yet, or no room in its queue."""

    def connected() -> socket.socket | None:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(5.0)
        try:
            connection.connect(str(holdfast.state / "control.sock"))
        except (FileNotFoundError, ConnectionRefusedError, BlockingIOError):
            connection.close()
            return None
        return connection

    return until(connected, "the control socket answers")


def answer(connection: socket.socket) -> dict[str, object]:
    received = b""
    while not received.endswith(b"\n"):
        part = connection.recv(65536)
        assert part, f"hung up after {received!r}"
        received += part
    found = json.loads(received)
    assert isinstance(found, dict)
    return found


# Stopping ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_every_agent_and_ends_with_0(tmp_path: Path, number: signal.Signals) -> None:
    agents = [shell(f"worker{n}", "exec sleep 30", tmp_path) for n in range(3)]
    with Running(tmp_path, *agents) as holdfast:
        pids = [holdfast.until_pid(agent.name) for agent in agents]
        holdfast.process.send_signal(number)
        assert holdfast.wait() == 0
        assert not [pid for pid in pids if exists(pid)]


def test_a_second_signal_kills_at_once(tmp_path: Path) -> None:
    script = "trap 'echo told > told' TERM; echo ready > ready; while :; do sleep 0.05; done"
    with Running(tmp_path, shell("worker", script, tmp_path, policy=AgentPolicy(grace=25.0))) as holdfast:
        until((tmp_path / "ready").exists, "the agent is ready")
        holdfast.process.terminate()
        until((tmp_path / "told").exists, "the agent has been told")
        holdfast.process.terminate()
        assert holdfast.wait(5.0) == 0


def test_a_stop_during_the_back_off_is_final(tmp_path: Path) -> None:
    agent = shell("worker", "echo start >> starts; exit 1", tmp_path, policy=restarting(0.3))
    other = shell("other", "exec sleep 30", tmp_path)
    with Running(tmp_path, agent, other) as holdfast:
        holdfast.until_state("worker", "backoff")
        holdfast.ask("stop", "worker")
        holdfast.until_state("worker", "stopped")
        starts = (tmp_path / "starts").read_text()
        deadline = time.monotonic() + 0.6  # twice the back-off
        while time.monotonic() < deadline:
            assert (tmp_path / "starts").read_text() == starts
            time.sleep(0.02)
        assert holdfast.view("worker")["state"] == "stopped"


def test_a_stop_that_waits_is_answered_when_it_is_done(tmp_path: Path) -> None:
    script = "trap 'sleep 0.2; exit 0' TERM; echo ready > ready; while :; do sleep 0.05; done"
    other = shell("other", "exec sleep 30", tmp_path)
    with Running(tmp_path, shell("worker", script, tmp_path), other) as holdfast:
        until((tmp_path / "ready").exists, "the agent is ready")
        pid = holdfast.until_pid("worker")
        with connect(holdfast) as connection:
            connection.sendall(b'{"command": "stop", "agent": "worker", "wait": true}\n')
            connection.shutdown(socket.SHUT_WR)  # half-closed: it still gets its answer
            assert answer(connection) == {"ok": True, "state": "stopped"}
        assert not exists(pid)


def test_an_operators_restart_and_start(tmp_path: Path) -> None:
    other = shell("other", "exec sleep 30", tmp_path)
    with Running(tmp_path, shell("worker", "exec sleep 30", tmp_path), other) as holdfast:
        first = holdfast.until_pid("worker")
        holdfast.ask("restart", "worker")
        second = holdfast.until_pid("worker", 2)
        assert not exists(first)
        holdfast.ask("stop", "worker")
        holdfast.until_state("worker", "stopped")
        assert not exists(second)
        holdfast.ask("start", "worker")
        holdfast.until_pid("worker", 3)
        assert holdfast.view("worker")["crashes"] == 0


def test_shutdown_by_command(tmp_path: Path) -> None:
    with Running(tmp_path, shell("worker", "exec sleep 30", tmp_path)) as holdfast:
        holdfast.until_pid("worker")
        holdfast.ask("shutdown")
        assert holdfast.wait() == 0


def test_nothing_is_left_but_lock_and_journal(tmp_path: Path) -> None:
    heartbeat = HeartbeatSettings(BeatSource.NOTIFY)
    agent = shell(
        "worker", "exec sleep 30", tmp_path, heartbeat=heartbeat, policy=AgentPolicy(heartbeat=HeartbeatPolicy())
    )
    with Running(tmp_path, agent) as holdfast:
        holdfast.until_pid("worker")
        assert (holdfast.state.stat().st_mode & 0o777) == 0o700
        assert (holdfast.state / "control.sock").stat().st_mode & 0o777 == 0o600
        assert holdfast.stop() == 0
        assert sorted(path.name for path in holdfast.state.iterdir()) == ["journal.jsonl", "lock"]


# One supervisor ----------------------------------------------------------------------------------------------


def test_a_second_supervisor_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    agent = shell("worker", "exec sleep 30", tmp_path)
    with Running(tmp_path, agent) as first:
        pid = first.until_pid("worker")
        with Running(tmp_path, agent) as second:
            assert second.wait() == 2
            assert f"another supervisor (pid {first.pid})" in second.errors.read_text()
        assert first.view("worker")["pid"] == pid


def test_the_lock_of_a_killed_supervisor_is_taken_over_at_once(tmp_path: Path) -> None:
    agent = shell("worker", "echo $$ >> pids; exec sleep 3", tmp_path)
    with Running(tmp_path, agent) as holdfast:
        left = holdfast.until_pid("worker")
        holdfast.process.kill()
        holdfast.wait()
        os.kill(left, signal.SIGKILL)  # what it left is not this test's business
        holdfast.start()
        until(lambda: len((tmp_path / "pids").read_text().split()) == 2, "the agent runs again")
        assert client.is_answering(str(holdfast.state))


# The control socket ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"\xff\xfe\x00\n", "expected one line of JSON"),
        (b"[1, 2]\n", "expected one line of JSON"),
        (b"[" * 60000 + b"\n", "expected one line of JSON"),
        (b'{"command": 3}\n', "expected one line of JSON"),
        (b"x" * 100_000, "a request has at most 65536 bytes"),
        (b'{"command": "dance"}\n', "expected one of status, start, stop, restart, shutdown"),
        (b'{"command": "stop"}\n', "expected the name of an agent"),
        (b'{"command": "stop", "agent": "wroker"}\n', "did you mean worker?"),
    ],
    ids=["binary", "no object", "deep", "no command", "too long", "unknown command", "no agent", "unknown agent"],
)
def test_garbage_gets_an_error_and_harms_nobody(tmp_path: Path, sent: bytes, expected: str) -> None:
    with Running(tmp_path, shell("worker", "exec sleep 30", tmp_path)) as holdfast:
        with connect(holdfast) as connection:
            connection.sendall(sent)
            found = answer(connection)
        assert found["ok"] is False
        assert expected in str(found["error"])
        assert holdfast.view("worker")["name"] == "worker"


def test_clients_that_say_nothing_or_read_nothing_delay_nobody(tmp_path: Path) -> None:
    with ExitStack() as stack:
        holdfast = stack.enter_context(Running(tmp_path, shell("worker", "exec sleep 30", tmp_path)))
        for _ in range(70):
            stack.enter_context(connect(holdfast))
        flood = stack.enter_context(connect(holdfast))
        flood.setblocking(False)
        try:
            while True:
                flood.send(b'{"command": "status"}\n' * 500)
        except (BlockingIOError, ConnectionError):
            pass
        began = time.monotonic()
        assert holdfast.view("worker")["name"] == "worker"
        assert time.monotonic() - began < 2.0


def test_pipelined_requests_are_answered_in_order(tmp_path: Path) -> None:
    with Running(tmp_path, shell("worker", "exec sleep 30", tmp_path)) as holdfast, connect(holdfast) as connection:
        connection.sendall(b'{"command": "status"}\n{"command": "stop", "agent": "x"}\n{"command": "status"}\n')
        file = connection.makefile("rb")
        assert [json.loads(file.readline())["ok"] for _ in range(3)] == [True, False, True]


def test_a_long_state_directory_has_its_socket_too(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    heartbeat = HeartbeatSettings(BeatSource.NOTIFY)
    policy = AgentPolicy(heartbeat=HeartbeatPolicy())
    agent = shell("worker", "echo $NOTIFY_SOCKET > where; exec sleep 30", deep, heartbeat=heartbeat, policy=policy)
    with Running(deep, agent) as holdfast:
        holdfast.until_pid("worker")
        where = Path(until(lambda: (deep / "where").exists() and (deep / "where").read_text().strip(), "it is told"))
        assert len(str(where)) <= 107
        assert where.is_socket()
        assert holdfast.stop() == 0
        assert not where.parent.exists()


# Being frozen, and faults of its own -------------------------------------------------------------------------


def test_a_supervisor_that_was_frozen_kills_no_healthy_agent(tmp_path: Path) -> None:
    """HB-6: the freeze is three times the timeout, and so is the agent's own silence seen from here."""
    script = "while :; do date +%s.%N > beat.new; mv beat.new beat; sleep 0.1; done"
    agent = shell(
        "worker",
        script,
        tmp_path,
        heartbeat=HeartbeatSettings(BeatSource.FILE, str(tmp_path / "beat"), BeatFormat.MTIME),
        policy=AgentPolicy(heartbeat=HeartbeatPolicy(0.6, 5.0), running_after=0.1),
    )
    with Running(tmp_path, agent) as holdfast:
        pid = holdfast.until_pid("worker")
        until(lambda: holdfast.view("worker")["beats"], "a beat is counted")
        holdfast.process.send_signal(signal.SIGSTOP)
        time.sleep(1.8)  # the length of the freeze is the stimulus
        holdfast.process.send_signal(signal.SIGCONT)
        seen = int(str(holdfast.view("worker")["beats"]))
        until(lambda: int(str(holdfast.view("worker")["beats"])) > seen + 5, "it beats on")
        assert holdfast.view("worker")["pid"] == pid


def test_a_journal_that_cannot_be_written_stops_nothing_and_the_gap_is_told(tmp_path: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))

    agent = shell("worker", "sleep 0.02; exit 1", tmp_path, policy=restarting(0.02, max_restarts=None, burst=None))
    with Running(tmp_path, agent, before_exec=limit) as holdfast:
        until(lambda: int(str(holdfast.view("worker")["generation"])) > 20, "it is restarted again and again")
        assert "lines are lost until it can be written again" in holdfast.errors.read_text()
        resource.prlimit(holdfast.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        until(lambda: any(note.get("note") == "lost" for note in holdfast.run().notes), "the gap is told")
        assert holdfast.stop() == 0
        assert holdfast.errors.read_text().count("lines are lost") == 1


def test_the_journal_replays_to_the_same_decisions(tmp_path: Path) -> None:
    agents = (
        shell("crasher", "exit 1", tmp_path, policy=restarting(0.01, max_restarts=5, stable_after=1.0)),
        AgentSettings("missing", ("/no/such/program",), policy=restarting(0.02, max_restarts=2)),
        shell("cleaner", "sleep 0.1; exit 0", tmp_path),
    )
    with Running(tmp_path, *agents) as holdfast:
        assert holdfast.wait() == 100
        run = holdfast.run()
    assert len([1 for entry in run.entries if isinstance(entry.event, SpawnFailed)]) == 3
    fleet = Fleet({agent.name: agent.policy for agent in run.settings.agents}, run.settings.fleet)
    for entry in run.entries:
        again: list[Effect]
        again = fleet.begin(entry.now) if entry.event is None else fleet.handle(entry.event, entry.now)
        assert again == entry.effects


def starve_of_descriptors(holdfast: Running) -> tuple[int, int]:
    """Leave it not one descriptor more than it has; returns the limits to give back."""
    limits = resource.prlimit(holdfast.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(holdfast.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    return limits


def test_without_descriptors_it_goes_on_and_recovers(tmp_path: Path) -> None:
    agent = shell("worker", "echo $$ >> pids; exec sleep 30", tmp_path, policy=restarting(0.05, max_restarts=None))
    with Running(tmp_path, agent) as holdfast, connect(holdfast) as connection:
        pid = int(until(lambda: (tmp_path / "pids").exists() and (tmp_path / "pids").read_text(), "it has started"))
        connection.sendall(b'{"command": "status"}\n')
        assert answer(connection)["ok"] is True
        limits = starve_of_descriptors(holdfast)
        os.kill(pid, signal.SIGKILL)
        until(lambda: len(holdfast.events(Exited)) == 1, "the death is seen")
        connection.sendall(b'{"command": "status"}\n')
        assert answer(connection)["ok"] is True
        resource.prlimit(holdfast.pid, resource.RLIMIT_NOFILE, limits)
        until(lambda: len((tmp_path / "pids").read_text().split()) >= 2, "the agent runs again")
        assert holdfast.stop() == 0


def test_without_descriptors_it_can_still_stop(tmp_path: Path) -> None:
    with Running(tmp_path, shell("worker", "echo ready > ready; exec sleep 30", tmp_path)) as holdfast:
        until((tmp_path / "ready").exists, "the agent is ready")
        starve_of_descriptors(holdfast)
        assert holdfast.stop() == 0


def test_with_its_first_three_descriptors_closed_nothing_is_written_where_it_should_not(tmp_path: Path) -> None:
    agent = shell("worker", "exit 1", tmp_path, policy=restarting(max_restarts=1))
    with Running(tmp_path, agent, before_exec=lambda: os.closerange(0, 3)) as holdfast:
        assert holdfast.wait() == 100
        assert len(holdfast.events(Exited)) == 2
        assert (holdfast.state / "lock").read_bytes() == b""


def test_a_fault_of_its_own_leaves_no_agent_running(tmp_path: Path) -> None:
    (tmp_path / "faulty.py").write_text(
        "import sys\n"
        "from holdfast import daemon, fleet\n"
        "from holdfast.events import RestartRequested\n"
        "right = fleet.Fleet.handle\n"
        "def wrong(self, event, now):\n"
        "    assert not isinstance(event, RestartRequested), 'a bug'\n"
        "    return right(self, event, now)\n"
        "fleet.Fleet.handle = wrong\n"
        "sys.exit(daemon.main())\n"
    )
    script = "(setsid sh -c 'echo $$ > left; exec sleep 30' &)\nuntil [ -s left ]; do sleep 0.01; done\nexec sleep 30"
    with Running(tmp_path, shell("worker", script, tmp_path), program=[str(tmp_path / "faulty.py")]) as holdfast:
        pids = [holdfast.until_pid("worker")]
        until((tmp_path / "left").exists, "the daemon runs")
        pids.append(int(until((tmp_path / "left").read_text, "it has said its number")))
        with connect(holdfast) as connection:
            connection.sendall(b'{"command": "restart", "agent": "worker"}\n')
            assert holdfast.wait() == 70
        assert not [pid for pid in pids if exists(pid)]
        assert "a fault of holdfast itself" in holdfast.errors.read_text()
        assert "a bug" in holdfast.errors.read_text()


def test_secrets_are_not_in_the_journal(tmp_path: Path) -> None:
    agent = shell("worker", "exit 0", tmp_path, environment={"TOKEN": "hunter2"})
    with Running(tmp_path, agent) as holdfast:
        assert holdfast.wait() == 0
        assert "hunter2" not in (holdfast.state / "journal.jsonl").read_text()
        assert (holdfast.state / "journal.jsonl").stat().st_mode & 0o777 == 0o600


def test_many_agents_start_and_stop(tmp_path: Path) -> None:
    agents = [AgentSettings(f"worker{n}", ("/bin/sleep", "30"), log="null") for n in range(60)]
    with Running(tmp_path, *agents) as holdfast:
        until(lambda: holdfast.ask("status") and len(holdfast.events(Spawned)) == 60, "all are started")
        assert holdfast.stop() == 0
        assert len(holdfast.events(Exited)) == 60


def test_a_restart_does_not_wait_for_others_in_the_same_storm(tmp_path: Path) -> None:
    """RST-10: one agent crashes as fast as it can, the other still restarts within its back-off."""
    storm = shell("storm", "exit 1", tmp_path, policy=restarting(0.0, max_restarts=None, burst=None))
    calm = shell("calm", "sleep 0.3; exit 1", tmp_path, policy=restarting(0.1, max_restarts=2))
    fleet = FleetPolicy()
    with Running(tmp_path, storm, calm) as holdfast:
        holdfast.until_state("calm", "fatal")
        run = holdfast.run()
    ends = [e.now for e in run.entries if isinstance(e.event, Exited) and e.event.agent == "calm"]
    starts = [e.now for e in run.entries if isinstance(e.event, Spawned) and e.event.agent == "calm"]
    gaps = [start - end for end, start in zip(ends[:-1], starts[1:], strict=True)]
    assert min(gaps) >= 0.1
    assert max(gaps) < 0.1 + 0.05 + fleet.start_spacing + 0.1  # the last for a busy machine
