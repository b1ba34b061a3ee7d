"""What an agent is started with, and what is seen of its end."""

from __future__ import annotations

import os
import pwd
import signal
import sys
from pathlib import Path

import pytest
from running import Running, restarting, shell, until

from holdfast.effects import StateChanged
from holdfast.events import Exited, SpawnFailed
from holdfast.policy import AgentPolicy, Restart
from holdfast.settings import AgentSettings

pytestmark = pytest.mark.real

ONCE = AgentPolicy(restart=Restart.NEVER)


def facts(tmp_path: Path, command: str, **more: object) -> str:
    """What a shell command prints when it is the agent."""
    agent = shell("worker", f"{{ {command}; }} > facts 2>&1", tmp_path, policy=ONCE, **more)
    with Running(tmp_path, agent) as holdfast:
        assert holdfast.wait() == 0
    return (tmp_path / "facts").read_text()


def test_its_exit_code_is_seen(tmp_path: Path) -> None:
    with Running(tmp_path, shell("worker", "exit 23", tmp_path, policy=restarting(max_restarts=0))) as holdfast:
        assert holdfast.wait() == 100
        assert holdfast.events(Exited) == [Exited("worker", 1, 23, None, tree_empty=True)]


def test_the_signal_that_ended_it_is_seen(tmp_path: Path) -> None:
    agent = shell("worker", "kill -SEGV $$", tmp_path, policy=restarting(max_restarts=0))
    with Running(tmp_path, agent) as holdfast:
        assert holdfast.wait() == 100
        assert holdfast.events(Exited) == [Exited("worker", 1, None, signal.SIGSEGV, tree_empty=True)]


def test_a_life_of_20_ms_is_never_called_running(tmp_path: Path) -> None:
    """RST-12."""
    agent = shell("worker", "sleep 0.02; exit 1", tmp_path, policy=restarting(max_restarts=5))
    with Running(tmp_path, agent) as holdfast:
        assert holdfast.wait() == 100
        changes = [change for change in holdfast.effects(StateChanged) if isinstance(change, StateChanged)]
        assert len(holdfast.events(Exited)) == 6
        assert {str(change.new) for change in changes} == {"starting", "backoff", "fatal"}


def test_every_signal_is_at_its_default_and_none_is_blocked(tmp_path: Path) -> None:
    def ignore_and_block() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGUSR2])

    agent = AgentSettings("worker", ("/bin/cat", "/proc/self/status"), log=str(tmp_path / "status"), policy=ONCE)
    with Running(tmp_path, agent, before_exec=ignore_and_block) as holdfast:
        assert holdfast.wait() == 0
    lines = dict(line.split(":\t") for line in (tmp_path / "status").read_text().splitlines() if line[:3] == "Sig")
    internal = 1 << 31 | 1 << 32  # 32 and 33 belong to the C library, which ignores them in every child it spawns
    assert int(lines["SigIgn"], 16) & ~internal == 0
    assert int(lines["SigBlk"], 16) == 0


def test_it_leads_a_session_in_its_directory_with_nothing_to_read(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    text = facts(work, "ps -o pid=,sid= -p $$; pwd; readlink /proc/self/fd/0")
    numbers, directory, stdin = text.splitlines()
    pid, session = numbers.split()
    assert pid == session
    assert directory == str(work)
    assert stdin == "/dev/null"


def test_no_descriptor_but_the_usual_three_is_handed_on(tmp_path: Path) -> None:
    extra = os.open("/dev/null", os.O_RDONLY)
    log = tmp_path / "fds"
    agent = AgentSettings("worker", ("/bin/ls", "/proc/self/fd"), log=str(log), policy=ONCE)
    with Running(tmp_path, agent, before_exec=lambda: os.set_inheritable(extra, True)) as holdfast:
        assert holdfast.wait() == 0
    os.close(extra)
    assert log.read_text().split() == ["0", "1", "2", "3"]  # 3 is the listing itself


def test_its_environment_names_it_and_holds_nothing_meant_for_the_supervisor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/theirs")
    monkeypatch.setenv("WATCHDOG_PID", "1")
    monkeypatch.setenv("HOLDFAST_STATE_DIRECTORY", "/theirs")
    monkeypatch.setenv("KEPT", "yes")
    text = facts(tmp_path, "env", environment={"MINE": "too"})
    names = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    assert names["HOLDFAST_AGENT"] == "worker"
    assert names["HOLDFAST_GENERATION"] == "1"
    assert names["KEPT"] == "yes"
    assert names["MINE"] == "too"
    assert not {"NOTIFY_SOCKET", "WATCHDOG_PID", "HOLDFAST_STATE_DIRECTORY"} & names.keys()


def test_a_name_is_looked_up_in_the_agents_own_path(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "mytool").write_text("#!/bin/sh\nexit 9\n")
    (tools / "mytool").chmod(0o755)
    agent = AgentSettings(
        "worker", ("mytool",), environment={"PATH": f"/nowhere:{tools}"}, policy=restarting(max_restarts=0)
    )
    with Running(tmp_path, agent) as holdfast:
        assert holdfast.wait() == 100
        assert holdfast.events(Exited) == [Exited("worker", 1, 9, None, tree_empty=True)]


def test_its_log_is_appended_to(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    agent = shell("worker", "echo out; echo err >&2", tmp_path, policy=ONCE, log=str(log))
    with Running(tmp_path, agent) as holdfast:
        assert holdfast.wait() == 0
    assert log.read_text() == "before\nout\nerr\n"


def refusal(tmp_path: Path, agent: AgentSettings) -> str:
    """What is said of a start that fails; the crash counts like any other (RST-8)."""
    with Running(tmp_path, agent) as holdfast:
        assert holdfast.wait() == 100
        (failed,) = holdfast.events(SpawnFailed)
        assert isinstance(failed, SpawnFailed)
        return failed.message


@pytest.mark.parametrize(
    ("content", "mode", "expected"),
    [
        (None, 0, "no such file"),
        ("#!/bin/sh\n", 0o644, "is not executable: chmod +x would make it so"),
        ("#!/no/such/interpreter -x\n", 0o755, "bad interpreter: /no/such/interpreter, named in its first line"),
        ("no first line", 0o755, "not a program: neither a known binary format nor a first line"),
    ],
    ids=["missing", "not executable", "bad interpreter", "no program"],
)
def test_a_start_that_fails_says_why(tmp_path: Path, content: str | None, mode: int, expected: str) -> None:
    program = tmp_path / "program"
    if content is not None:
        program.write_text(content)
        program.chmod(mode)
    message = refusal(tmp_path, AgentSettings("worker", (str(program),), policy=restarting(max_restarts=0)))
    assert message.startswith(f"{program}: ")
    assert expected in message


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    agent = AgentSettings("worker", ("/bin/true",), directory=str(tmp_path / "gone"), policy=restarting(max_restarts=0))
    assert refusal(tmp_path, agent) == f"working directory {tmp_path}/gone: No such file or directory"


def test_a_missing_name_is_named_with_the_path_that_was_searched(tmp_path: Path) -> None:
    agent = AgentSettings(
        "worker", ("nosuchtool",), environment={"PATH": "/bin:/usr/bin"}, policy=restarting(max_restarts=0)
    )
    assert refusal(tmp_path, agent) == "nosuchtool: no such command in PATH (/bin:/usr/bin)"


def test_an_unknown_user_is_named(tmp_path: Path) -> None:
    agent = AgentSettings("worker", ("/bin/true",), user="no-such-user", policy=restarting(max_restarts=0))
    assert refusal(tmp_path, agent) == "user no-such-user: no such user"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may change the user")
def test_it_runs_as_the_user_it_names(tmp_path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    log = tmp_path / "log"
    agent = AgentSettings("worker", ("/bin/sh", "-c", "id -u; id -g; echo $HOME"), user="nobody", log=str(log))
    with Running(tmp_path, agent) as holdfast:
        assert holdfast.wait() == 0
    assert log.read_text().split() == [str(nobody.pw_uid), str(nobody.pw_gid), nobody.pw_dir]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may change the user")
def test_an_agent_of_another_user_can_beat_on_its_socket(tmp_path: Path) -> None:
    from holdfast.policy import HeartbeatPolicy
    from holdfast.settings import BeatSource, HeartbeatSettings

    beat = (
        "import os,socket,time\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\n"
        "s.connect(os.environ['NOTIFY_SOCKET'])\nfor n in range(30): s.send(b'WATCHDOG=1'); time.sleep(.1)"
    )
    python = "/usr/bin/python3"
    if not Path(python).exists():
        pytest.skip(f"no {python}, which another user may run (this Python is {sys.executable})")
    agent = AgentSettings(
        "worker",
        (python, "-I", "-S", "-c", beat),
        user="nobody",
        heartbeat=HeartbeatSettings(BeatSource.NOTIFY),
        policy=AgentPolicy(heartbeat=HeartbeatPolicy(20.0, 20.0)),
    )
    with Running(tmp_path, agent) as holdfast:
        until(lambda: holdfast.view("worker")["beats"], "a beat is counted")
