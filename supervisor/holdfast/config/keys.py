"""Every key there is: its kind, its default, what it means and which promise it serves.

The tables are all that is known of a key: the reader, the variables, the flags, the help and
docs/configuration.md are made from them. A default stands here as a file would write it, for people; the
records in `policy` and `settings` hold it for the program, and a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.config import kinds
from holdfast.config.kinds import Kind
from holdfast.config.presets import PRESETS
from holdfast.config.problems import nearest
from holdfast.policy import Restart
from holdfast.settings import BeatFormat, Containment


@dataclass(frozen=True, slots=True)
class Key:
    """One key of one table. An empty default means that the key is off, or must be written."""

    kind: Kind
    default: str
    meaning: str
    promise: str = ""


TOP = {
    "preset": Key(kinds.word(list(PRESETS)), "", "Begin with the numbers of this preset.", "CTL-5"),
    "state_directory": Key(
        kinds.DIRECTORY,
        "${XDG_STATE_HOME:-~/.local/state}/holdfast/NAME-HASH",
        "Where the lock, the control socket and the journal are.",
        "PRE-2",
    ),
    "containment": Key(
        kinds.choice(Containment),
        '"auto"',
        "How an agent's processes are held together; auto takes a cgroup where one can be had.",
        "STOP-2",
    ),
    "seed": Key(kinds.whole(0), "0", "Where the random part of the back-off begins.", "RST-4"),
}

FLEET = {
    "start_burst": Key(kinds.whole(1), "10", "So many agents at most start in one instant.", "RST-10"),
    "start_spacing": Key(kinds.DURATION, '"1ms"', "Time between the starts that follow.", "RST-10"),
    "fatal_exit": Key(
        kinds.whole(0, 255), "100", "Exit code when all agents are done and one of them is fatal.", "RST-6"
    ),
}

AGENT = {
    "command": Key(kinds.COMMAND, "", "The program and its arguments, given to the kernel as they are.", "RST-8"),
    "directory": Key(kinds.DIRECTORY, "", "The agent's working directory; by default that of the file.", "RST-8"),
    "environment": Key(kinds.ENVIRONMENT, "{}", "Added to the supervisor's own environment.", "CTL-5"),
    "user": Key(kinds.TEXT, "", "Run as this user; needs the right to change users.", "RST-8"),
    "log": Key(kinds.PATH, '"inherit"', "Where output goes: inherit, null, or a file to append to.", "OBS-1"),
    "after": Key(kinds.NAMES, "[]", "Start when these agents run, stop before they are stopped.", "STOP-3"),
}

POLICY = {
    "restart": Key(kinds.choice(Restart), '"on-failure"', "Which ends are followed by a new start.", "RST-2"),
    "backoff": Key(
        kinds.BACKOFF,
        '["1s", "2s", "4s", "8s", "16s"]',
        "Waits before restarts in a row, the last repeats; or initial, multiplier and max.",
        "RST-4",
    ),
    "jitter": Key(kinds.FRACTION, "0.0", "Wait longer by a random part of up to this fraction.", "RST-4"),
    "stable_after": Key(kinds.DURATION, '"5m"', "A longer run than this sets the crash count back to zero.", "RST-5"),
    "max_restarts": Key(kinds.whole_or_unlimited(0), "6", "After so many restarts in a row, give up.", "RST-6"),
    "burst": Key(
        kinds.whole_or_unlimited(1), "20", "More starts than this within window: give up. Needs window.", "RST-7"
    ),
    "window": Key(kinds.DURATION_ABOVE_ZERO, '"2h"', "The time that burst looks back. Needs burst.", "RST-7"),
    "grace": Key(kinds.DURATION, '"10s"', "Time between SIGTERM and SIGKILL.", "STOP-1"),
    "running_after": Key(kinds.DURATION, '"1s"', "Seen alive for so long, a start counts as running.", "RST-12"),
    "clean_codes": Key(kinds.CODES, "[0, 143]", "Exit codes that are no crash.", "RST-2"),
    "fatal_codes": Key(kinds.CODES, "[100]", "Exit codes after which nothing is started again.", "RST-3"),
    "restart_codes": Key(kinds.CODES, "[]", "Exit codes that are a crash though clean_codes has them.", "RST-2"),
    "clean_signals": Key(kinds.SIGNALS, '["SIGTERM"]', "Deaths by these signals are no crash.", "RST-2"),
}

HEARTBEAT_SOURCE = {
    "file": Key(kinds.PATH, "", "Beats are new contents (or a new mtime) of this file.", "HB-1"),
    "notify": Key(kinds.YES, "", "Beats are WATCHDOG=1 messages on NOTIFY_SOCKET.", "HB-1"),
    "output": Key(kinds.YES, "", "Beats are whatever the agent writes to stdout or stderr.", "HB-1"),
}

HEARTBEAT_POLICY = {
    "format": Key(
        kinds.choice(BeatFormat), '"auto"', "How a heartbeat file says its time; auto takes JSON or ISO 8601.", "HB-1"
    ),
    "timeout": Key(kinds.DURATION_ABOVE_ZERO, '"90s"', "No beat for so long: the agent is hung.", "HB-2"),
    "startup_grace": Key(kinds.DURATION_ABOVE_ZERO, "timeout", "The same, until the first beat of a start.", "HB-3"),
}

HEARTBEAT = {**HEARTBEAT_SOURCE, **HEARTBEAT_POLICY}

SECTIONS = ("fleet", "defaults", "agents")
GIVEN_TO_AGENTS = frozenset({"HOLDFAST_AGENT", "HOLDFAST_GENERATION", "HOLDFAST_HEARTBEAT_FILE", "HOLDFAST_PID"})
"""Variables that the supervisor sets for its agents: not settings, even where one agent runs another holdfast."""


def of_variables() -> dict[str, tuple[str, ...]]:
    """Key path by environment variable: what can be said to a whole run, or to all agents alike."""
    paths = [(name,) for name in (*TOP, *POLICY)]
    nested = [("fleet", name) for name in FLEET] + [("heartbeat", name) for name in HEARTBEAT_POLICY]
    return {"HOLDFAST_" + "_".join(path).upper(): path for path in [*paths, *nested]}


def nearest_variable(name: str) -> str:
    """The variable that was most likely meant, or ""; the common prefix would make all of them alike."""
    prefix = "HOLDFAST_"
    meant = nearest(name.removeprefix(prefix), [known.removeprefix(prefix) for known in of_variables()])
    return prefix + meant if meant else ""


def at(path: tuple[str, ...]) -> Key:
    """The key at a path such as ("grace",), ("heartbeat", "timeout") or ("fleet", "start_burst")."""
    match path:
        case ("fleet", name):
            return FLEET[name]
        case ("heartbeat", name):
            return HEARTBEAT[name]
        case (name,):
            return {**TOP, **AGENT, **POLICY}[name]
        case _:
            raise KeyError(path)
