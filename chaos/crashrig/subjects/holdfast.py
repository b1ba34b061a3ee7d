"""holdfast, real: started with the Python that runs this, operated through its control socket."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import holdfast
from crashrig.subjects.holdfast_config import STATE_DIRECTORY, render_config
from crashrig.subjects.protocol import CAPABILITIES, Description, Launch, SubjectError
from holdfast import client

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crashrig.subjects.protocol import Job

ANSWER_SECONDS = 5.0
COMMANDS = ("start", "stop", "restart", "shutdown")
SETTING_PREFIX = "HOLDFAST_"


class HoldfastSubject:
    """Runs `python -m holdfast run` on a file that says everything, whatever the environment says."""

    def __init__(self) -> None:
        self._state_directory = ""

    def describe(self) -> Description:
        """It has every capability there is a word for."""
        return Description(name="holdfast", version=holdfast.__version__, capabilities=list(CAPABILITIES))

    def render(self, job: Job) -> Launch:
        """Write holdfast.toml."""
        directory = Path(job.directory)
        self._state_directory = str(directory / STATE_DIRECTORY)
        path = directory / "holdfast.toml"
        path.write_text(render_config(job), encoding="utf-8")
        argv = [*_without_settings(), sys.executable, "-m", "holdfast", "run", str(path)]
        return Launch(argv=argv, environment={"PYTHONPATH": _python_path()}, directory=job.directory)

    def operate(self, command: str, agent: str) -> None:
        """Ask through the control socket; returns when the command has been taken."""
        if command not in COMMANDS:
            raise SubjectError(f"holdfast: no operator command {command!r}; expected {', '.join(COMMANDS)}")
        self._request(command, agent)

    def claims(self) -> Mapping[str, str]:
        """What `holdfast status` would say; empty while it does not answer."""
        try:
            answer = self._request("status", "")
        except SubjectError:
            return {}
        agents = answer.get("agents", [])
        assert isinstance(agents, list)
        return {agent["name"]: agent["state"] for agent in agents}

    def _request(self, command: str, agent: str) -> dict[str, object]:
        try:
            return client.request(self._state_directory, command, agent, timeout=ANSWER_SECONDS)
        except client.ControlError as error:
            raise SubjectError(f"holdfast: {command} {agent}: {error}") from error

    def close(self) -> None:
        """There is nothing to let go of: every request is a connection of its own."""


def _python_path() -> str:
    """Where this very holdfast is imported from, in a checkout or installed, before everything else."""
    inherited = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    folders = [os.path.dirname(os.path.dirname(holdfast.__file__)), *inherited]
    return os.pathsep.join(os.path.abspath(folder) for folder in folders)


def _without_settings() -> list[str]:
    """A prefix that takes the user's own settings for holdfast out of the environment: a cell depends on none."""
    found = sorted(name for name in os.environ if name.startswith(SETTING_PREFIX))
    return ["env", *(word for name in found for word in ("-u", name))] if found else []
