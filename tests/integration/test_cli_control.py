"""Talking to a running holdfast: it is found, it answers, and its answers can be read (CTL-1, CTL-2)."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from command_line import CommandLine
from running import until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.real

FILE = """
[agents.worker]
command = ["sleep", "30"]
running_after = "0s"
[agents.other]
command = ["sleep", "30"]
"""


@pytest.fixture
def holdfast(tmp_path: Path) -> CommandLine:
    (tmp_path / "fleet.toml").write_text(FILE)
    return CommandLine(tmp_path)


@contextmanager
def running(holdfast: CommandLine) -> Iterator[subprocess.Popen[str]]:
    with holdfast.begun("run", "fleet.toml") as process:
        until(lambda: holdfast.done("status").returncode == 0, "it answers")
        yield process


def view(holdfast: CommandLine, agent: str = "worker") -> dict[str, object]:
    answer = json.loads(holdfast.done("status", "--json").stdout)
    found: dict[str, object] = next(each for each in answer["agents"] if each["name"] == agent)
    return found


def test_the_only_supervisor_is_found_by_itself(holdfast: CommandLine) -> None:
    with running(holdfast):
        lines = holdfast.done("status").stdout.splitlines()
        assert lines[0].split() == ["AGENT", "STATE", "FOR", "PID", "STARTS", "CRASHES", "BEATS", "REMARK"]
        assert [line.split()[0] for line in lines[1:]] == ["worker", "other"]


def test_a_supervisor_is_found_by_its_file_and_by_its_directory(holdfast: CommandLine) -> None:
    with running(holdfast):
        (directory,) = (holdfast.directory / "state" / "holdfast").iterdir()
        assert holdfast.done("status", "--config", "fleet.toml").returncode == 0
        assert holdfast.done("status", "--state-directory", str(directory)).returncode == 0
        holdfast.environment["HOLDFAST_STATE_DIRECTORY"] = str(directory)
        assert holdfast.done("status").returncode == 0
        assert holdfast.done("status", "--state-directory", "elsewhere").returncode == 1


def test_an_operator_stops_starts_and_restarts(holdfast: CommandLine) -> None:
    with running(holdfast):
        until(lambda: view(holdfast)["pid"], "the worker is there")
        assert holdfast.done("stop", "--wait", "10s", "worker").returncode == 0
        assert (view(holdfast)["state"], view(holdfast)["pid"]) == ("stopped", 0)
        assert view(holdfast, "other")["state"] != "stopped"
        assert holdfast.done("start", "worker").returncode == 0
        until(lambda: view(holdfast)["generation"] == 2, "it is started")
        result = holdfast.done("restart", "worker")
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
        until(lambda: view(holdfast)["generation"] == 3, "it is restarted")
        assert view(holdfast)["crashes"] == 0


def test_a_misspelt_agent(holdfast: CommandLine) -> None:
    with running(holdfast):
        result = holdfast.done("stop", "wroker")
        assert result.returncode == 1
        assert "did you mean worker?" in result.stderr


def test_shutdown_ends_everything_with_0(holdfast: CommandLine) -> None:
    with running(holdfast) as process:
        assert holdfast.done("shutdown").returncode == 0
        assert process.wait(10) == 0
    result = holdfast.done("status")
    assert result.returncode == 1
    assert "no supervisor is running under" in result.stderr
    result = holdfast.done("status", "--config", "fleet.toml")
    assert "start one with `holdfast run`" in result.stderr


def test_of_several_supervisors_one_must_be_named(holdfast: CommandLine) -> None:
    with running(holdfast), holdfast.begun("run", "--name", "second", "--", "sleep", "30"):

        def refused() -> str:
            result = holdfast.done("status")
            return result.stderr if result.returncode else ""

        told = until(refused, "both answer")
        assert "several supervisors are running: name one by --state-directory or --config" in told
        assert "/fleet-" in told
        assert "/second-" in told
