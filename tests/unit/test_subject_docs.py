"""docs/subjects.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from crashrig.scenario import Policy
from crashrig.subjects import registry
from crashrig.subjects.protocol import CAPABILITIES, AgentJob, Job

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "subjects.md").read_text()
FAULT = re.compile(r"FAULT \(([A-Z0-9, -]+)\)")


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, header first."""
    below = PAGE.split(f"\n{heading}\n", 1)[1]
    lines = re.search(r"(^\|.*\|\n)+", below, re.MULTILINE)
    assert lines is not None
    table = [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines[0].splitlines()]
    return [table[0], *table[2:]]


def test_every_subject_is_listed() -> None:
    assert [row[0] for row in rows("## The subjects that come with crashrig")[1:]] == registry.names()


def test_the_capabilities_are_those_of_the_code() -> None:
    header, *table = rows("## Capabilities")
    assert {row[0]: row[1] for row in table} == CAPABILITIES
    for column, subjects in enumerate(header[2:], start=2):
        told = [row[0] for row in table if row[column] == "yes"]
        for name in subjects.split(", "):
            claimed = registry.open_subject(name).describe().capabilities
            assert told == [word for word in CAPABILITIES if word in claimed], name
            assert len(claimed) == len(set(claimed))


def test_the_render_message_has_every_key_of_a_job() -> None:
    message = re.search(r'^\{"do": "render".*?\}\]\}\}', PAGE, re.MULTILINE | re.DOTALL)
    assert message is not None
    job = msgspec.json.decode(message[0])["job"]
    assert sorted(job) == sorted(Job.__struct_fields__)
    assert sorted(job["agents"][0]) == sorted(AgentJob.__struct_fields__)
    assert sorted(job["agents"][0]["policy"]) == sorted(Policy.__struct_fields__)
    msgspec.convert(job["agents"][0] | {"policy": {}}, AgentJob)


def test_every_fault_is_in_the_table_and_marked_in_its_source() -> None:
    table = rows("## The faulty ones")[1:]
    sources = {"shell": "autopilot.sh", "Python": "external.py"}
    for which, source in sources.items():
        text = (ROOT / "chaos/crashrig/subjects/faulty" / source).read_text()
        marked = {promise for fault in FAULT.findall(text) for promise in fault.split(", ")}
        told = {promise for row in table if row[2] in (which, "both") for promise in row[1].split(", ")}
        assert marked == told, which
