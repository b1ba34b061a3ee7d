"""The runner's side of a sandbox: start a reaper with its cell, hear how it ended, and clean up if it was killed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec

from crashrig import proc
from crashrig.sandbox.group import Group
from crashrig.sandbox.reaper import CLEAN_SECONDS, INTERRUPT, Order
from crashrig.sandbox.sweep import MARKER, end_all, remove_tree

ENTRY = Path(__file__).with_name("reaper.py")

BOOT = "import sys; sys.path[:0] = sys.argv.pop(1).split(':'); from crashrig.driving import cell; cell.main()"
"""Finds crashrig where the runner found it, installed or not, without an environment variable that agents inherit."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a sandbox ended. `why`: ended, interrupted, orphaned, deadline, or reaper-killed.

    `status` is the cell's wait status, None when nobody could take it. `swept` is what was alive beside the cell
    when it ended, `leftovers` what could not be removed: anything in it is an error of the rig.
    """

    why: str
    status: int | None = None
    swept: list[str] = []
    leftovers: list[str] = []


def cell_command(spec: Path) -> list[str]:
    """The command of a cell process for the spec in a file."""
    roots = list(dict.fromkeys(path for path in sys.path if path and Path(path).is_dir()))
    return [sys.executable, "-P", "-c", BOOT, ":".join(roots), str(spec)]


class Sandbox:
    """One reaper at work. Used by one thread; `interrupt` and `kill` may be called by another."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._outcome: Outcome | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-E", str(ENTRY), json.dumps(order._asdict())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**order.environment, MARKER: order.cell},
            start_new_session=True,
            bufsize=0,
        )

    @property
    def pid(self) -> int:
        """The reaper's."""
        return self._process.pid

    def wait(self) -> Outcome:
        """Wait for the end of the cell and of the cleaning; if the reaper was killed, clean in its place."""
        if self._outcome is None:
            self._outcome = self._wait()
        return self._outcome

    def _wait(self) -> Outcome:
        assert self._process.stdout is not None
        assert self._process.stdin is not None
        answer = self._process.stdout.read()
        self._process.wait()
        self._process.stdout.close()
        self._process.stdin.close()
        try:
            return msgspec.json.decode(answer, type=Outcome)
        except msgspec.MsgspecError:
            return Outcome(why="reaper-killed", leftovers=clean_up(self._order))

    def interrupt(self) -> None:
        """Ask the cell to end early, in good order."""
        self._tell(INTERRUPT)

    def kill(self) -> None:
        """Have the cell killed at once; the reaper still cleans up."""
        self._tell(b"k")

    def _tell(self, word: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(word)
        except (OSError, ValueError):  # it has ended meanwhile
            pass


def clean_up(order: Order) -> list[str]:
    """Do the work of a reaper that was killed; says what could not be removed.

    The kernel has killed the cell with its reaper; its descendants are known by their group and their marker.
    """
    group = Group(order.group)
    left = end_all(lambda: set(proc.marked(MARKER, order.cell)), group, CLEAN_SECONDS)
    leftovers = [f"process {proc.describe(pid)}" for pid in left]
    leftovers += [f"control group {path}" for path in group.remove(CLEAN_SECONDS)]
    if not remove_tree(order.scratch):
        leftovers.append(f"directory {order.scratch}")
    return leftovers
