"""What a run says on stderr: in a log, on a terminal, and to GitHub."""

from __future__ import annotations

import errno
import io
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from report_samples import HOSTILE, sample_run

from crashrig.report import github
from crashrig.report.console import Console
from crashrig.results import Run
from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from crashrig.results import CellResult


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that a test moves on."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def told(run: Run, stream: io.StringIO, clock: Clock | None = None, pause: float = 0.0) -> str:
    clock = clock or Clock()
    console = Console(stream, clock)
    console.started(run, len(run.cells))
    for cell in run.cells:
        console.cell_started(cell.key)
        clock.now += pause
        console.cell_finished(cell)
    console.finished(run, Path("reports/now"))
    return stream.getvalue()


class Gone(Terminal):
    """A terminal whose window is closed after a few words, or a pipe whose reader has left."""

    patience = 3

    def write(self, text: str) -> int:
        self.patience -= 1
        if self.patience < 0:
            raise OSError(errno.EIO, "Input/output error")
        return super().write(text)

    def flush(self) -> None:
        if self.patience < 0:
            raise BrokenPipeError


def without(run: Run, *verdicts: Verdict) -> Run:
    run.cells = [cell for cell in run.cells if cell.verdict not in verdicts]
    return run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return sample_run(tmp_path)


def test_the_last_line_of_a_failed_run_reproduces_it(run: Run) -> None:
    lines = told(run, io.StringIO()).splitlines()
    assert lines[-1] == "crashrig reproduce reports/latest 'stop/slow_term[leaves-trees]'"


def test_a_run_that_passed_ends_with_where_the_report_is(run: Run) -> None:
    run.cells = [cell for cell in run.cells if cell.key.subject == "holdfast"]
    lines = told(run, io.StringIO()).splitlines()
    assert lines[-1] == "45 cells in 83.4 s; report: reports/now/index.html"
    assert "✓ holdfast 0.1.0  passed all 45" in lines


def test_a_log_has_one_line_for_each_cell_that_is_no_plain_pass(run: Run) -> None:
    text = told(run, io.StringIO())
    progress = text.split("\n\n")[0].splitlines()[2:]
    noteworthy = [cell for cell in run.cells if cell.verdict not in (Verdict.PASSED, Verdict.UNSUPPORTED)]
    assert len(progress) == len(noteworthy)
    assert "✗ failed  tree/own_session[supervisord]  left 4 processes of dead runs alive" in progress


def test_a_log_counts_every_so_often(run: Run) -> None:
    run.cells = [cell for cell in run.cells if cell.key.subject == "holdfast"]
    text = told(run, io.StringIO(), pause=1.0)
    assert re.findall(r"^\d+ of 45 cells done: .*$", text, re.MULTILINE) == [
        "20 of 45 cells done: 20 passed",
        "40 of 45 cells done: 40 passed",
    ]


def test_no_control_character_reaches_a_log_or_a_terminal(run: Run) -> None:
    assert HOSTILE not in told(run, io.StringIO())
    assert "\x1b" not in told(run, io.StringIO())
    assert "\x1b[2J" not in told(run, Terminal())


def test_a_log_does_not_load_rich(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    assert told(run, io.StringIO())


def test_a_terminal_has_colours_and_takes_its_live_line_away(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    text = told(run, Terminal())
    assert "\x1b[1;31m" in text
    assert text.rindex("\x1b[?25h") < text.index("Required"), "the cursor is back before the closing words"


def test_no_color_is_respected(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[0-9;]*3\d(;|m)", told(run, Terminal()))


def test_a_dumb_terminal_is_a_log(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in told(run, Terminal())


def test_equal_causes_are_told_once_with_the_others_named(run: Run) -> None:
    text = told(without(run, Verdict.ERROR), io.StringIO())
    assert text.count("  Observed  left 4 processes of dead runs alive") == 2, "once for each subject"
    assert "  Likewise  tree/own_session, tree/double_fork" in text


def test_a_run_of_nothing_says_so() -> None:
    run = Run(id="1", version="0", argv=[], started="")
    assert "Nothing ran." in told(run, io.StringIO())


def test_closing_twice_is_safe(run: Run) -> None:
    console = Console(Terminal())
    console.started(run, 3)
    console.close()
    console.close()


def failed(run: Run, count: int) -> list[CellResult]:
    bad = next(cell for cell in run.cells if cell.verdict is Verdict.FAILED)
    return [bad] * count


def test_github_is_told_nine_and_how_many_more(run: Run) -> None:
    run.cells = failed(run, 12)
    lines = github.workflow_commands(run)
    assert len(lines) == 10
    assert lines[-1] == "::error title=crashrig::3 more; the summary has them all"


def test_nine_failures_need_no_tenth_annotation(run: Run) -> None:
    run.cells = failed(run, 9)
    assert len(github.workflow_commands(run)) == 9


def test_an_annotation_points_at_the_scenario_file_where_there_is_one(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios" / "giveup").mkdir(parents=True)
    (tmp_path / "scenarios" / "giveup" / "after_six.toml").touch()
    run.cells = [cell for cell in run.cells if cell.verdict is Verdict.FAILED][:2]
    first, second = github.workflow_commands(run)
    assert first.startswith(
        "::error file=scenarios/giveup/after_six.toml,title=giveup/after_six[supervisord]::After six"
    )
    assert second.startswith("::error title=")


def test_hostile_text_gives_github_no_orders(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for line in github.workflow_commands(run):
        assert line.startswith("::error title=")
        assert "\n" not in line
        assert "%0A" not in line
        parameters = line.removeprefix("::error ").split("::", 1)[0]
        assert parameters.count(":") == parameters.count(",") == 0


def test_github_gets_the_summary_and_the_reproduce_line_stays_last(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "step.md"))
    (tmp_path / "step.md").write_text("before\n")
    text = told(run, io.StringIO())
    assert text.count("\n::error ") == 10
    assert text.splitlines()[-1].startswith("crashrig reproduce")
    assert (tmp_path / "step.md").read_text().startswith("before\n# ! ")


def test_elsewhere_nothing_is_said_to_github(run: Run) -> None:
    stream = io.StringIO()
    github.publish(run, stream, {})
    assert stream.getvalue() == ""


def test_a_short_run_has_a_line_for_every_scenario(tmp_path: Path) -> None:
    text = told(sample_run(tmp_path, scenarios=6, hostile=False), io.StringIO())
    assert "  crash_by_code            ✓ 1.026 s     ✓ 1.013 s     ✓ 1.025 s     ✓ 1.024 s" in text.splitlines()
    assert "      supervisord: supervisord has no fatal-codes" in text.splitlines()


def test_many_warnings_are_counted(run: Run) -> None:
    run.warnings = ["odd"] * 20
    text = told(run, io.StringIO())
    assert text.count("\nwarning: odd") == 8
    assert "and 12 more warnings, in the report" in text


def test_a_run_in_which_only_what_may_fail_has_failed_did_not_fail(run: Run) -> None:
    run.verdict = Verdict.PASSED
    assert told(run, io.StringIO()).splitlines()[-1].endswith("report: reports/now/index.html")


@pytest.mark.parametrize("github_actions", ["", "true"])
def test_whoever_stops_listening_does_not_end_the_run(
    run: Run, monkeypatch: pytest.MonkeyPatch, github_actions: str
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", github_actions)
    told(run, Gone())
    plain = Gone()
    monkeypatch.setattr(plain, "isatty", lambda: False)
    assert told(run, plain).startswith("crashrig ")


def test_a_run_needs_no_standard_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    console = Console()
    console.started(run, len(run.cells))
    console.finished(run, None)
