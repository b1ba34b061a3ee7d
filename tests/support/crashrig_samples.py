"""Small scenarios, cells and subjects for tests of the rig."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crashrig.driving.cells import Cell
from crashrig.driving.config_choice import ConfigChoice
from crashrig.driving.subject_choice import SubjectChoice
from crashrig.reading.scenario_file import LoadedScenario, parse_scenario
from crashrig.results import CellKey, SubjectRecord
from crashrig.scenario import Scenario
from crashrig.subjects.protocol import CAPABILITIES

CRASHES = """
title = "A crash is followed by a restart"
promises = ["RST-1"]
timeout = "60s"
[policy]
backoff = ["1s"]
[agents.worker]
behaviour = [{ wait = "4s" }, { exit = 3 }]
[[expect]]
eventually = "worker.starts >= 2"
[[expect]]
always = "worker.live <= 1"
"""


def scenario(text: str = CRASHES) -> Scenario:
    """A scenario from its text."""
    return parse_scenario(text, "test.toml")


def loaded(id_: str = "test/crashes", text: str = CRASHES) -> LoadedScenario:
    """A scenario as the library finds it."""
    return LoadedScenario(id=id_, path=Path(id_), scenario=scenario(text), text=text, digest="")


def subject(name: str = "holdfast", **more: Any) -> SubjectChoice:
    """A subject that can do everything, unless told otherwise."""
    fields = {"name": name, "version": "1", "capabilities": list(CAPABILITIES), "max_pace": 1000.0, **more}
    return SubjectChoice(name=name, record=SubjectRecord(**fields))


def cell(text: str = CRASHES, subject_name: str = "holdfast", pace: float = 20.0, id_: str = "test/crashes") -> Cell:
    """One cell that can be run."""
    key = CellKey(scenario=id_, subject=subject_name)
    return Cell(key=key, subject=subject(subject_name), scenario=scenario(text), config=ConfigChoice(), pace=pace)
