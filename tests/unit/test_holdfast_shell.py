"""Small parts of the shell: the lock, the notify socket, the outlet, the watches' grid, paths of cgroups."""

from __future__ import annotations

import errno
import os
import selectors
import socket
from pathlib import Path

import pytest

from holdfast import cgroups, output, watch
from holdfast.lock import Lock, LockedError
from holdfast.notify import MESSAGES_PER_TURN, NotifySocket, SocketDirectory
from holdfast.output import HELD_BYTES_MAX, Outlet, OutputPipe
from holdfast.policy import HeartbeatPolicy
from holdfast.process import StartError, inherited, open_log
from holdfast.refusal import why
from holdfast.settings import BeatFormat

# Lock --------------------------------------------------------------------------------------------------------


def test_the_lock_is_for_one_and_names_its_holder(tmp_path: Path) -> None:
    state = tmp_path / "deep" / "state"
    first = Lock(str(state))
    with pytest.raises(LockedError, match=rf"{state}: another supervisor \(pid {os.getpid()}\)"):
        Lock(str(state))
    first.release()
    Lock(str(state)).release()
    assert state.stat().st_mode & 0o777 == 0o700


def test_what_is_in_the_lock_file_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "lock").write_bytes(b"\xff999999 left by somebody")
    Lock(str(tmp_path)).release()


# Notify ------------------------------------------------------------------------------------------------------


@pytest.fixture
def notify(tmp_path: Path) -> NotifySocket:
    return NotifySocket(str(tmp_path / "n.sock"), 1.5)


def send(notify: NotifySocket, *messages: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.connect(notify.path)
        for message in messages:
            sender.send(message)


def test_a_message_comes_with_its_sender(notify: NotifySocket) -> None:
    send(notify, b"WATCHDOG=1\nSTATUS=a=b\nnonsense")
    (message,) = notify.receive()
    assert message.pid == os.getpid()
    assert message.values == {"WATCHDOG": "1", "STATUS": "a=b"}
    assert notify.environment == {"NOTIFY_SOCKET": notify.path, "WATCHDOG_USEC": "1500000"}
    assert notify.receive() == []
    notify.close()
    assert not os.path.exists(notify.path)


def test_what_is_no_text_is_dropped(notify: NotifySocket) -> None:
    send(notify, b"\xff\xfe", b"", b"READY=1")
    assert [message.values for message in notify.receive()] == [{}, {"READY": "1"}]
    notify.close()


def test_a_turn_reads_a_bounded_number_and_drain_all(notify: NotifySocket) -> None:
    limit = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text())
    send(notify, *[b"WATCHDOG=1"] * min(limit, MESSAGES_PER_TURN + 5))
    assert len(notify.receive()) == min(limit, MESSAGES_PER_TURN)
    notify.drain()
    assert notify.receive() == []
    notify.close()


def test_who_floods_cannot_make_the_draining_last(notify: NotifySocket, monkeypatch: pytest.MonkeyPatch) -> None:
    """It happens on the way to a start, and a sender may be faster than we are."""

    class Flooded:
        taken = 0

        def recv(self, _size: int) -> bytes:
            self.taken += 1
            assert self.taken < 100_000, "this would go on for ever"
            return b"W"

        recvmsg = property(lambda self: lambda *_: (self.recv(1), [], 0, None))

    right = notify._socket
    monkeypatch.setattr(notify, "_socket", Flooded())
    notify.drain()
    monkeypatch.setattr(notify, "_socket", right)
    notify.close()


def test_a_sender_is_looked_up_once_in_a_turn(notify: NotifySocket) -> None:
    asked: list[int] = []
    selector = selectors.DefaultSelector()
    one = watch.NotifyWatch(
        "a", HeartbeatPolicy(), notify, selector, lambda pid: bool(asked.append(pid)), lambda *_: None
    )
    one.begin(1)
    send(notify, *[b"WATCHDOG=1"] * 5, b"STATUS=x")
    assert one.look() is None
    assert asked == [os.getpid()]
    one.close()
    selector.close()


def test_descriptors_that_are_sent_along_are_not_kept(notify: NotifySocket) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(notify.path)
        socket.send_fds(sender, [b"FDSTORE=1"], [0, 1])
    assert len(notify.receive()) == 1
    assert len(os.listdir("/proc/self/fd")) == before
    notify.close()


def test_sockets_go_where_an_address_is_short_enough(tmp_path: Path) -> None:
    near = SocketDirectory(str(tmp_path))
    assert near.path("n.sock", for_others=False) == f"{tmp_path}/n.sock"
    near.close()
    far = SocketDirectory(str(tmp_path / ("x" * 100)))
    path = Path(far.path("n.sock", for_others=False))
    assert len(str(path)) < 107
    assert path.parent.stat().st_mode & 0o777 == 0o711
    far.close()
    assert not path.parent.exists()


# Output ------------------------------------------------------------------------------------------------------


def test_what_the_log_does_not_take_is_held_and_then_passed_on() -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    outlet = Outlet(writer)
    data = bytes(range(256)) * 1024  # 256 KiB, four times what a pipe holds
    outlet.write(data)
    assert outlet.waiting
    received = b""
    while outlet.waiting or len(received) < len(data):
        received += os.read(reader, 65536)
        outlet.flush()
    assert received == data
    os.close(reader)
    os.close(writer)


def test_what_cannot_be_held_is_lost_and_told() -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    outlet = Outlet(writer)
    for _ in range(3):
        outlet.write(b"x" * HELD_BYTES_MAX)
    received = b""
    while outlet.waiting:
        received += os.read(reader, 65536)
        outlet.flush()
    received += os.read(reader, 65536)
    outlet.write(b"again\n")
    received += os.read(reader, 65536)
    lost = 3 * HELD_BYTES_MAX - received.count(b"x")
    assert received.endswith(f"[holdfast: {lost} bytes of output were lost here]\nagain\n".encode())
    os.close(reader)
    os.close(writer)


def test_a_log_that_nobody_reads_any_more_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    outlet = Outlet(writer)
    outlet.write(b"x")
    assert not outlet.waiting
    os.close(writer)


def test_a_pipe_that_agents_fill_meanwhile_does_not_hold_us_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look whether there is room and the write, an agent with the same stdout may have taken it."""
    reader, shared = os.pipe()
    os.set_blocking(shared, False)
    try:
        while True:
            os.write(shared, b"x" * 4096)
    except BlockingIOError:
        pass
    os.set_blocking(shared, True)
    monkeypatch.setattr(output, "_takes_more", lambda _descriptor: True)
    own = output.without_waiting(shared)
    outlet = Outlet(own)
    outlet.write(b"y")  # would wait for ever
    assert outlet.waiting
    assert os.get_blocking(shared)
    for descriptor in (reader, shared, own):
        os.close(descriptor)


def test_a_file_is_written_to_as_it_is(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        assert output.without_waiting(log.fileno()) == log.fileno()


def test_a_log_that_is_a_fifo_without_a_reader_is_an_error_and_no_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log")
    opened: list[int] = []
    with pytest.raises(StartError, match="nobody reads this FIFO"):
        open_log(str(tmp_path / "log"), opened)
    outlet = Outlet(-1, str(tmp_path / "log"))
    with pytest.raises(OSError, match="nobody reads this FIFO"):
        outlet.open()
    reader = os.open(tmp_path / "log", os.O_RDONLY | os.O_NONBLOCK)
    outlet.open()
    outlet.write(b"a")
    assert os.get_blocking(open_log(str(tmp_path / "log"), opened))
    assert os.read(reader, 10) == b"a"
    outlet.close()
    for descriptor in (reader, *opened):
        os.close(descriptor)


def test_a_pipe_that_is_held_open_is_closed_without_waiting(tmp_path: Path) -> None:
    log = os.open(tmp_path / "log", os.O_CREAT | os.O_WRONLY)
    pipe = OutputPipe(Outlet(log))
    holder = os.dup(pipe.writer)
    pipe.close_writer()
    os.write(holder, b"the end\n")
    pipe.close()
    assert (tmp_path / "log").read_bytes() == b"the end\n"
    os.close(holder)
    os.close(log)


# Watches -----------------------------------------------------------------------------------------------------


def file_watch(timeout: float, path: Path, name: str = "a") -> watch.FileWatch:
    policy = HeartbeatPolicy(timeout, timeout)
    return watch.FileWatch(name, policy, str(path), BeatFormat.AUTO, lambda _pid: True)


def test_all_watches_of_like_timeouts_are_asked_at_the_same_moments(tmp_path: Path) -> None:
    watches = watch.Watches()
    one, two, slow = file_watch(90, tmp_path / "1"), file_watch(120, tmp_path / "2"), file_watch(400, tmp_path / "3")
    for each in (one, two, slow):
        watches.add(each)
    assert set(watches.due(10.0)) == {one, two, slow}
    first = watches.next_at
    assert first is not None
    assert 10.0 < first <= 10.0 + one.interval
    assert set(watches.due(first)) == {one, two}
    assert set(watches.due(first)) == set()
    assert set(watches.due(first, everybody=True)) == {one, two, slow}
    assert 13 <= slow.interval / one.interval * 4 <= 16


def test_the_long_silent_are_asked_before_a_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watches = watch.Watches()
    one, two = file_watch(90, tmp_path / "1"), file_watch(90, tmp_path / "2")
    watches.add(one)
    watches.add(two)
    list(watches.due(1000.0))
    monkeypatch.setattr(watch.clock, "now", lambda: 940.0)
    one.begin(1)
    monkeypatch.setattr(watch.clock, "now", lambda: 990.0)
    two.begin(1)
    assert list(watches.due(1000.0, silent=True)) == [one]


def test_a_watch_without_a_generation_tells_nothing(tmp_path: Path) -> None:
    one = file_watch(90, tmp_path / "beat")
    (tmp_path / "beat").write_text("2026-01-01T00:00:00Z")
    assert one.look() is None
    one.begin(4)
    (tmp_path / "beat").write_text("2026-01-01T00:00:01Z ")
    assert one.look() == watch.BeatSeen("a", 4)
    (tmp_path / "beat").write_text("")
    assert one.look() == watch.BeatRejected("a", 4, "empty")


def test_an_output_that_is_closed_by_all_does_not_keep_the_loop_busy() -> None:
    selector = selectors.DefaultSelector()
    one = watch.OutputWatch("a", HeartbeatPolicy(), Outlet(-1), selector)
    writer = one.begin(1)
    assert writer is not None
    os.write(writer, b"x")
    one.started()
    for _ in range(2):
        for key, _ in selector.select(0):
            key.data()
    assert selector.select(0) == []
    assert one.look() == watch.BeatSeen("a", 1)
    assert one.look() is None
    one.end()
    selector.close()


# What a child gets, and why it got nothing -------------------------------------------------------------------


def test_what_is_meant_for_the_supervisor_is_not_handed_on() -> None:
    given = {"PATH": "/bin", "NOTIFY_SOCKET": "x", "WATCHDOG_USEC": "1", "LISTEN_FDS": "2", "HOLDFAST_SEED": "3"}
    assert inherited(given) == {"PATH": "/bin"}


@pytest.mark.parametrize(
    ("number", "user", "expected"),
    [
        (errno.EAGAIN, "", "the limit of processes is reached"),
        (errno.E2BIG, "", "too long"),
        (errno.EPERM, "nobody", "only root may change the user"),
        (errno.EIO, "", "Input/output error (EIO)"),
    ],
)
def test_a_refusal_in_words(number: int, user: str, expected: str) -> None:
    text = why("/bin/true", OSError(number, os.strerror(number)), user)
    assert text.startswith("/bin/true: ")
    assert expected in text


def test_a_refusal_names_a_directory_and_a_dangling_link(tmp_path: Path) -> None:
    assert why(str(tmp_path), PermissionError(errno.EACCES, "")) == f"{tmp_path}: is a directory"
    link = tmp_path / "link"
    link.symlink_to("nowhere")
    assert why(str(link), FileNotFoundError(errno.ENOENT, "")) == f"{link}: a symbolic link that leads nowhere"


# Control groups ----------------------------------------------------------------------------------------------


def made_up(monkeypatch: pytest.MonkeyPatch, mountinfo: str, own: str) -> None:
    files = {"/proc/self/mountinfo": mountinfo.encode(), "/proc/self/cgroup": own.encode()}
    monkeypatch.setattr(cgroups.procfs, "read", lambda path: files.get(path, b""))


def test_our_own_group_is_found_in_each_hierarchy_v2_first(monkeypatch: pytest.MonkeyPatch) -> None:
    made_up(
        monkeypatch,
        "30 20 0:26 / /sys/fs/cgroup/freezer rw,nosuid shared:5 - cgroup cgroup rw,freezer\n"
        "31 20 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
        "32 20 0:28 / /sys/fs/cgroup/unified rw,nosuid shared:6 - cgroup2 cgroup2 rw,nsdelegate\n",
        "5:freezer:/jail\n4:cpu,cpuacct:/x\n0::/user.slice/me\n",
    )
    assert [(kind.kind, parent) for kind, parent in cgroups._candidates()] == [
        ("cgroup v2", "/sys/fs/cgroup/unified/user.slice/me"),
        ("cgroup v1 freezer", "/sys/fs/cgroup/freezer/jail"),
    ]


def test_a_mount_of_a_part_of_the_hierarchy(monkeypatch: pytest.MonkeyPatch) -> None:
    made_up(
        monkeypatch,
        "30 20 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
        "0::/docker/abc/inner\n",
    )
    assert [parent for _, parent in cgroups._candidates()] == ["/sys/fs/cgroup/inner"]


def test_a_cgroup_that_is_demanded_and_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    made_up(monkeypatch, "", "")
    with pytest.raises(cgroups.CgroupError, match="is mounted"):
        cgroups.find(cgroups.Containment.CGROUP)
    assert cgroups.find(cgroups.Containment.AUTO).kind == "walk"
