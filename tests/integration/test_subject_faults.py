"""The faulty supervisors have their faults, are fair otherwise, and die with whoever runs them."""

from __future__ import annotations

import sys
from pathlib import Path

import live_subject
import pytest

from crashrig.quantities import Duration

pytestmark = pytest.mark.real

BOTH = ["faulty-shell", "faulty-python"]
CRASHING = "date +%s.%N >> starts; exit 1"
QUICK = [Duration(0.1)]
MIDDLEMAN = [sys.executable, "-c", "import subprocess, sys; subprocess.Popen(sys.argv[1:]).wait()"]


def moments(live: live_subject.Live) -> list[float]:
    return [float(line) for line in live.lines()]


def log(live: live_subject.Live) -> str:
    return (live.directory / "log").read_text()


# What they do right ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BOTH)
def test_a_path_may_have_a_space_in_it(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "mein Klön" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(python))
    with live_subject.running(name, CRASHING, pace=1.0, backoff=QUICK) as live:
        assert live.until(lambda: len(live.lines()) >= 2), log(live)


@pytest.mark.parametrize("name", BOTH)
def test_backoff_is_waited_for(name: str) -> None:
    with live_subject.running(name, CRASHING, pace=1.0, backoff=[Duration(0.2), Duration(0.4)]) as live:
        assert live.until(lambda: len(live.lines()) >= 4)
        gaps = [later - earlier for earlier, later in zip(moments(live), moments(live)[1:], strict=False)]
        assert [gap >= wanted for gap, wanted in zip(gaps, (0.2, 0.4, 0.4), strict=False)] == [True] * 3


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("code", [0, 143])
def test_a_clean_end_is_not_followed_by_a_start(name: str, code: int) -> None:
    with live_subject.running(name, f"echo once >> starts; exit {code}", backoff=QUICK) as live:
        live.exit_code()
        assert live.lines() == ["once"]


@pytest.mark.parametrize("name", BOTH)
def test_a_fatal_code_ends_it_with_100(name: str) -> None:
    with live_subject.running(name, "echo once >> starts; exit 100", restart="always", backoff=QUICK) as live:
        assert (live.exit_code(), live.lines()) == (100, ["once"])


@pytest.mark.parametrize("name", BOTH)
def test_a_command_that_cannot_be_started_is_a_crash(name: str) -> None:
    with live_subject.running(name, "exec /no/such/program", max_restarts=1, backoff=QUICK) as live:
        assert live.exit_code() == 100


@pytest.mark.parametrize("name", BOTH)
def test_an_agent_that_beats_is_left_alone(name: str) -> None:
    beating = "echo once >> starts; n=0; while [ $n -lt 60 ]; do : > beat_1; sleep 0.05; n=$((n+1)); done"
    with live_subject.running(name, beating, pace=60.0, heartbeat_timeout=Duration(60)) as live:
        live.exit_code()
        assert live.lines() == ["once"]


@pytest.mark.parametrize("name", BOTH)
def test_it_dies_with_whoever_started_it(name: str) -> None:
    with live_subject.running(name, "echo once >> starts; exec sleep 5", agents=2, through=MIDDLEMAN) as live:
        assert live.until(live.lines)
        live.process.kill()
        assert live.until(lambda: not supervisors(live), seconds=3.0)


def supervisors(live: live_subject.Live) -> list[int]:
    return [
        pid
        for pid in live.living()
        if any(script in command_line(pid) for script in ("autopilot.sh", "external.py", "tether.py"))
    ]


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


# What they do wrong, as marked in their sources ---------------------------------------------------------------------


def test_shell_restarts_once_too_often() -> None:
    with live_subject.running("faulty-shell", CRASHING, max_restarts=1, backoff=QUICK) as live:
        assert (live.exit_code(), len(live.lines())) == (100, 3)


def test_python_counts_right() -> None:
    with live_subject.running("faulty-python", CRASHING, max_restarts=1, backoff=QUICK) as live:
        assert (live.exit_code(), len(live.lines())) == (100, 2)


def test_shell_loses_the_status_of_a_clean_end() -> None:
    with live_subject.running("faulty-shell", "exit 0") as live:
        assert live.exit_code() == 1
        assert "exit_status: unbound variable" in log(live)


def test_shell_signals_the_first_process_only() -> None:
    family = "sleep 60 & echo $! >> children; echo once >> starts; exec sleep 60"
    with live_subject.running("faulty-shell", family) as live:
        assert live.until(live.lines)
        assert live.stop() == 0
        assert live.living() == [int(pid) for pid in live.lines("children")]


@pytest.mark.parametrize("name", BOTH)
def test_what_a_dead_run_leaves_is_left(name: str) -> None:
    family = "sleep 60 & echo $! >> children; exit 1"
    with live_subject.running(name, family, max_restarts=1, backoff=QUICK) as live:
        assert live.exit_code() == 100
        assert sorted(live.living()) == sorted(int(pid) for pid in live.lines("children"))
        assert len(live.living()) >= 2


def test_shell_looks_every_minute_only() -> None:
    """Silent from the start with 90 s allowed: found out at 120 s, which is 2 s here."""
    silent = "date +%s.%N >> starts; : > beat_1; exec sleep 60"
    with live_subject.running(
        "faulty-shell", silent, pace=60.0, heartbeat_timeout=Duration(90), backoff=[Duration(0)]
    ) as live:
        assert live.until(lambda: len(live.lines()) == 2)
        first, second = moments(live)
        assert second - first >= 1.9


def test_shell_kills_a_start_for_the_beat_of_the_one_before() -> None:
    """The beat file is old when the agent starts: killed at the first look, 60 s, though 90 s are allowed."""
    stale = "date +%s.%N >> starts; touch -d '2 hours ago' beat_1; exec sleep 60"
    with live_subject.running(
        "faulty-shell", stale, pace=60.0, heartbeat_timeout=Duration(90), backoff=[Duration(0)]
    ) as live:
        assert live.until(lambda: len(live.lines()) == 2)
        first, second = moments(live)
        assert second - first < 1.5


def test_python_kills_an_agent_that_has_not_beaten_yet() -> None:
    """A look every 2 s, 0.2 s here: the agent is killed then, though 90 s are allowed."""
    with live_subject.running(
        "faulty-python", "date +%s.%N >> starts; exec sleep 60", heartbeat_timeout=Duration(90), backoff=[Duration(0)]
    ) as live:
        assert live.until(lambda: len(live.lines()) == 2)
        first, second = moments(live)
        assert second - first < 4.5


def test_python_dies_of_an_agent_that_ignores_sigterm() -> None:
    deaf = "trap '' TERM; echo once >> starts; n=0; while [ $n -lt 50 ]; do sleep 0.1; n=$((n+1)); done"
    with live_subject.running("faulty-python", deaf, grace=Duration(2)) as live:
        assert live.until(live.lines)
        assert live.stop() == 1
        assert "has no attribute 'TimeoutError'" in log(live)
        assert live.living()


def test_python_never_forgets_a_crash() -> None:
    with live_subject.running(
        "faulty-python",
        "echo once >> starts; sleep 0.3; exit 1",
        max_restarts=1,
        stable_after=Duration(1),
        backoff=QUICK,
    ) as live:
        assert (live.exit_code(), len(live.lines())) == (100, 2)
