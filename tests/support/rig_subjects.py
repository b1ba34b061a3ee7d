"""Adapters for tests of the rig: `rig_subjects:Deaf` and the like, each odd in one way."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from crashrig.subjects.protocol import CAPABILITIES, Description, Launch, SubjectError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crashrig.subjects.protocol import Job

STARTS_ALL = """
import os, signal, subprocess, sys, time
{before}
children = [subprocess.Popen(argv) for argv in {commands!r}]
{after}
"""


class Odd:
    """Starts every agent once, waits for SIGTERM, and leaves them alone."""

    before = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))"
    after = "time.sleep(60)"

    def describe(self) -> Description:
        return Description(name=type(self).__name__.lower(), version="1", capabilities=list(CAPABILITIES))

    def render(self, job: Job) -> Launch:
        commands = [agent.command for agent in job.agents]
        script = STARTS_ALL.format(before=self.before, commands=commands, after=self.after)
        return Launch(argv=[sys.executable, "-c", script], directory=job.directory)

    def operate(self, command: str, agent: str) -> None:
        raise SubjectError("no operator here")

    def claims(self) -> Mapping[str, str]:
        return {"worker": "running"}

    def close(self) -> None:
        """Nothing to close."""


class Leaver(Odd):
    """Ends at once and leaves its agents running."""


class Deaf(Odd):
    """Ignores SIGTERM."""

    before = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"


class Talker(Odd):
    """Writes more than anybody keeps."""

    after = "os.write(2, b'x' * (3 << 20)); time.sleep(60)"


class Refusing(Odd):
    """Cannot be configured."""

    def render(self, job: Job) -> Launch:
        raise SubjectError("the disk is made of cheese")


class Unable(Odd):
    """Has nothing of the kind."""

    def render(self, job: Job) -> Launch:
        raise UnsupportedError("it has no such thing")


class Broken(Odd):
    """Has a bug."""

    def render(self, job: Job) -> Launch:
        raise RuntimeError("a bug in the adapter")


class Missing(Odd):
    """Names a program that is not there."""

    def render(self, job: Job) -> Launch:
        return Launch(argv=["/no/such/supervisor"])


class Killer(Odd):
    """Its rendering kills the cell's process."""

    def render(self, job: Job) -> Launch:
        os._exit(9)
