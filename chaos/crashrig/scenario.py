"""What a scenario says: frozen records with nominal times in seconds, as `scenario_file` reads them from TOML.

Data only. The verbs of a behaviour are described in `agents/behaviours/`, one file each; conditions and moments
are text here and are compiled by `condition`. Field names are the keys of the file format; docstrings are the
descriptions in the published JSON Schema.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from crashrig.units import DURATION_PATTERN, SIZE_PATTERN, exact_duration, parse_duration, parse_size


class Duration(float):
    """Seconds; written with a unit: "90s", "5m", "250ms"."""


class Size(int):
    """Bytes; written with a unit: "256MiB"."""


class Window:
    """A stretch of time in seconds, `low` to `high`; written "3s" (from 0) or ["1s", "3s"]."""

    __slots__ = ("high", "low")

    def __init__(self, low: float, high: float) -> None:
        self.low = low
        self.high = high

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Window) and (self.low, self.high) == (other.low, other.high)

    def __hash__(self) -> int:
        return hash((self.low, self.high))

    def __repr__(self) -> str:
        return f"Window({self.low}, {self.high})"


def decode_hook(kind: type, value: object) -> object:
    """Turn text into Duration, Size or Window for msgspec; ValueError carries what was expected."""
    if kind is Duration and isinstance(value, str):
        return Duration(parse_duration(value))
    if kind is Size and isinstance(value, str):
        return Size(parse_size(value))
    if kind is Window:
        return _window(value)
    raise ValueError(f"expected text with a unit, found {value!r}")


def _window(value: object) -> Window:
    match value:
        case str():
            return Window(0.0, parse_duration(value))
        case [str() as low, str() as high]:
            window = Window(parse_duration(low), parse_duration(high))
            if window.low > window.high:
                raise ValueError(f"expected [shortest, longest], found {value!r}: it is the wrong way round")
            return window
        case _:
            raise ValueError(f'expected a duration such as "3s" or a pair such as ["1s", "3s"], found {value!r}')


def encode_hook(value: object) -> object:
    """Turn Duration, Size and Window back into what is written in a file."""
    match value:
        case Duration():
            return exact_duration(value)
        case Size():
            return f"{value:d}B"
        case Window():
            return [exact_duration(value.low), exact_duration(value.high)]
        case _:
            raise NotImplementedError(type(value))


def schema_hook(kind: type) -> dict[str, object]:
    """Describe Duration, Size and Window in a JSON Schema."""
    if kind is Duration:
        return {"type": "string", "pattern": DURATION_PATTERN, "description": 'a duration: "90s", "5m", "250ms"'}
    if kind is Size:
        return {"type": "string", "pattern": SIZE_PATTERN, "description": 'a size: "256MiB"'}
    if kind is Window:
        duration = {"type": "string", "pattern": DURATION_PATTERN}
        pair = {"type": "array", "items": duration, "minItems": 2, "maxItems": 2}
        return {"anyOf": [duration, pair], "description": 'a duration "3s", or a pair ["1s", "3s"]'}
    raise NotImplementedError(kind)


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
