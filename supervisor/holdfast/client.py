"""Talking to a running supervisor through its control socket: one request, one answer, then good-bye.

A request and an answer are one line of JSON each. What may be asked is in the module `control`, the other side.
"""

from __future__ import annotations

import json
import os
import socket
import time

from holdfast.locations import control_socket

ANSWER_BYTES_MAX = 16 * 2**20  # a status of ten thousand agents takes a third of this


class ControlError(Exception):
    """The supervisor could not be asked, or refused; the text says why and what to do."""


class NoSupervisor(ControlError):  # noqa: N818
    """Nobody answers at this state directory."""


def request(
    state_directory: str, command: str, agent: str = "", *, wait: bool = False, timeout: float = 10.0
) -> dict[str, object]:
    """The answer to one command, without its `ok`.

    `wait` asks for the answer to a stop only when it is done. `timeout` is for the whole exchange, in seconds.
    ControlError when there is no supervisor, no answer in time, or a refusal.
    """
    question = {"command": command, **({"agent": agent} if agent else {}), **({"wait": True} if wait else {})}
    deadline = time.monotonic() + timeout
    with _connected(state_directory, deadline) as connection:
        try:
            connection.sendall(json.dumps(question).encode() + b"\n")
            line = _line(connection, deadline)
        except TimeoutError:
            raise ControlError(f"the supervisor at {state_directory} did not answer within {timeout:g} s") from None
        except OSError as error:
            raise ControlError(f"the supervisor at {state_directory} hung up: {error.strerror}") from error
    return _answer(line, state_directory)


def is_answering(state_directory: str) -> bool:
    """Whether somebody listens on the control socket there."""
    try:
        with _connected(state_directory, time.monotonic() + 1.0):
            return True
    except ControlError:
        return False


def _connected(state_directory: str, deadline: float) -> socket.socket:
    """A connection; by way of a descriptor, since the address of a socket has 107 bytes at most (unix(7))."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        connection.settimeout(_left(deadline))
        directory = os.open(state_directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            connection.connect(control_socket(f"/proc/self/fd/{directory}"))
        finally:
            os.close(directory)
    except OSError as error:
        connection.close()
        raise _no_connection(state_directory, error) from None
    return connection


def _no_connection(state_directory: str, error: OSError) -> ControlError:
    path = control_socket(state_directory)
    if isinstance(error, FileNotFoundError | ConnectionRefusedError | NotADirectoryError):
        return NoSupervisor(f"no supervisor is running at {path}: start one with `holdfast run`")
    if isinstance(error, PermissionError):
        return ControlError(f"{path} belongs to another user: only that user and root may use it")
    return ControlError(f"cannot reach the supervisor at {path}: {error.strerror or error}")


def _line(connection: socket.socket, deadline: float) -> bytes:
    """Everything up to the first newline, or up to the end."""
    received = bytearray()
    while b"\n" not in received and len(received) <= ANSWER_BYTES_MAX:
        connection.settimeout(_left(deadline))
        part = connection.recv(65536)
        if not part:
            break
        received += part
    return bytes(received)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0.0:
        raise TimeoutError
    return left


def _answer(line: bytes, state_directory: str) -> dict[str, object]:
    try:
        answer = json.loads(line)
        accepted = answer.pop("ok")
    except (ValueError, AttributeError, KeyError, TypeError):
        raise ControlError(f"the supervisor at {state_directory} gave no answer that can be read") from None
    if accepted is not True:
        raise ControlError(str(answer.get("error", "the supervisor refused and did not say why")))
    return dict(answer)
