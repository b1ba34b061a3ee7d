"""What a scenario says: frozen records with nominal times in seconds, as `scenario_file` reads them from TOML.

Data only. The verbs of a behaviour are described in `agents/behaviours/`, one file each; conditions and moments
are text here and are compiled by `condition`; durations and sizes are those of `quantities`. Field names are the
keys of the file format; docstrings are the descriptions in the published JSON Schema.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from crashrig.quantities import Duration, Size, Window


class Budget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The blast radius: the sandbox holds it, and the runner refuses a host that cannot."""

    memory: Size = msgspec.field(default_factory=lambda: Size(256 * 2**20))
    processes: Annotated[int, Meta(ge=1, le=10000)] = 32
    disk: Size = msgspec.field(default_factory=lambda: Size(64 * 2**20))


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is wanted of the supervisor, in no supervisor's own words; each subject translates it.

    A key that is not written has the value here, which each subject is given as well: a scenario depends on
    nothing unsaid.
    """

    restart: Literal["on-failure", "always", "never"] = "on-failure"
    clean_codes: list[int] = msgspec.field(default_factory=lambda: [0, 143])
    fatal_codes: list[int] = msgspec.field(default_factory=lambda: [100])
    restart_codes: list[int] = []
    backoff: list[Duration] | None = None
    backoff_initial: Duration | None = None
    backoff_multiplier: Annotated[float, Meta(ge=1.0)] | None = None
    backoff_max: Duration | None = None
    jitter: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.0
    stable_after: Duration = msgspec.field(default_factory=lambda: Duration(300.0))
    max_restarts: Annotated[int, Meta(ge=0)] = 6
    burst: Annotated[int, Meta(ge=1)] | None = None
    window: Duration | None = None
    grace: Duration = msgspec.field(default_factory=lambda: Duration(10.0))
    running_after: Duration = msgspec.field(default_factory=lambda: Duration(1.0))
    heartbeat_timeout: Duration | None = None
    startup_grace: Duration | None = None


class Agent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One fake agent: what it does at every start (`behaviour`) or at the n-th (`starts`, the last repeats)."""

    behaviour: list[dict[str, Any]] = []
    starts: list[list[dict[str, Any]]] = []
    heartbeat: Literal["file", "notify", "output"] = "file"
    heartbeat_format: Literal["iso", "json", "mtime"] = "json"
    broken: Literal["missing", "not-executable", "bad-interpreter", "missing-directory", "unknown-user"] | None = None
    after: list[str] = []
    policy: Policy | None = None
    count: Annotated[int, Meta(ge=1, le=1000)] = 1
    lifetime: Duration | None = None


class Kill(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Send a signal from outside: to an agent's first process, to its whole tree, or to the supervisor."""

    target: str
    signal: str = "SIGKILL"
    scope: Literal["leader", "tree"] = "leader"


class Freeze(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """SIGSTOP an agent (leader or tree) or the supervisor; SIGCONT after `for`, or never without it."""

    target: str
    for_: Duration | None = msgspec.field(name="for", default=None)
    scope: Literal["leader", "tree"] = "leader"


class Tamper(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Write something into an agent's heartbeat file from outside, or remove the file."""

    target: str
    content: Literal["delete", "empty", "truncated", "binary", "stale", "future", "foreign", "touch"]


class Operator(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Give the supervisor an operator's command by its own means."""

    command: Literal["start", "stop", "restart", "shutdown"]
    target: str = ""


class Second(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Start the supervisor a second time, on the same configuration; it is killed after `for` if it still lives."""

    for_: Duration = msgspec.field(name="for", default_factory=lambda: Duration(10.0))


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One injection: when, and exactly one of the kinds. Every injection is proven from outside (CHS-3)."""

    when: str
    kill: Kill | None = None
    freeze: Freeze | None = None
    tamper: Tamper | None = None
    operator: Operator | None = None
    second: Second | None = None

    @property
    def kind(self) -> str:
        """The key of the injection, one of FAULT_KINDS."""
        return next(name for name in FAULT_KINDS if getattr(self, name) is not None)

    @property
    def lasts(self) -> bool:
        """Whether it goes on for a while and is lifted then."""
        return self.second is not None or (self.freeze is not None and self.freeze.for_ is not None)


FAULT_KINDS = ("kill", "freeze", "tamper", "operator", "second")


class Expect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One expectation: exactly one operator, and the modifiers that belong to it.

    always / never C            C holds (never holds) at every moment of the window; `grace` forgives that long
    eventually C                C becomes true within `within` (a duration or [lo, hi]) of `after`
    stays C, for D              from `after` (plus `grace` to get there) on, C holds without a break for D
    count E, min, max           that many of the events E lie in the window
    gaps "E1 -> E2", are [...]  from each E1 to the next E2 it takes the n-th duration; the last may repeat
    order [E1, E2, ...]         each happens, and in this order
    unchanged "host"            the host after the cell is as it was before
    sometimes C                 C is true at least once over a suite or a set of seeds
    """

    name: str = ""
    promise: str = ""
    always: str | None = None
    never: str | None = None
    eventually: str | None = None
    stays: str | None = None
    count: str | None = None
    gaps: str | None = None
    order: list[str] | None = None
    unchanged: Literal["host"] | None = None
    sometimes: str | None = None
    after: str | None = None
    until: str | None = None
    within: Window | None = None
    for_: Duration | None = msgspec.field(name="for", default=None)
    grace: Duration | None = None
    min: int | None = None
    max: int | None = None
    are: list[Duration] | None = None
    tolerance: Duration | None = None

    @property
    def operator(self) -> str:
        """Which operator this is."""
        return next(name for name in OPERATORS if getattr(self, name) is not None)


OPERATORS = ("always", "never", "eventually", "stays", "count", "gaps", "order", "unchanged", "sometimes")


class Recover(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Once the last fault is lifted: `steady` is true within `within`, and then without a break for `for`."""

    steady: str
    within: Duration
    for_: Duration = msgspec.field(name="for", default_factory=lambda: Duration(10.0))


class ExpectedFailure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A known gap: this subject fails this scenario, for this reason; a pass is then reported as a failure."""

    subject: str
    reason: str


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One scenario file. `pace` is the fastest pace at which its bounds still tell right from wrong."""

    title: str
    promises: list[str]
    agents: dict[str, Agent]
    expect: list[Expect]
    timeout: Duration
    description: str = ""
    level: Literal["must", "should", "may"] = "must"
    needs: list[str] = []
    tags: list[str] = []
    modes: list[Literal["simulated", "real"]] = msgspec.field(default_factory=lambda: ["simulated", "real"])
    pace: Annotated[float, Meta(ge=1.0)] | None = None
    budget: Budget = msgspec.field(default_factory=Budget)
    policy: Policy = msgspec.field(default_factory=Policy)
    fault: list[Fault] = []
    recover: Recover | None = None
    xfail: list[ExpectedFailure] = []
