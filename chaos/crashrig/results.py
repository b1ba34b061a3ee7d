"""What a run leaves behind as data: the cells that ran, their results, the host they ran on.

Data only: `runner` fills it, `report/` shows it, `run.json` is its file.
"""

from __future__ import annotations

import msgspec

from crashrig.verdict import Result, Verdict

FORMAT = 1


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """The machine a run ran on, as far as it explains results."""

    kernel: str = ""
    machine: str = ""
    python: str = ""
    processors: int = 0
    memory: int = 0
    user: str = ""
    containment: str = ""
    observation: str = ""


class SubjectRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A supervisor as it was found; `unavailable` says why it could not run, empty when it could.

    `beside` is whether it ran only to compare with: its failures do not decide over the run.
    """

    name: str
    version: str = ""
    capabilities: list[str] = []
    max_pace: float = 0.0
    unavailable: str = ""
    remarks: str = ""
    beside: bool = False


class CellKey(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a cell itself: scenario × subject × configuration × seed × repetition."""

    scenario: str
    subject: str
    config: str = ""
    seed: int = 1
    repetition: int = 1

    def __str__(self) -> str:
        text = f"{self.scenario}[{self.subject}"
        if self.config:
            text += f":{self.config}"
        if self.seed != 1:
            text += f",seed={self.seed}"
        if self.repetition != 1:
            text += f",#{self.repetition}"
        return text + "]"


class CellResult(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How one cell ended. `directory` is relative to the run's; `seconds` is real time.

    `survivors` is what still lived after the supervisor had ended, which `unchanged = "host"` judges; `leftovers`
    is what the rig could not remove, which is an error.
    """

    key: CellKey
    verdict: Verdict
    reason: str = ""
    title: str = ""
    level: str = "must"
    promises: list[str] = []
    results: list[Result] = []
    pace: float = 1.0
    seconds: float = 0.0
    noise: float = 0.0
    directory: str = ""
    survivors: list[str] = []
    leftovers: list[str] = []
    reproduce: str = ""
    warnings: list[str] = []
    beside: bool = False


class Run(msgspec.Struct, kw_only=True):
    """One run of the rig: the content of run.json."""

    format: int = FORMAT
    id: str
    version: str
    argv: list[str]
    started: str
    seconds: float = 0.0
    verdict: Verdict = Verdict.SKIPPED
    exit_code: int = 0
    host: Host = msgspec.field(default_factory=Host)
    subjects: list[SubjectRecord] = []
    cells: list[CellResult] = []
    warnings: list[str] = []
    interrupted: bool = False
