"""Run a subject for a test as a cell would, but small: started tethered, watched by what its agents write.

Every process that comes of it carries a mark in its environment, by which leftovers are found and ended.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from crashrig.scenario import Policy
from crashrig.subjects import registry
from crashrig.subjects.jobs import real_policy
from crashrig.subjects.protocol import AgentJob, Job
from crashrig.subjects.tether import command as tethered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from crashrig.subjects.protocol import Launch, Subject

MARK = "RIG_TEST_MARK"
PEERS = os.environ.get("CRASHRIG_PEERS")
"""Where the caller keeps peers; read before any test makes the environment quiet."""

DOCUMENTED = "documented"
"""Stands for the worked example of docs/subjects.md among the names of subjects."""

STOP_SECONDS = 20.0


def make_job(directory: str, script: str, *, pace: float = 10.0, agents: int = 1, **policy: Any) -> Job:
    """A job of shell scripts called worker_1, …; each runs in the directory and has its name in $NAME."""
    wanted = real_policy(Policy(**policy), pace)
    watched = wanted.heartbeat_timeout is not None
    jobs = [
        AgentJob(
            name=f"worker_{number}",
            command=["/bin/sh", "-c", script],
            directory=directory,
            environment={"NAME": f"worker_{number}"},
            policy=wanted,
            heartbeat_source="file" if watched else "",
            heartbeat_file=f"{directory}/beat_{number}" if watched else "",
            heartbeat_format="mtime",
        )
        for number in range(1, agents + 1)
    ]
    return Job(directory=directory, agents=jobs, pace=pace)


def use_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a test the peers that the caller has."""
    if PEERS:
        monkeypatch.setenv("CRASHRIG_PEERS", PEERS)


def documented_example() -> str:
    """The worked example of docs/subjects.md, as it stands there."""
    page = (Path(__file__).parents[2] / "docs" / "subjects.md").read_text(encoding="utf-8")
    return page.split("<!-- example: shell-loop -->\n```python\n", 1)[1].split("```\n", 1)[0]


def open_any(name: str, directory: Path) -> Subject:
    """An adapter by name, DOCUMENTED included; skips the test where its supervisor is not on this machine."""
    if name == DOCUMENTED:
        path = directory / "shell-loop"
        path.write_text(documented_example(), encoding="utf-8")
        path.chmod(0o755)
        name = str(path)
    subject = registry.open_subject(name)
    unavailable = subject.describe().unavailable
    if unavailable:
        pytest.skip(f"{name}: {unavailable}")
    return subject


class Live:
    """A running supervisor, its directory, and what to ask of both."""

    def __init__(self, subject: Subject, launch: Launch, directory: Path, through: Sequence[str]) -> None:
        self.subject = subject
        self.directory = directory
        self._launch = launch
        self._through = through
        self._mark = uuid.uuid4().hex
        self.process = self.start_again()

    def start_again(self) -> subprocess.Popen[bytes]:
        """Start the supervisor as it was rendered; for a second one beside the first, too."""
        with open(self.directory / "log", "ab") as log:
            return subprocess.Popen(
                tethered(*self._through, *self._launch.argv),
                cwd=self._launch.directory or None,
                env={**os.environ, **self._launch.environment, MARK: self._mark},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def lines(self, name: str = "starts") -> list[str]:
        """What agents have written into a file so far."""
        path = self.directory / name
        return path.read_text().split() if path.exists() else []

    def until(self, what: Callable[[], object], seconds: float = 10.0) -> bool:
        """Poll until true; False when the time is over."""
        deadline = time.monotonic() + seconds
        while not what():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def exit_code(self, seconds: float = STOP_SECONDS) -> int:
        """Wait for the supervisor's end."""
        return self.process.wait(seconds)

    def stop(self) -> int:
        """SIGTERM, and how it ended."""
        self.process.send_signal(signal.SIGTERM)
        return self.exit_code()

    def living(self) -> list[int]:
        """Everything alive that came of this supervisor, itself included."""
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if self._ours(pid)]

    def _ours(self, pid: int) -> bool:
        try:
            return f"{MARK}={self._mark}".encode() in Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False

    def end(self) -> None:
        """Kill whatever is left; our own child first."""
        self.process.kill()
        self.process.wait()
        while left := self.living():
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)


@contextmanager
def running(name: str, script: str, *, through: Sequence[str] = (), **job: Any) -> Iterator[Live]:
    """The named subject with agents that run `script`; nothing is left afterwards, whatever the test does.

    `through` is a command that starts the supervisor instead of the test.
    """
    with tempfile.TemporaryDirectory(prefix="rig-") as directory:
        subject = open_any(name, Path(directory))
        launch = subject.render(make_job(directory, script, **job))
        live = Live(subject, launch, Path(directory), through)
        try:
            yield live
        finally:
            subject.close()
            live.end()
