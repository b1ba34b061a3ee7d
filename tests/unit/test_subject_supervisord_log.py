"""What supervisord's log says of its agents, state by state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crashrig.subjects.supervisord_log import SupervisordLog

if TYPE_CHECKING:
    from pathlib import Path

STAMP = "2026-01-01 12:00:00,000"


def write(path: Path, *lines: str) -> None:
    with path.open("a") as file:
        file.write("".join(f"{STAMP} INFO {line}\n" for line in lines))


def test_every_state_is_told_even_when_several_came_at_once(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = SupervisordLog(path, ["worker"])
    assert log.claims() == {}
    write(
        path,
        "spawned: 'worker' with pid 12",
        "success: worker entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)",
        "exited: worker (exit status 1; not expected)",
    )
    assert [log.claims()["worker"] for _ in range(4)] == ["starting", "running", "exited", "exited"]


def test_an_end_before_startsecs_is_backoff_and_then_fatal(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = SupervisordLog(path, ["worker"])
    write(path, "spawned: 'worker' with pid 12", "exited: worker (exit status 1; not expected)")
    assert [log.claims()["worker"] for _ in range(2)] == ["starting", "backoff"]
    write(path, "gave up: worker entered FATAL state, too many start retries too quickly")
    assert log.claims() == {"worker": "fatal"}


def test_a_stop_and_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = SupervisordLog(path, ["a", "b"])
    write(path, "spawned: 'a' with pid 1", "spawned: 'b' with pid 2", "waiting for a to stop")
    with path.open("a") as file:
        file.write(f"{STAMP} INFO stopped: a (ter")
    assert log.claims() == {"a": "starting", "b": "starting"}
    assert log.claims()["a"] == "stopping"
    with path.open("a") as file:
        file.write("minated by SIGTERM)\n")
    assert log.claims() == {"a": "stopped", "b": "starting"}


def test_others_and_rubbish_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = SupervisordLog(path, ["worker"])
    path.write_bytes(b"\xff\xfe spawned: 'other' with pid 3\nspawned: 'worker' with pid x\n\n")
    assert log.claims() == {}
