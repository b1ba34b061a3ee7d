"""docs/results.md names every field of the files of a run, in the section of its file."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from crashrig.history import Footer, Header, Observation
from crashrig.report import events
from crashrig.results import CellKey, CellResult, Host, Run, SubjectRecord
from crashrig.verdict import Result

PAGE = Path(__file__).parents[2] / "docs" / "results.md"

RECORDS = {
    "run.json": (Run, Host, SubjectRecord, CellKey, CellResult, Result),
    "events.jsonl": (events.Header, events.Event, events.Judged, events.Footer),
    "history.jsonl": (Header, Observation, Footer),
}


def words_in(section: str) -> set[str]:
    """Every word that stands as code in the section of one file."""
    text = PAGE.read_text(encoding="utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return {word for code in re.findall(r"`([^`]+)`", text) for word in re.findall(r"\w+", code)}


@pytest.mark.parametrize(
    ("section", "record"), [(section, record) for section, records in RECORDS.items() for record in records]
)
def test_every_field_is_explained(section: str, record: type[msgspec.Struct]) -> None:
    missing = set(record.__struct_encode_fields__) - words_in(section)
    assert not missing, f"docs/results.md does not explain {missing} of {record.__name__}"
