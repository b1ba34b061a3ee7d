"""crashrig report: finds a stored run and writes its reports again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from report_samples import sample_run

from crashrig.commands.report import command
from crashrig.report import run_json

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    directory = tmp_path / "reports" / "20261121T005700Z-3f9c"
    directory.mkdir(parents=True)
    run_json.write(sample_run(directory, scenarios=2, hostile=False), directory)
    (tmp_path / "reports" / "latest").symlink_to(directory.name)
    return tmp_path / "reports"


def call(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


@pytest.mark.parametrize("name", ["latest", "20261121T005700Z-3f9c", None])
def test_a_run_is_found_by_its_name_or_is_the_latest(name: str | None, reports: Path) -> None:
    result = call("--report-dir", reports, *([name] if name else []))
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        str(reports / (name or "latest") / file)
        for file in ("run.json", "events.jsonl", "junit.xml", "summary.md", "matrix.md", "index.html")
    ]
    assert (reports / "latest" / "index.html").exists()


@pytest.mark.parametrize("file", ["", "run.json"])
def test_a_run_is_found_by_its_path(file: str, reports: Path) -> None:
    assert call(reports / "latest" / file).exit_code == 0


def test_a_run_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    result = call("--report-dir", tmp_path)
    assert result.exit_code == 2
    assert "expected the directory of a run" in result.stderr


def test_a_cut_off_run_is_a_usage_error(reports: Path) -> None:
    (reports / "latest" / "run.json").write_text('{"id":')
    result = call("--report-dir", reports)
    assert result.exit_code == 2
    assert "cut off" in result.stderr


def test_github_is_told_again(reports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "step.md"))
    assert call("--report-dir", reports).exit_code == 0
    assert (tmp_path / "step.md").read_text().startswith("# ")
