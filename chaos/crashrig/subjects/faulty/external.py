"""A supervisor as it is often written down in an evening: `external.py CONFIG.json`. DELIBERATELY FAULTY.

Wraps commands, watches a heartbeat file of each, restarts them a few times. Standard library only; every fault
is marked `FAULT` with the promise that it breaks. `subjects/faulty/python` writes its configuration.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from typing import Any

TICK = 0.02
CHECK_SECONDS = 2.0  # of the scenario's time, divided by the pace
MISSING_AGE = 9999.0
EXIT_FATAL = 100


def beat_time(path: str, kind: str) -> float:
    """The wall-clock time that a heartbeat file claims; any exception means that it is not to be read."""
    if kind == "mtime":
        return os.stat(path).st_mtime
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if kind == "json":
        return float(json.loads(text)["unix_ts"])
    return datetime.fromisoformat(text.strip()).timestamp()


def heartbeat_age(path: str, kind: str) -> float:
    """How old the last beat is, in seconds.

    FAULT (HB-4): the agent's wall clock is compared with this one's: a jump of the clock kills every agent, and a
    beat from the future is fresh for ever.
    FAULT (HB-3, HB-4): a file that is missing or cannot be read is 9999 s old, so an agent that needs a moment
    before its first beat is killed, and so is a healthy one whose file is caught half written.
    """
    try:
        return time.time() - beat_time(path, kind)
    except Exception:
        return MISSING_AGE


class Agent:
    """One command, its process, and what is to happen next."""

    def __init__(self, config: dict[str, Any], check_every: float) -> None:
        self.config = config
        self.check_every = check_every
        self.process: subprocess.Popen[bytes] | None = None
        self.restarts = 0
        self.start_at = 0.0  # monotonic; 0: at once
        self.look_at = 0.0
        self.hung = False
        self.done = False
        self.fatal = False

    def tick(self, now: float) -> None:
        """Do what is due: start, notice the end, look at the heartbeat."""
        if self.done:
            return
        if self.process is None:
            if now >= self.start_at:
                self.start(now)
        elif self.process.poll() is not None:
            self.ended(self.process.returncode, now)
        elif self.config["heartbeat_file"] and now >= self.look_at:
            self.look_at = now + self.check_every
            self.look()

    def start(self, now: float) -> None:
        """Start the command in a session of its own; not being able to counts as a crash."""
        try:
            self.process = subprocess.Popen(
                self.config["command"],
                cwd=self.config["directory"] or None,
                env={**os.environ, **self.config["environment"]},
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            print(f"cannot start {self.config['name']}: {error}", file=sys.stderr)
            self.ended(127, now)
        self.look_at = now + self.check_every

    def look(self) -> None:
        """Kill the agent when its heartbeat is too old."""
        age = heartbeat_age(self.config["heartbeat_file"], self.config["heartbeat_format"])
        if age > self.config["heartbeat_timeout"]:
            self.hung = True
            self.kill()

    def kill(self) -> None:
        """SIGTERM to the process group, a grace, SIGKILL.

        FAULT (RST-10): waits here for as long as the grace, and looks after no other agent meanwhile.
        FAULT (STOP-2): a process that left the group lives on, and so does the group of an agent that ended in time.
        """
        assert self.process is not None
        self.signal_group(signal.SIGTERM)
        try:
            self.process.wait(self.config["grace"])
        # FAULT (STOP-1, STOP-3, HB-2): there is no such class. It is only looked up when the agent ignores SIGTERM,
        # and then this supervisor dies of an AttributeError and leaves every agent alone.
        except subprocess.TimeoutError:  # type: ignore[attr-defined]
            self.signal_group(signal.SIGKILL)
            self.process.wait()

    def signal_group(self, number: int) -> None:
        """Signal the agent's process group, unless it has gone already."""
        assert self.process is not None
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def ended(self, status: int, now: float) -> None:
        """Decide whether to start it again.

        FAULT (RST-11): nothing looks for processes that the dead run left behind.
        FAULT (RST-5): the count never goes back to zero, however long a run was.
        """
        code = status if status >= 0 else 128 - status
        clean = code in self.config["not_restarted"] and not self.hung
        self.process, self.hung = None, False
        restart = self.config["restart"]
        if restart == "never" or (clean and (restart != "always" or code in self.config["fatal_codes"])):
            self.done = True
            self.fatal = code in self.config["fatal_codes"]
        elif self.restarts >= self.config["max_restarts"]:
            self.done = self.fatal = True
        else:
            delays = self.config["backoff"]
            self.start_at = now + delays[min(self.restarts, len(delays) - 1)]
            self.restarts += 1


def supervise(agents: list[Agent]) -> int:
    """Look after them until all are done or a signal asks to stop; returns the exit code."""
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.append(1))
    while not stopping and not all(agent.done for agent in agents):
        for agent in agents:
            agent.tick(time.monotonic())
        time.sleep(TICK)
    for agent in agents:
        if agent.process is not None:
            agent.kill()
    return EXIT_FATAL if any(agent.fatal for agent in agents) else 0


def main() -> None:
    """Read the configuration, leave the pid beside it, supervise."""
    with open(sys.argv[1], encoding="utf-8") as file:
        config = json.load(file)
    with open(os.path.join(os.path.dirname(sys.argv[1]), "supervisor.pid"), "w", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    check_every = CHECK_SECONDS / config["pace"]
    sys.exit(supervise([Agent(each, check_every) for each in config["agents"]]))


if __name__ == "__main__":
    main()
