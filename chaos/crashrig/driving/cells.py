"""From scenarios, subjects and configurations to cells: what is to run, how fast, and what cannot and why."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import msgspec

from crashrig.driving.host import refusal
from crashrig.results import CellKey, CellResult
from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crashrig.driving.config_choice import ConfigChoice
    from crashrig.driving.subject_choice import SubjectChoice
    from crashrig.reading.scenario_file import LoadedScenario
    from crashrig.scenario import Scenario


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One cell to be run. `settled` is its result already, when it cannot run."""

    key: CellKey
    subject: SubjectChoice
    scenario: Scenario
    config: ConfigChoice
    pace: float
    settled: CellResult | None = None

    @property
    def directory(self) -> str:
        """Where its results go, below the run's directory."""
        parts = [self.key.scenario.strip("/").replace("..", "_")]
        if self.key.config:
            parts.append(self.key.config)
        if self.key.seed != 1:
            parts.append(f"seed{self.key.seed}")
        if self.key.repetition != 1:
            parts.append(f"n{self.key.repetition}")
        return f"{self.key.subject.strip('/').replace('/', '_')}/{'.'.join(parts)}"

    def result(self, verdict: Verdict, reason: str) -> CellResult:
        """A result of this cell in which nothing was judged."""
        return self.complete(CellResult(key=self.key, verdict=verdict, reason=reason, pace=self.pace))

    def complete(self, result: CellResult) -> CellResult:
        """Add what the scenario says of itself."""
        return msgspec.structs.replace(
            result, title=self.scenario.title, level=self.scenario.level, promises=self.scenario.promises
        )


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked for: everything that multiplies."""

    scenarios: Sequence[LoadedScenario]
    subjects: Sequence[SubjectChoice]
    configs: Sequence[ConfigChoice]
    seed: int = 1
    repeat: int = 1
    pace: float = 20.0
    strict: bool = False


def expand(wanted: Wanted) -> list[Cell]:
    """All cells, those of one subject together, in order of scenario, configuration and repetition."""
    return list(_cells(wanted))


def _cells(wanted: Wanted) -> Iterator[Cell]:
    for subject in wanted.subjects:
        for loaded in wanted.scenarios:
            for config in wanted.configs:
                for repetition in range(1, wanted.repeat + 1):
                    yield _cell(wanted, subject, loaded, config, repetition)


def _cell(
    wanted: Wanted, subject: SubjectChoice, loaded: LoadedScenario, config: ConfigChoice, repetition: int
) -> Cell:
    scenario = config.applied_to(loaded.scenario)
    if wanted.strict and scenario.level == "should":
        scenario = msgspec.structs.replace(scenario, level="must")
    key = CellKey(
        scenario=loaded.id,
        subject=subject.record.name,
        config=config.name,
        seed=wanted.seed,
        repetition=repetition,
    )
    pace = effective_pace(wanted.pace, scenario, subject)
    cell = Cell(key=key, subject=subject, scenario=scenario, config=config, pace=pace)
    verdict, reason = _obstacle(cell)
    return msgspec.structs.replace(cell, settled=cell.result(verdict, reason)) if reason else cell


def effective_pace(wanted: float, scenario: Scenario, subject: SubjectChoice) -> float:
    """The fastest pace that the user, the scenario and the subject all allow; virtual time needs none."""
    if subject.simulated:
        return 1.0
    limits = [wanted, scenario.pace, subject.record.max_pace]
    return min(limit for limit in limits if limit)


def _obstacle(cell: Cell) -> tuple[Verdict, str]:
    """Why a cell cannot run, and what that makes of it; no reason when it can."""
    record = cell.subject.record
    if record.unavailable:
        return Verdict.SKIPPED, record.unavailable
    lacking = [need for need in cell.scenario.needs if need not in record.capabilities]
    if lacking:
        return Verdict.UNSUPPORTED, f"{record.name} lacks {', '.join(lacking)}"
    mode = "simulated" if cell.subject.simulated else "real"
    if mode not in cell.scenario.modes:
        return Verdict.SKIPPED, f"the scenario runs only {' and '.join(cell.scenario.modes)}"
    if not cell.subject.simulated and (refused := refusal(cell.scenario.budget)):
        return Verdict.SKIPPED, refused
    return Verdict.PASSED, ""


def shard(cells: Sequence[Cell], index: int, count: int) -> list[Cell]:
    """The `index`-th of `count` parts, counted from 1.

    A cell's part depends on its name alone, so that adding a scenario moves no other one.
    """
    return [cell for cell in cells if zlib.crc32(str(cell.key).encode()) % count == index - 1]
