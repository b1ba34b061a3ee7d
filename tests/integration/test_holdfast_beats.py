"""Beats from the three sources, end to end: what keeps an agent alive, and what does not (HB-1 to HB-5)."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from running import Running, exists, shell, until

from holdfast.effects import ExitReason, StateChanged
from holdfast.events import BeatRejected, BeatSeen, Exited
from holdfast.policy import AgentPolicy, Backoff, HeartbeatPolicy
from holdfast.settings import AgentSettings, BeatFormat, BeatSource, HeartbeatSettings

pytestmark = pytest.mark.real

TIMEOUT = 0.5


def watched(**more: object) -> AgentPolicy:
    fields = {"heartbeat": HeartbeatPolicy(TIMEOUT, 3.0), "max_restarts": 0, "grace": 2.0, **more}
    return AgentPolicy(backoff=Backoff((0.05,)), **fields)  # type: ignore[arg-type]


def in_file(tmp_path: Path, form: BeatFormat = BeatFormat.AUTO) -> HeartbeatSettings:
    return HeartbeatSettings(BeatSource.FILE, str(tmp_path / "beat"), form)


def python(name: str, program: str, directory: Path, **more: object) -> AgentSettings:
    command = (sys.executable, "-I", "-S", "-c", program)
    return AgentSettings(name, command, directory=str(directory), **more)  # type: ignore[arg-type]


def silence_until_the_end(holdfast: Running) -> float:
    """Seconds from the last beat that counted to the end of the agent."""
    entries = holdfast.run().entries
    last_beat = max(entry.now for entry in entries if isinstance(entry.event, BeatSeen))
    return next(entry.now for entry in entries if isinstance(entry.event, Exited)) - last_beat


def reasons(holdfast: Running) -> list[str]:
    return [change.reason for change in holdfast.effects(StateChanged) if isinstance(change, StateChanged)]


def test_an_agent_whose_file_stands_still_is_hung(tmp_path: Path) -> None:
    script = "for n in 1 2 3 4 5; do date -Iseconds.%N >/dev/null 2>&1; date +%Y-%m-%dT%H:%M:%S.%NZ > beat; "
    script += "sleep 0.1; done; exec sleep 30"
    agent = shell("worker", script, tmp_path, heartbeat=in_file(tmp_path), policy=watched())
    with Running(tmp_path, agent) as holdfast:
        assert holdfast.wait() == 100
        assert len(holdfast.events(BeatSeen)) >= 4
        assert TIMEOUT <= silence_until_the_end(holdfast) < TIMEOUT + 0.3  # 0.1 is promised; the rest is the machine
        assert any(reason.startswith(ExitReason.HUNG) for reason in reasons(holdfast))


def test_a_file_of_an_earlier_start_is_neither_life_nor_death(tmp_path: Path) -> None:
    (tmp_path / "beat").write_text("2020-01-01T00:00:00Z")
    script = "sleep 0.8; date +%Y-%m-%dT%H:%M:%S.%NZ > beat; sleep 0.1; exit 100"
    agent = shell("worker", script, tmp_path, heartbeat=in_file(tmp_path), policy=watched())
    with Running(tmp_path, agent) as holdfast:
        assert holdfast.wait() == 100
        assert len(holdfast.events(BeatSeen)) == 1
        assert holdfast.events(Exited) == [Exited("worker", 1, 100, None, tree_empty=True)]


def test_what_is_no_beat_is_counted_and_kills_in_time(tmp_path: Path) -> None:
    program = """
import os, time
def put(data):
    open('new', 'wb').write(data); os.replace('new', 'beat'); time.sleep(0.15)
put(b'{"unix_ts": 1.5}')
put(b''); put(b'\\xff\\xfe\\x00'); put(b'{"unix_ts": 2'); put(b'hello'); put(b'{"unix_ts": 1.5}')
put(b'{"unix_ts": 9, "pid": 1}')
time.sleep(30)
"""
    agent = python("worker", program, tmp_path, heartbeat=in_file(tmp_path), policy=watched())
    with Running(tmp_path, agent) as holdfast:
        assert holdfast.wait() == 100
        why = [event.why for event in holdfast.events(BeatRejected) if isinstance(event, BeatRejected)]
        assert len(holdfast.events(BeatSeen)) == 1
        assert why[:2] == ["empty", "binary"]  # the timeout ends it while it goes on
        assert set(why) <= {"empty", "binary", "truncated", "unparsable", "frozen", "foreign"}


def test_a_program_for_systemds_watchdog_works_unchanged(tmp_path: Path) -> None:
    program = """
import os, socket, time
to = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); to.connect(os.environ['NOTIFY_SOCKET'])
assert os.environ['WATCHDOG_USEC'] == '500000' and 'WATCHDOG_PID' not in os.environ
to.send(b'READY=1\\nSTATUS=up')
for n in range(12):
    to.send(b'WATCHDOG=1'); time.sleep(0.1)
time.sleep(30)
"""
    heartbeat = HeartbeatSettings(BeatSource.NOTIFY)
    with Running(tmp_path, python("worker", program, tmp_path, heartbeat=heartbeat, policy=watched())) as holdfast:
        assert holdfast.wait() == 100
        assert len(holdfast.events(BeatSeen)) >= 10
        assert TIMEOUT <= silence_until_the_end(holdfast) < TIMEOUT + 0.3
        ready = [note for note in holdfast.run().notes if note["note"] == "ready"]
        assert [(note["agent"], note["generation"]) for note in ready] == [("worker", 1)]


def test_a_stranger_cannot_beat_for_an_agent(tmp_path: Path) -> None:
    import socket

    heartbeat = HeartbeatSettings(BeatSource.NOTIFY)
    agent = shell("worker", "exec sleep 30", tmp_path, heartbeat=heartbeat, policy=watched())
    with Running(tmp_path, agent) as holdfast, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        holdfast.until_pid("worker")
        stranger.connect(str(holdfast.state / "notify-0.sock"))
        for _ in range(5):
            stranger.send(b"WATCHDOG=1")
        assert holdfast.wait() == 100
        assert holdfast.events(BeatSeen) == []


def test_a_daemonized_child_can_beat(tmp_path: Path) -> None:
    child = """
import os, socket, time
if os.fork(): time.sleep(30)
os.setsid()
if os.fork(): os._exit(0)
to = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); to.connect(os.environ['NOTIFY_SOCKET'])
for n in range(60):
    to.send(b'WATCHDOG=1'); time.sleep(0.1)
"""
    heartbeat = HeartbeatSettings(BeatSource.NOTIFY)
    with Running(tmp_path, python("worker", child, tmp_path, heartbeat=heartbeat, policy=watched())) as holdfast:
        until(lambda: int(str(holdfast.view("worker")["beats"])) > 5, "beats are counted")
        assert holdfast.stop() == 0


def test_output_is_a_beat_and_is_passed_on(tmp_path: Path) -> None:
    script = "for n in 1 2 3 4 5 6 7 8; do echo line $n; sleep 0.1; done; echo last >&2; exec sleep 30"
    heartbeat = HeartbeatSettings(BeatSource.OUTPUT)
    log = tmp_path / "log"
    agent = shell("worker", script, tmp_path, heartbeat=heartbeat, policy=watched(), log=str(log))
    with Running(tmp_path, agent) as holdfast:
        assert holdfast.wait() == 100
        assert len(holdfast.events(BeatSeen)) >= 7
        assert TIMEOUT <= silence_until_the_end(holdfast) < TIMEOUT + 0.3
    assert log.read_text() == "".join(f"line {n}\n" for n in range(1, 9)) + "last\n"


def test_a_grandchild_that_holds_the_output_delays_nothing(tmp_path: Path) -> None:
    script = (
        "(setsid sh -c 'echo $$ > left; exec sleep 30' &); until [ -s left ]; do sleep 0.01; done; echo end; exit 3"
    )
    heartbeat = HeartbeatSettings(BeatSource.OUTPUT)
    agent = shell("worker", script, tmp_path, heartbeat=heartbeat, policy=watched(), log="inherit")
    with Running(tmp_path, agent) as holdfast:
        began = time.monotonic()
        assert holdfast.wait() == 100
        assert time.monotonic() - began < 5.0
        assert holdfast.output.read_text() == "end\n"
        assert not exists(int((tmp_path / "left").read_text()))


def test_an_output_flood_blocks_neither_the_agent_nor_the_supervisor(tmp_path: Path) -> None:
    """Nobody reads the supervisor's own output: the agent prints 8 MiB all the same."""
    reader, writer = os.pipe()
    heartbeat = HeartbeatSettings(BeatSource.OUTPUT)
    script = "head -c 8388608 /dev/zero; echo done > done; exec sleep 30"
    agent = shell(
        "worker", script, tmp_path, heartbeat=heartbeat, policy=watched(heartbeat=HeartbeatPolicy()), log="inherit"
    )
    with Running(tmp_path, agent, before_exec=lambda: os.dup2(writer, 1)) as holdfast:
        until((tmp_path / "done").exists, "the agent has printed everything")
        until(lambda: holdfast.view("worker")["beats"], "the output has counted as a beat")
        assert holdfast.stop() == 0
    os.close(reader)
    os.close(writer)
