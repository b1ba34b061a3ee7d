"""`holdfast run` and `check` as a person uses them: the command untouched, the exit code honest (CTL-1, RST-6)."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest
from command_line import CommandLine
from running import exists, until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

SAY = "import json, os, sys; print(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]))"


@pytest.fixture
def holdfast(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def test_all_arguments_reach_the_command_untouched(holdfast: CommandLine) -> None:
    arguments = ["--restart", "never", "-h", "--", "a b", "", "$HOME", "--env=X=1", "ä"]
    result = holdfast.done("run", "--restart", "on-failure", "--", sys.executable, "-c", SAY, *arguments)
    assert result.returncode == 0, result.stderr
    argv, directory, _ = json.loads(result.stdout)
    assert argv == arguments
    assert directory == str(holdfast.directory)


def test_flags_shape_the_agent(holdfast: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    result = holdfast.done(
        *("run", "--directory", "here", "--env", "PYTHONPATH=lib:x=y", "--env", "EMPTY=", "--name", "trader"),
        *("--heartbeat-file", "beat", "--", sys.executable, "-c", SAY),
    )
    _, directory, environment = json.loads(result.stdout)
    assert directory == str(tmp_path / "here")
    assert (environment["PYTHONPATH"], environment["EMPTY"]) == ("lib:x=y", "")
    assert (environment["HOLDFAST_AGENT"], environment["HOLDFAST_GENERATION"]) == ("trader", "1")
    assert environment["HOLDFAST_HEARTBEAT_FILE"] == str(tmp_path / "here" / "beat")


@pytest.mark.parametrize(
    ("flags", "script", "code"),
    [
        (["--backoff", "0s"], "exit 0", 0),
        (["--backoff", "0s"], "kill $$", 0),
        (["--backoff", "0s"], "exit 100", 100),
        (["--backoff", "0s", "--max-restarts", "2"], "exit 3", 100),
        (["--preset", "external", "--backoff", "0s"], "exit 3", 1),
        (["--preset", "external", "--backoff", "0s"], "exit 0", 0),
        (["--preset", "external", "--backoff", "0s"], "exit 100", 1),
        (["--restart", "never"], "exit 3", 100),
    ],
)
def test_the_exit_code_says_how_it_went(holdfast: CommandLine, flags: list[str], script: str, code: int) -> None:
    assert holdfast.done("run", *flags, "--", "sh", "-c", script).returncode == code


def test_external_tries_three_times_more(holdfast: CommandLine) -> None:
    flags = ["--preset", "external", "--backoff", "10ms"]
    result = holdfast.done("run", *flags, "--", "sh", "-c", "echo started; exit 2")
    assert result.stdout.count("started") == 4
    assert result.returncode == 1


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_agent_and_then_the_supervisor_with_0(holdfast: CommandLine, stop: signal.Signals) -> None:
    with holdfast.begun("run", "--preset", "external", "--", "sh", "-c", "echo $$ > pid; exec sleep 30") as process:
        pid_file = holdfast.directory / "pid"
        until(lambda: pid_file.exists() and pid_file.read_text(), "the agent runs")
        process.send_signal(stop)
        assert process.wait(10) == 0
    assert not exists(int(pid_file.read_text()))


def test_the_process_stays_the_same(holdfast: CommandLine) -> None:
    """Whoever started holdfast has the pid of the supervisor itself."""
    with holdfast.begun("run", "--", "sh", "-c", "echo $PPID; exec sleep 30") as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) == process.pid
        with open(f"/proc/{process.pid}/cmdline", "rb") as file:
            assert b"holdfast.daemon" in file.read()


def test_a_module_of_the_working_directory_is_not_the_daemon_s(holdfast: CommandLine) -> None:
    for name in ("holdfast", "json", "selectors"):
        (holdfast.directory / f"{name}.py").write_text("raise SystemExit(99)\n")
    result = holdfast.done("run", "--", "true")
    assert result.returncode == 0, result.stderr


def test_a_second_supervisor_is_refused_with_the_first_one_s_pid(holdfast: CommandLine) -> None:
    command = ["run", "--state-directory", "one", "--", "sh", "-c", "echo up; exec sleep 30"]
    with holdfast.begun(*command) as first:
        assert first.stdout is not None
        first.stdout.readline()
        second = holdfast.done(*command)
        assert second.returncode == 2
        assert str(first.pid) in second.stderr
        assert first.poll() is None


def test_nothing_is_started_when_anything_is_wrong(holdfast: CommandLine) -> None:
    (holdfast.directory / "x.toml").write_text(
        '[agents.good]\ncommand = ["touch", "started"]\n[agents.bad]\ngrace = 5\n'
    )
    for command in ("run", "check"):
        result = holdfast.done(command, "x.toml")
        assert result.returncode == 2
        assert "x.toml: 2 problems, nothing was started" in result.stderr
        assert "x.toml:4: $.agents.bad.grace" in result.stderr
        assert result.stdout == ""
    assert os.listdir(holdfast.directory) == ["x.toml"]


def test_check_says_what_would_run_and_starts_nothing(holdfast: CommandLine) -> None:
    (holdfast.directory / "x.toml").write_text('[agents.good]\ncommand = ["touch", "a file"]\nheartbeat = {file="b"}\n')
    result = holdfast.done("check", "x.toml")
    assert result.returncode == 0
    assert "touch 'a file'" in result.stdout
    assert f"{holdfast.directory}/b (auto), at least every 90s" in result.stdout
    assert os.listdir(holdfast.directory) == ["x.toml"]


def test_check_as_json(holdfast: CommandLine) -> None:
    answer = json.loads(holdfast.done("check", "--json", "--grace", "7s", "--", "x").stdout)
    assert answer["valid"] is True
    assert answer["settings"]["agents"][0]["policy"]["grace"] == 7.0
    result = holdfast.done("check", "--json", "--grace", "7", "--", "x")
    assert result.returncode == 2
    problems = json.loads(result.stdout)["problems"]
    assert [(problem["place"], problem["key"]) for problem in problems] == [("command line", "--grace")]
