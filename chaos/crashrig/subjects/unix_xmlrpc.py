"""XML-RPC over a Unix socket, for supervisors that are operated that way; connections only, no meaning."""

from __future__ import annotations

import select
import socket
import xmlrpc.client
from http.client import HTTPConnection, HTTPException
from typing import Any

from crashrig.subjects.protocol import SubjectError

CONNECT_SECONDS = 1.0


class _UnixConnection(HTTPConnection):
    """HTTP whose other end is a socket in the file system."""

    def __init__(self, path: str, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Call:
    """One call under way. Some servers answer only when the thing is done, so waiting is apart from asking."""

    def __init__(self, path: str, method: str, *parameters: Any) -> None:
        """Send the call; SubjectError when nobody listens at `path`."""
        self._method = method
        self._connection = _UnixConnection(path, CONNECT_SECONDS)
        body = xmlrpc.client.dumps(parameters, method).encode()
        try:
            self._connection.request("POST", "/RPC2", body, {"Content-Type": "text/xml"})
        except (OSError, HTTPException) as error:
            self.close()
            raise SubjectError(f"{path}: cannot call {method}: {error}") from error

    def answered(self, seconds: float) -> bool:
        """Wait so long for the answer to begin; False when it has not."""
        readable, _, _ = select.select([self._connection.sock], [], [], seconds)
        return bool(readable)

    def result(self) -> Any:
        """The answer; `xmlrpc.client.Fault` is the server's refusal, SubjectError a broken conversation."""
        try:
            response = self._connection.getresponse()
            body = response.read()
            if response.status != 200:
                raise SubjectError(f"{self._method}: HTTP {response.status} {response.reason}")
            (value,), _ = xmlrpc.client.loads(body)
        except (OSError, HTTPException, ValueError) as error:
            raise SubjectError(f"{self._method}: no proper answer: {error}") from error
        finally:
            self.close()
        return value

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
