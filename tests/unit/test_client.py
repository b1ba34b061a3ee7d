"""The client of the control socket: one answer, or an error that says what to do."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from holdfast.client import ControlError, NoSupervisor, is_answering, request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextmanager
def server(directory: Path, serve: Callable[[socket.socket], None]) -> Iterator[None]:
    """Somebody at the control socket who serves one client."""

    def run() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(5)
            serve(connection)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(directory / "control.sock"))
        listener.listen()
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield
        thread.join(5)
        assert not thread.is_alive()


def answering(*parts: bytes, received: list[bytes] | None = None) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        line = connection.makefile("rb").readline()
        if received is not None:
            received.append(line)
        for part in parts:
            connection.sendall(part)

    return serve


def test_an_answer(tmp_path: Path) -> None:
    received: list[bytes] = []
    with server(tmp_path, answering(b'{"ok": true, "pi', b'd": 7}\n', received=received)):
        assert request(str(tmp_path), "status") == {"pid": 7}
    assert received == [b'{"command": "status"}\n']


def test_what_is_asked(tmp_path: Path) -> None:
    received: list[bytes] = []
    with server(tmp_path, answering(b'{"ok": true}\n', received=received)):
        request(str(tmp_path), "stop", "worker", wait=True)
    assert received == [b'{"command": "stop", "agent": "worker", "wait": true}\n']


def test_a_long_answer(tmp_path: Path) -> None:
    text = "x" * 1_000_000
    with server(tmp_path, answering(b'{"ok": true, "text": "' + text.encode() + b'"}\n')):
        assert request(str(tmp_path), "status") == {"text": text}


def test_a_refusal(tmp_path: Path) -> None:
    with (
        server(tmp_path, answering(b'{"ok": false, "error": "no agent is named x"}\n')),
        pytest.raises(ControlError, match=r"^no agent is named x$"),
    ):
        request(str(tmp_path), "stop", "x")


@pytest.mark.parametrize("answer", [b"", b"{}\n", b"[]\n", b'{"ok": tr', b"\xff\n", b'"ok"\n', b"7\n"])
def test_an_answer_that_is_none(tmp_path: Path, answer: bytes) -> None:
    with server(tmp_path, answering(answer)), pytest.raises(ControlError, match="no answer that can be read"):
        request(str(tmp_path), "status")


def test_a_supervisor_that_says_nothing(tmp_path: Path) -> None:
    def silent(connection: socket.socket) -> None:
        while connection.recv(100):
            pass

    with server(tmp_path, silent), pytest.raises(ControlError, match=r"did not answer within 0\.05 s"):
        request(str(tmp_path), "status", timeout=0.05)


def test_a_supervisor_that_answers_too_slowly(tmp_path: Path) -> None:
    """The time is for the whole exchange: a byte now and then does not prolong it."""
    done = threading.Event()

    def slow(connection: socket.socket) -> None:
        while not done.wait(0.01):
            connection.sendall(b" ")

    with server(tmp_path, slow):
        with pytest.raises(ControlError, match="did not answer"):
            request(str(tmp_path), "status", timeout=0.1)
        done.set()


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(NoSupervisor, match=f"no supervisor is running at {tmp_path}/control.sock.*holdfast run"):
        request(str(tmp_path), "status")
    with pytest.raises(NoSupervisor):
        request(str(tmp_path / "missing"), "status")


def test_a_socket_that_was_left_behind(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "control.sock"))
    assert not is_answering(str(tmp_path))
    with pytest.raises(NoSupervisor):
        request(str(tmp_path), "status")


def test_a_path_longer_than_a_socket_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = tmp_path / ("d" * 120)
    directory.mkdir()
    monkeypatch.chdir(directory)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("control.sock")
        listener.listen()
        assert is_answering(str(directory))
