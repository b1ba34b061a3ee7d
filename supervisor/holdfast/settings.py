"""What a supervisor run is made of, as frozen records: every agent's command and surroundings, and the policies.

`config` makes these from TOML, environment and flags; the loop only reads them. Nothing here decides anything.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from holdfast.policy import AgentPolicy, FleetPolicy


class BeatSource(StrEnum):
    """Where an agent's signs of life come from (HB-1)."""

    FILE = "file"
    NOTIFY = "notify"
    OUTPUT = "output"


class BeatFormat(StrEnum):
    """How a heartbeat file says its time (HB-1); `auto` takes JSON or ISO-8601 text, whichever is there."""

    AUTO = "auto"
    ISO = "iso"
    JSON = "json"
    MTIME = "mtime"


class Containment(StrEnum):
    """How the processes of an agent are held together; `auto` takes a cgroup where one can be had."""

    AUTO = "auto"
    CGROUP = "cgroup"
    WALK = "walk"


@dataclass(frozen=True, slots=True)
class HeartbeatSettings:
    """Where to look for beats; `path` is absolute and only for a file. How long to wait is in the policy."""

    source: BeatSource
    path: str = ""
    format: BeatFormat = BeatFormat.AUTO


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """One agent: what to run, where, with what around it.

    `command` is passed to the kernel as it is; a name without a slash is looked up in the agent's PATH.
    `environment` is added to the supervisor's own. `log` is "inherit", "null" or an absolute path to append to.
    """

    name: str
    command: tuple[str, ...]
    directory: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    user: str = ""
    log: str = "inherit"
    heartbeat: HeartbeatSettings | None = None
    policy: AgentPolicy = field(default_factory=AgentPolicy)


@dataclass(frozen=True, slots=True)
class Settings:
    """One supervisor run; `source` is the file it came from, for messages, or "" for a command line."""

    agents: tuple[AgentSettings, ...]
    state_directory: str
    fleet: FleetPolicy = field(default_factory=FleetPolicy)
    containment: Containment = Containment.AUTO
    source: str = ""
