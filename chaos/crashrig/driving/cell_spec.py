"""What the runner tells a cell process, as a file: which scenario on which subject, where, how fast, seen by what.

Also the names of the files in a cell's directory.
"""

from __future__ import annotations

import msgspec

from crashrig.results import CellKey

HISTORY = "history.jsonl"
RESULT = "result.json"
SUPERVISOR_LOG = "supervisor.log"
LOG = "cell.log"
SPEC = "spec.json"


class CellSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One real cell. All paths are absolute.

    `subject` is how the registry knows it; `key.subject` is how reports call it. `scenario` is the frozen
    scenario, `directory` where the results go, `scratch` the short private directory that the reaper has made.
    `group` are the directories of the control group to join. `pace` is the effective one.
    """

    key: CellKey
    subject: str
    subject_version: str = ""
    scenario: str
    directory: str
    scratch: str
    group: dict[str, str] = {}
    pace: float
    observer: str
    override: str = ""
