"""An adapter that is any executable: one JSON object a line on its standard input and output.

The messages are written out in docs/subjects.md. Here lives the conversation only: one process for each cell,
one answer for each question within a time limit, and error texts that quote what the adapter said on stderr.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from contextlib import suppress
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from typing import IO, TYPE_CHECKING, Any, TypeVar

import msgspec

from crashrig.subjects.protocol import CAPABILITIES, Description, Launch, SubjectError, UnsupportedError
from crashrig.subjects.tether import command as tethered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crashrig.subjects.protocol import Job

ANSWER_SECONDS = 10.0
GOODBYE_SECONDS = 1.0
ANSWER_BYTES_MAX = 1 << 20
STDERR_TAIL_BYTES = 2000
PIPE_BYTES = 4096  # a pipe that polls as writable takes this much at once (PIPE_BUF of pipe(7))
SHOWN_CHARACTERS = 200
EXIT_UNSUPPORTED = 127

Answer = TypeVar("Answer")


class Claims(msgspec.Struct, frozen=True):
    """The answer to `claims`."""

    claims: dict[str, str]


class Refusal(msgspec.Struct, frozen=True):
    """The two ways to say no: it cannot be done by this supervisor, or it went wrong."""

    unsupported: str = ""
    error: str = ""


class ExecutableSubject:
    """Speaks with the executable at `path`; it is started at the first question and ended by `close`."""

    def __init__(self, path: str, answer_seconds: float = ANSWER_SECONDS) -> None:
        self.path = path
        self._answer_seconds = answer_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None

    def describe(self) -> Description:
        """Ask `describe`; "unsupported" there means that the supervisor cannot run on this machine."""
        try:
            description = self._ask({"do": "describe"}, Description)
        except UnsupportedError as error:
            return Description(name=self.path, version="", capabilities=[], unavailable=str(error))
        unknown = [word for word in description.capabilities if word not in CAPABILITIES]
        if unknown:
            raise SubjectError(
                f"{self.path}: describe: unknown capabilities {', '.join(unknown)}; known: {', '.join(CAPABILITIES)}"
            )
        return description

    def render(self, job: Job) -> Launch:
        """Ask `render` with the whole job; durations in it are seconds as plain numbers."""
        launch = self._ask({"do": "render", "job": _spelled_out(job)}, Launch)
        if not launch.argv:
            raise SubjectError(f"{self.path}: render: expected a command in `argv`, found an empty list")
        return launch

    def operate(self, command: str, agent: str) -> None:
        """Ask `operate`; any object without "error" or "unsupported" means done."""
        self._ask({"do": "operate", "command": command, "agent": agent}, dict[str, Any])

    def claims(self) -> Mapping[str, str]:
        """Ask `claims`; a supervisor that says nothing of its agents makes for an empty mapping."""
        try:
            return self._ask({"do": "claims"}, Claims).claims
        except UnsupportedError:
            return {}

    def close(self) -> None:
        """Close the adapter's standard input, which tells it to end; kill it when it does not."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None and process.stdout is not None
        with suppress(OSError):
            process.stdin.close()
        try:
            process.wait(GOODBYE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        if self._stderr is not None:
            self._stderr.close()

    def _ask(self, question: dict[str, Any], kind: type[Answer]) -> Answer:
        process = self._process or self._start()
        deadline = time.monotonic() + self._answer_seconds
        self._send(process, question, deadline)
        line = self._receive(process, str(question["do"]), deadline)
        try:
            refusal = msgspec.json.decode(line, type=Refusal)
            if refusal.unsupported:
                raise UnsupportedError(f"{self.path}: {refusal.unsupported}")
            if refusal.error:
                raise SubjectError(f"{self.path}: {question['do']}: {refusal.error}")
            return msgspec.json.decode(line, type=kind)
        except msgspec.MsgspecError as error:
            raise SubjectError(f"{self.path}: {question['do']}: {error}; the line was {_shown(line)}") from error

    def _start(self) -> subprocess.Popen[bytes]:
        if not os.access(self.path, os.X_OK) or os.path.isdir(self.path):
            what = "not an executable file (chmod +x?)" if os.path.exists(self.path) else "no such file"
            raise SubjectError(f"{self.path}: {what}")
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  (closed by close)
        self._process = subprocess.Popen(
            tethered(self.path), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr, bufsize=0
        )
        return self._process

    def _send(self, process: subprocess.Popen[bytes], question: dict[str, Any], deadline: float) -> None:
        assert process.stdin is not None
        unsent = memoryview(msgspec.json.encode(question) + b"\n")
        with DefaultSelector() as selector, suppress(BrokenPipeError):  # it has ended: reading says how
            selector.register(process.stdin, EVENT_WRITE)
            while unsent:
                if not selector.select(deadline - time.monotonic()):
                    raise self._late(str(question["do"]), "does not read its input")
                unsent = unsent[os.write(process.stdin.fileno(), unsent[:PIPE_BYTES]) :]

    def _receive(self, process: subprocess.Popen[bytes], what: str, deadline: float) -> bytes:
        assert process.stdout is not None
        received = b""
        with DefaultSelector() as selector:
            selector.register(process.stdout, EVENT_READ)
            while not received.endswith(b"\n"):
                if len(received) > ANSWER_BYTES_MAX:
                    raise SubjectError(f"{self.path}: {what}: answer longer than {ANSWER_BYTES_MAX} bytes")
                if not selector.select(deadline - time.monotonic()):
                    raise self._late(what, "no answer")
                chunk = os.read(process.stdout.fileno(), 65536)
                if not chunk:
                    raise self._ended(process, what)
                received += chunk
        return received

    def _late(self, what: str, complaint: str) -> SubjectError:
        return SubjectError(f"{self.path}: {what}: {complaint} within {self._answer_seconds:g} s{self._complaint()}")

    def _ended(self, process: subprocess.Popen[bytes], what: str) -> SubjectError:
        with suppress(subprocess.TimeoutExpired):
            process.wait(GOODBYE_SECONDS)
        if process.returncode == EXIT_UNSUPPORTED:
            return UnsupportedError(f"{self.path}: {what}: unsupported (exit {EXIT_UNSUPPORTED}){self._complaint()}")
        how = "closed its output" if process.returncode is None else f"ended with {process.returncode}"
        return SubjectError(f"{self.path}: {what}: {how} instead of answering{self._complaint()}")

    def _complaint(self) -> str:
        assert self._stderr is not None
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - STDERR_TAIL_BYTES))
        text = self._stderr.read().decode(errors="replace").strip()
        return f"; on stderr it said:\n{text}" if text else "; on stderr it said nothing"


def _spelled_out(job: Job) -> dict[str, Any]:
    """The job with every key of every policy there, so that an adapter has no defaults to know."""
    plain: dict[str, Any] = msgspec.to_builtins(job, enc_hook=_plain)
    for agent, written in zip(job.agents, plain["agents"], strict=True):
        written["policy"] = msgspec.to_builtins(msgspec.structs.asdict(agent.policy), enc_hook=_plain)
    return plain


def _plain(value: object) -> object:
    if isinstance(value, float):
        return float(value)
    raise NotImplementedError(type(value))


def _shown(line: bytes) -> str:
    text = line.decode(errors="replace").rstrip("\n")
    return repr(text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…")
