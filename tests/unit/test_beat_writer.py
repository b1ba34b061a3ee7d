"""The heartbeat of a Python agent: it beats, and no disk, socket or fork can make it raise (HB-1)."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

import holdfast
from holdfast.beat import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyfakefs.fake_filesystem import FakeFilesystem


def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "this did not become true in time"
        time.sleep(0.002)


# What a beat is --------------------------------------------------------------------------------------------------


def test_a_json_beat(tmp_path: Path) -> None:
    heartbeat = Heartbeat(tmp_path / "beat")
    before = time.time()
    assert heartbeat.beat()
    beat = json.loads((tmp_path / "beat").read_text())
    assert before - 0.001 <= beat["unix_ts"] <= time.time() + 0.001
    assert (beat["pid"], beat["seq"]) == (os.getpid(), 1)
    heartbeat.beat()
    assert json.loads((tmp_path / "beat").read_text())["seq"] == 2


def test_an_iso_beat(tmp_path: Path) -> None:
    before = time.time()
    Heartbeat(tmp_path / "beat", format="iso").beat()
    told = dt.datetime.fromisoformat((tmp_path / "beat").read_text().strip())
    assert told.utcoffset() == dt.timedelta(0)
    assert before - 0.001 <= told.timestamp() <= time.time() + 0.001


@pytest.mark.parametrize("form", ["json", "iso"])
def test_two_beats_in_a_row_differ(tmp_path: Path, form: str) -> None:
    """A beat whose own time stands still is none (HB-4)."""
    heartbeat, seen = Heartbeat(tmp_path / "beat", format=form), set()
    for _ in range(20):
        heartbeat.beat()
        seen.add((tmp_path / "beat").read_text())
        time.sleep(0.001)
    assert len(seen) == 20


def test_what_it_writes_the_supervisor_reads(tmp_path: Path) -> None:
    beats = pytest.importorskip("holdfast.beats")
    from holdfast.settings import BeatFormat

    for form in ("json", "iso"):
        reader = beats.BeatFile(str(tmp_path / form), BeatFormat.AUTO, lambda pid: pid == os.getpid())
        reader.begin()
        Heartbeat(tmp_path / form, format=form).beat()
        assert reader.poll() == ""


def test_nothing_is_left_beside_the_file(tmp_path: Path) -> None:
    Heartbeat(tmp_path / "beat").beat()
    assert os.listdir(tmp_path) == ["beat"]


def test_the_file_is_replaced_at_once(tmp_path: Path) -> None:
    """A reader that opened the old beat still reads all of it."""
    heartbeat = Heartbeat(tmp_path / "beat")
    heartbeat.beat()
    with open(tmp_path / "beat") as old:
        heartbeat.beat()
        assert json.loads(old.read())["seq"] == 1


# Where it goes ---------------------------------------------------------------------------------------------------


def test_the_supervisor_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_HEARTBEAT_FILE", str(tmp_path / "beat"))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    assert Heartbeat().beat()
    assert (tmp_path / "beat").exists()


def test_a_relative_path_stays_where_it_was_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    heartbeat = Heartbeat("beat")
    monkeypatch.chdir("/")
    assert heartbeat.beat()
    assert (tmp_path / "beat").exists()


@pytest.mark.parametrize("abstract", [False, True])
def test_a_notify_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool) -> None:
    name = f"@holdfast-test-{os.getpid()}" if abstract else str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(name.replace("@", "\0") if abstract else name)
        receiver.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        assert Heartbeat().beat()
        assert receiver.recv(100) == b"WATCHDOG=1"


def test_a_notify_socket_that_nobody_reads_never_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "socket"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "socket"))
        heartbeat = Heartbeat()
        until(lambda: not heartbeat.beat())
    assert heartbeat.failures == 1


def test_by_hand_it_does_nothing() -> None:
    with Heartbeat(interval=0.01) as heartbeat:
        assert heartbeat.beat()
    assert heartbeat.failures == 0


@pytest.mark.parametrize("arguments", [{"interval": 0.0}, {"interval": -1.0}, {"format": "xml"}])
def test_what_cannot_be_meant_is_said_at_once(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Heartbeat("beat", **arguments)  # type: ignore[arg-type]


# Its thread ------------------------------------------------------------------------------------------------------


def test_it_beats_by_itself_until_it_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "beat"
    with Heartbeat(path, interval=0.005):
        until(lambda: path.exists() and json.loads(path.read_text())["seq"] >= 3)
    last = path.read_text()
    time.sleep(0.05)
    assert path.read_text() == last
    assert "holdfast-heartbeat" not in {thread.name for thread in threading.enumerate()}


def test_the_first_beat_comes_at_once(tmp_path: Path) -> None:
    with Heartbeat(tmp_path / "beat", interval=3600):
        until((tmp_path / "beat").exists)


def test_start_twice_and_stop_twice(tmp_path: Path) -> None:
    heartbeat = Heartbeat(tmp_path / "beat", interval=3600)
    heartbeat.start()
    heartbeat.start()
    assert [thread.name for thread in threading.enumerate()].count("holdfast-heartbeat") == 1
    heartbeat.stop()
    heartbeat.stop()
    heartbeat.start()
    until(lambda: (tmp_path / "beat").exists() and json.loads((tmp_path / "beat").read_text())["seq"] == 2)
    heartbeat.stop()


def test_no_thread_to_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with Heartbeat(tmp_path / "beat") as heartbeat:
        pass
    assert (heartbeat.failures, heartbeat.last_error) == (1, "can't start new thread")


# Disks -----------------------------------------------------------------------------------------------------------


def test_a_full_disk_takes_the_beat_in_place_of_the_last_one(fs: FakeFilesystem) -> None:
    fs.set_disk_usage(1_000_000, "/")
    fs.create_dir("/run/agent")
    heartbeat = Heartbeat("/run/agent/beat")
    heartbeat.beat()
    fs.set_disk_usage(fs.get_disk_usage("/").used, "/")
    assert heartbeat.beat()
    assert json.loads(fs.get_object("/run/agent/beat").contents)["seq"] == 2
    assert (heartbeat.failures, os.listdir("/run/agent")) == (0, ["beat"])


def test_a_full_disk_without_a_beat_is_counted_and_gets_over_it(fs: FakeFilesystem) -> None:
    fs.create_dir("/run/agent")
    fs.set_disk_usage(0, "/")
    heartbeat = Heartbeat("/run/agent/beat")
    assert not heartbeat.beat()
    assert not heartbeat.beat()
    assert (heartbeat.failures, os.listdir("/run/agent")) == (2, [])
    assert heartbeat.last_error
    fs.set_disk_usage(1_000_000, "/")
    assert heartbeat.beat()
    assert (heartbeat.failures, heartbeat.last_error) == (2, "")


def test_a_full_disk_never_leaves_half_a_beat(fs: FakeFilesystem) -> None:
    """Room for a few bytes of the new beat: the old one stays whole until the new one is."""
    fs.set_disk_usage(1_000_000, "/")
    fs.create_dir("/run/agent")
    heartbeat = Heartbeat("/run/agent/beat")
    heartbeat.beat()
    fs.set_disk_usage(fs.get_disk_usage("/").used + 5, "/")
    heartbeat.beat()
    json.loads(fs.get_object("/run/agent/beat").contents)
    assert os.listdir("/run/agent") == ["beat"]


def test_a_read_only_directory_is_counted(fs: FakeFilesystem) -> None:
    from pyfakefs.helpers import set_uid

    fs.create_dir("/run/agent")
    heartbeat = Heartbeat("/run/agent/beat")
    heartbeat.beat()
    before = fs.get_object("/run/agent/beat").contents
    set_uid(1000)
    try:
        fs.chmod("/run/agent", 0o555, force_unix_mode=True)
        assert not heartbeat.beat()
    finally:
        set_uid(0)
    assert heartbeat.failures == 1
    assert fs.get_object("/run/agent/beat").contents == before
    fs.chmod("/run/agent", 0o755, force_unix_mode=True)
    assert heartbeat.beat()


def test_a_directory_that_vanished_and_came_back(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    heartbeat = Heartbeat(tmp_path / "run" / "beat")
    heartbeat.beat()
    (tmp_path / "run" / "beat").unlink()
    (tmp_path / "run").rmdir()
    assert not heartbeat.beat()
    assert "No such file" in heartbeat.last_error
    (tmp_path / "run").mkdir()
    assert heartbeat.beat()
    assert (heartbeat.failures, heartbeat.last_error) == (1, "")


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.symlink_to(path)])
def test_something_else_in_its_place(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "beat")
    Heartbeat(tmp_path / "beat").beat()
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".tmp")]


def test_a_path_that_cannot_be_is_counted_not_raised() -> None:
    heartbeat = Heartbeat("/tmp/nul\0")
    assert not heartbeat.beat()
    assert heartbeat.failures == 1


def test_the_thread_survives_failures(tmp_path: Path) -> None:
    with Heartbeat(tmp_path / "late" / "beat", interval=0.005) as heartbeat:
        until(lambda: heartbeat.failures >= 2)
        (tmp_path / "late").mkdir()
        until((tmp_path / "late" / "beat").exists)


# Forks -----------------------------------------------------------------------------------------------------------

FORKING = """
import os, sys, time
from holdfast import Heartbeat
path = sys.argv[1]
heartbeat = Heartbeat(path, interval=0.005).start()
while not os.path.exists(path):
    time.sleep(0.001)
read, write = os.pipe()
child = os.fork()
if not child:
    said = heartbeat.beat()               # for the parent: no
    heartbeat.stop()                      # and the parent's thread is not the child's to stop
    again = Heartbeat(path + ".child", interval=0.005).start()
    while not os.path.exists(path + ".child"):
        time.sleep(0.001)
    os.write(write, b"silent" if not said else b"beat")
    os._exit(0)
assert os.read(read, 10) == b"silent"
os.waitpid(child, 0)
assert str(os.getpid()) in open(path).read()
first = open(path).read()
while open(path).read() == first:
    time.sleep(0.001)
heartbeat.stop()
"""


@pytest.mark.real
@pytest.mark.parametrize("script", [FORKING])
def test_a_forked_child_does_not_beat_for_its_parent(tmp_path: Path, script: str) -> None:
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "beat")],
        check=True,
        timeout=20,
        env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(holdfast.__file__))},
    )


@pytest.mark.real
def test_it_is_cheap_to_import() -> None:
    """Only what an interpreter with threads has loaded anyway, and sockets."""
    program = "import sys, holdfast; holdfast.Heartbeat; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        timeout=20,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(holdfast.__file__))},
    ).stdout.split()
    assert not {"json", "dataclasses", "typing", "asyncio", "tomllib", "click", "holdfast.config"} & set(loaded)
