"""run.json, events.jsonl, junit.xml, summary.md and matrix.md of made-up runs, foul text and broken files included."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace
from report_samples import HOSTILE, sample_run

from crashrig.report import events, junit, run_json, summary, write_all
from crashrig.report.files import ReportError
from crashrig.results import CellKey, CellResult, Run
from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    directory = tmp_path_factory.mktemp("run")
    return sample_run(directory), directory


@pytest.fixture
def written(kept: tuple[Run, Path], tmp_path: Path) -> tuple[Run, Path]:
    run, directory = kept
    shutil.copytree(directory, tmp_path, dirs_exist_ok=True)
    return run, tmp_path


def test_all_files_are_written_and_nothing_else(written: tuple[Run, Path]) -> None:
    run, directory = written
    before = {entry.name for entry in directory.iterdir()}
    names = {path.name for path in write_all(run, directory)}
    assert names == {"run.json", "events.jsonl", "junit.xml", "summary.md", "matrix.md", "index.html"}
    assert {entry.name for entry in directory.iterdir()} - before == names


def test_a_run_without_cells_has_every_report(tmp_path: Path) -> None:
    assert len(write_all(Run(id="1", version="0", argv=[], started="never"), tmp_path)) == 6


def test_run_json_reads_back(written: tuple[Run, Path]) -> None:
    run, directory = written
    assert run_json.read_run(run_json.write(run, directory)) == run
    assert run_json.read_run(directory) == run


def test_run_json_holds_what_no_json_can_hold(tmp_path: Path) -> None:
    run = Run(id="1", version="0", argv=["crashrig", "run", "\udcff"], started="")
    assert run_json.read_run(run_json.write(run, tmp_path)).argv[2] == "\\udcff"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "expected the directory of a run"),
        ("{", "not a run, or cut off"),
        ('{"format": 99, "id": "1", "version": "0", "argv": [], "started": ""}', "format 99"),
    ],
)
def test_a_file_that_is_no_run_is_refused(content: str | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(ReportError, match=message):
        run_json.read_run(tmp_path / "run.json")


def test_events_are_merged_in_order_of_time(written: tuple[Run, Path]) -> None:
    run, directory = written
    read = events.read_events(events.write(run, directory))
    times = [event.at for event in read.observations if event.at is not None]
    assert times == sorted(times)
    assert times[0] >= 2.0, "cells started two seconds after the run"
    assert all(event.at is None for event in read.observations if "[simulated]" in event.cell)
    assert [judged.cell for judged in read.verdicts] == [str(cell.key) for cell in run.cells]
    assert read.footer.verdict is run.verdict


def test_every_observation_is_in_events_and_what_is_missing_is_said(written: tuple[Run, Path]) -> None:
    run, directory = written
    read = events.read_events(events.write(run, directory))
    problems = {judged.cell: judged.history for judged in read.verdicts if judged.history}
    assert "cut off" in problems["stop/slow_term[leaves-trees]"]
    assert "No such file" in problems["stop/stopped_agent[leaves-trees]"]
    assert [event for event in read.observations if event.cell == "stop/slow_term[leaves-trees]"]


@pytest.mark.parametrize("cut", [1, 40, 4000])
def test_events_without_a_footer_are_an_error(cut: int, written: tuple[Run, Path]) -> None:
    path = events.write(*written)
    path.write_bytes(path.read_bytes()[: -cut - 1])
    with pytest.raises(ReportError, match="cut off"):
        events.read_events(path)


def test_events_with_a_line_lost_in_the_middle_are_an_error(written: tuple[Run, Path]) -> None:
    path = events.write(*written)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:5] + lines[6:]))
    with pytest.raises(ReportError, match="no footer that counts"):
        events.read_events(path)


_ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
    "testcase": {"name", "classname", "time"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"type", "message"},
    "property": {"name", "value"},
    "properties": set(),
    "system-out": set(),
}
_CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "testcase": {"failure", "error", "skipped", "system-out"},
    "properties": {"property"},
}


def test_junit_keeps_to_the_xunit2_schema(written: tuple[Run, Path]) -> None:
    root = ET.parse(junit.write(*written)).getroot()
    for element in root.iter():
        assert set(element.attrib) <= _ATTRIBUTES[element.tag]
        assert {child.tag for child in element} <= _CHILDREN.get(element.tag, set())


def test_junit_counts_what_it_holds(written: tuple[Run, Path]) -> None:
    root = ET.parse(junit.write(*written)).getroot()
    assert [suite.get("name") for suite in root] == ["simulated", "holdfast", "supervisord", "leaves-trees"]
    for suite in root:
        assert suite.get("tests") == str(len(suite.findall("testcase")))
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert suite.get(attribute) == str(len(suite.findall(f"testcase/{tag}")))


def test_a_junit_failure_starts_with_what_was_broken_and_how_to_see_it_again(written: tuple[Run, Path]) -> None:
    root = ET.parse(junit.write(*written)).getroot()
    case = root.find("testsuite[@name='supervisord']/testcase[@name='tree/own_session']")
    assert case is not None
    assert case.get("classname") == "supervisord.tree"
    failure = case.find("failure")
    assert failure is not None
    first = (failure.text or "").splitlines()[0]
    assert first == failure.get("message")
    assert first.startswith("never worker.orphans > 0 after worker.exit")
    assert "left 4 processes of dead runs alive" in first
    assert first.endswith("| reproduce: crashrig reproduce reports/latest 'tree/own_session[supervisord]'")
    properties = {p.get("name"): p.get("value") for p in root.iterfind("testsuite[@name='supervisord']//property")}
    assert properties["tree/own_session[supervisord] pace"] == "10"
    assert float(str(properties["tree/own_session[supervisord] margin 3"]).split()[0]) < 0


def test_junit_says_why_something_was_not_run(written: tuple[Run, Path]) -> None:
    root = ET.parse(junit.write(*written)).getroot()
    messages = {case.get("name"): one.get("message") for case in root.iter("testcase") for one in case.iter("skipped")}
    assert messages["hang/no_beat"] == "unsupported: supervisord has no heartbeat-file"
    assert messages["restart/missing_command"] == "skipped: needs another user, and this is not root"


def test_seeds_and_repetitions_have_names_of_their_own(tmp_path: Path) -> None:
    keys = [CellKey(scenario="a/x", subject="h", seed=seed, repetition=n) for seed in (1, 2) for n in (1, 2)]
    run = Run(id="1", version="0", argv=[], started="", cells=[CellResult(key=k, verdict=Verdict.PASSED) for k in keys])
    names = [case.get("name") for case in ET.parse(junit.write(run, tmp_path)).iter("testcase")]
    assert names == ["a/x", "a/x[#2]", "a/x[seed=2]", "a/x[seed=2,#2]"]


def test_the_summary_stays_under_the_limit_and_says_what_it_left_out(tmp_path: Path) -> None:
    run = sample_run(tmp_path, scenarios=2, hostile=False)
    bad = replace(run.cells[0], verdict=Verdict.FAILED, reason="é" * 900, results=[], title="é" * 280)
    run.cells += [bad] * 800
    text = summary.summary(run)
    assert len(text.encode()) < 2**20
    assert "more sections left out" in text
    assert text.startswith("# "), "the verdict comes first"


def test_hostile_text_is_no_markup_in_markdown(written: tuple[Run, Path]) -> None:
    run, _ = written
    for text in (summary.summary(run), summary.matrix(run)):
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "\n</script><script>" not in text
        assert "\\<script\\>" in text


def test_the_matrix_has_a_row_for_every_scenario_and_words_in_every_square(written: tuple[Run, Path]) -> None:
    run, _ = written
    text = summary.matrix(run)
    assert text.count("| must |") + text.count("| should |") == 45
    assert "✗ failed: left 4 processes of dead runs alive" in text
    assert HOSTILE not in text
