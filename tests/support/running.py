"""A real holdfast daemon for one test: started, asked, stopped; and small agents for it to run.

Every agent lives 30 seconds at most and the daemon is told to stop when the test process dies, so that nothing
outlives a run. Nothing here sleeps for luck: `until` polls a condition against a deadline.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from holdfast import client, handoff, journal_reader
from holdfast.policy import AgentPolicy, Backoff
from holdfast.settings import AgentSettings, Containment, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SOURCE = str(Path(handoff.__file__).parents[1])
PR_SET_PDEATHSIG = 1
T = TypeVar("T")


def until(condition: Callable[[], T | None], what: str, seconds: float = 10.0) -> T:
    """Poll until the condition is true and return what it gave; fails with `what` when it never is."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.005)
    return found


def exists(pid: int) -> bool:
    """Whether a process lives; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def shell(name: str, script: str, directory: Path, **more: object) -> AgentSettings:
    """An agent that is a shell script; `policy=` and the other fields of AgentSettings as they are."""
    fields = {"policy": AgentPolicy(), "log": "null", **more}
    return AgentSettings(name, ("/bin/sh", "-c", script), directory=str(directory), **fields)  # type: ignore[arg-type]


def restarting(delay: float = 0.0, **more: object) -> AgentPolicy:
    """A policy with one delay, for agents that crash."""
    return AgentPolicy(backoff=Backoff((delay,)), **more)  # type: ignore[arg-type]


class Running:
    """One daemon in its own state directory, used with `with`."""

    def __init__(
        self,
        directory: Path,
        *agents: AgentSettings,
        containment: Containment = Containment.AUTO,
        prefix: str = "",
        program: Sequence[str] = ("-m", "holdfast.daemon"),
        before_exec: Callable[[], None] = lambda: None,
    ) -> None:
        """`prefix` is shell text before the daemon in the same process, `program` what Python runs as the daemon;
        `before_exec` runs in the child.
        """
        self.state = directory / "state"
        self.errors = directory / "stderr"
        self.output = directory / "stdout"
        self._handed = os.memfd_create("settings")
        os.write(self._handed, handoff.to_json(Settings(agents, str(self.state), containment=containment)).encode())
        self._prefix = prefix
        self._program = program
        self._before_exec = before_exec
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        """Start it, for a second time when the first has died."""
        os.lseek(self._handed, 0, os.SEEK_SET)
        daemon = [sys.executable, *self._program, "--settings-fd", str(self._handed)]
        argv = ["/bin/sh", "-c", f'{self._prefix}; exec "$@"', "sh", *daemon] if self._prefix else daemon
        with self.output.open("ab") as output, self.errors.open("ab") as errors:
            self.process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                pass_fds=[self._handed],
                env={**os.environ, "PYTHONPATH": SOURCE},
                preexec_fn=self._in_child,  # noqa: PLW1509 - there is no other thread
            )
        return self.process

    def _in_child(self) -> None:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        self._before_exec()

    @property
    def pid(self) -> int:
        return self.process.pid

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(1.0)
            except subprocess.TimeoutExpired:
                self.process.terminate()
        try:
            self.process.wait(10.0)
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self._handed)

    def wait(self, seconds: float = 10.0) -> int:
        """The exit code, once it has ended."""
        return self.process.wait(seconds)

    def stop(self, seconds: float = 10.0) -> int:
        """Ask it to stop, and wait."""
        self.process.terminate()
        return self.wait(seconds)

    def ask(self, command: str, agent: str = "") -> dict[str, object]:
        """One request on the control socket; waits for the socket to be there."""
        until(lambda: client.is_answering(str(self.state)), "the control socket answers")
        return client.request(str(self.state), command, agent)

    def view(self, agent: str) -> dict[str, object]:
        """One agent of the status."""
        agents = self.ask("status")["agents"]
        assert isinstance(agents, list)
        return next(each for each in agents if each["name"] == agent)

    def until_state(self, agent: str, state: str) -> dict[str, object]:
        """Wait until the supervisor claims that state."""

        def found() -> dict[str, object] | None:
            view = self.view(agent)
            return view if view["state"] == state else None

        return until(found, f"{agent} is {state}")

    def until_pid(self, agent: str, generation: int = 1) -> int:
        """Wait for the first process of a generation and return its number."""

        def found() -> object:
            view = self.view(agent)
            return view["pid"] if view["generation"] == generation else None

        return int(str(until(found, f"generation {generation} of {agent} is there")))

    def run(self) -> journal_reader.Run:
        """The last run in its journal."""
        return journal_reader.read(str(self.state / "journal.jsonl"))[-1]

    def events(self, kind: type) -> list[object]:
        """The events of one kind that it has handled."""
        return [entry.event for entry in self.run().entries if isinstance(entry.event, kind)]

    def effects(self, kind: type) -> list[object]:
        """The effects of one kind that its core wanted."""
        return [effect for entry in self.run().entries for effect in entry.effects if isinstance(effect, kind)]
