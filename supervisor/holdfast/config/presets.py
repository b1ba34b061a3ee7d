"""Named sets of numbers to begin with: the lowest layer, which every other one may change (CTL-5).

A preset is written in the words of a configuration file and read by the same reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Preset:
    """`fleet` and `agent` are what the sections [fleet] and [defaults] of a file would say."""

    meaning: str
    agent: Mapping[str, object]
    fleet: Mapping[str, object] = field(default_factory=dict)


AUTOPILOT = Preset(
    meaning="An agent that works alone for days and must never take the computer down.",
    agent={
        "restart": "on-failure",
        "backoff": ["1s", "2s", "4s", "8s", "16s"],
        "stable_after": "5m",
        "max_restarts": 6,
        "grace": "10s",
        "clean_codes": [0, 143],
        "clean_signals": ["SIGTERM"],
        "fatal_codes": [100],
        # ISO 8601 is what such agents write; "auto" reads it, and the JSON of holdfast.Heartbeat too.
        "heartbeat": {"format": "auto", "timeout": "90s"},
    },
    fleet={"fatal_exit": 100},
)

EXTERNAL = Preset(
    meaning="One command on a laptop, left alone: a few more attempts, then an honest exit code.",
    agent={
        "restart": "on-failure",
        "backoff": ["5s"],
        "max_restarts": 3,
        # Every other end is a failure to this preset: it knows no fatal code and no friendly SIGTERM.
        "clean_codes": [0],
        "clean_signals": [],
        "fatal_codes": [],
        "heartbeat": {"format": "json", "timeout": "30s"},
    },
    fleet={"fatal_exit": 1},
)

PRESETS = {"autopilot": AUTOPILOT, "external": EXTERNAL}
