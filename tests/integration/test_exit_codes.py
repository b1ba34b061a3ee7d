"""Every way in which `crashrig run` can end has its own exit code, and says why (CHS-8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from crashrig_samples import CRASHES
from rig_command import RigCommand

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

SIMULATED = ("--subject", "simulated")


@pytest.fixture
def crashrig(tmp_path: Path) -> RigCommand:
    return RigCommand(tmp_path)


def test_0_all_passed(crashrig: RigCommand) -> None:
    assert crashrig.done("run", crashrig.write("a.toml", CRASHES), *SIMULATED).returncode == 0


def test_1_something_failed(crashrig: RigCommand) -> None:
    done = crashrig.done("run", crashrig.write("a.toml", CRASHES.replace("live <= 1", "live <= 0")), *SIMULATED)
    assert done.returncode == 1


def test_what_only_should_be_fails_under_strict(crashrig: RigCommand) -> None:
    text = 'level = "should"\n' + CRASHES.replace("live <= 1", "live <= 0")
    path = crashrig.write("a.toml", text)
    assert crashrig.done("run", path, *SIMULATED).returncode == 0
    assert crashrig.done("run", path, *SIMULATED, "--strict").returncode == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--subject", "holdfats"], "Did you mean 'holdfast'?"),
        (["--subject", "simulated", "--subject", "./no-adapter"], "no-adapter: no such file"),
        (["--subject", "simulated", "--subject", "/bin/false"], "/bin/false: describe: ended with 1"),
        (["--shard", "3/2"], "such as 1/3, found '3/2'"),
        (["--pace", "0"], "0.01<=x<=1000"),
        (["--pase", "2"], "--pace"),
        (["--config", "nothing.toml"], "nothing.toml: expected a configuration that can be read"),
        (["--lf"], "--lf: "),
    ],
)
def test_2_wrong_usage(crashrig: RigCommand, arguments: list[str], said: str) -> None:
    done = crashrig.done("run", crashrig.write("a.toml", CRASHES), *arguments)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert not crashrig.reports.exists()


def test_2_every_wrong_scenario_is_told(crashrig: RigCommand) -> None:
    crashrig.write("s/a.toml", CRASHES.replace("timeout", "timeot"))
    crashrig.write("s/b.toml", CRASHES.replace("promises", "promisses"))
    done = crashrig.done("run", "s")
    assert done.returncode == 2
    assert "a.toml:4" in done.stderr
    assert "b.toml:3" in done.stderr


def test_3_inconclusive(crashrig: RigCommand) -> None:
    fault = '[[fault]]\nwhen = "worker.exit#1 + 100ms"\nkill = { target = "worker" }\n'
    done = crashrig.done("run", crashrig.write("a.toml", CRASHES + fault), *SIMULATED)
    assert done.returncode == 3


def test_4_the_rig_itself_failed(crashrig: RigCommand) -> None:
    done = crashrig.done("run", crashrig.write("a.toml", CRASHES), "--subject", "rig_subjects:Broken")
    assert done.returncode == 4
    assert "a bug in the adapter" in done.stderr


def test_4_reports_cannot_be_written(crashrig: RigCommand) -> None:
    path = crashrig.write("a.toml", CRASHES)
    done = crashrig.done("run", path, *SIMULATED, "--report-dir", f"{path}/reports")
    assert done.returncode == 4
    assert f"could not be carried out or recorded: {path}/reports" in done.stderr
    assert "Not a directory; choose where reports go with --report-dir" in done.stderr


def test_5_nothing_matched(crashrig: RigCommand) -> None:
    assert crashrig.done("run", "no/such/scenario").returncode == 5


def test_5_nothing_ran(crashrig: RigCommand) -> None:
    text = 'modes = ["real"]\n' + CRASHES
    assert crashrig.done("run", crashrig.write("a.toml", text), *SIMULATED).returncode == 5


def test_doctor_says_what_is_here(crashrig: RigCommand) -> None:
    done = crashrig.done("doctor")
    assert done.returncode == 0, done.stdout
    assert "Real cells can be run here." in done.stdout
    assert '"fit": true' in crashrig.done("doctor", "--json").stdout


def test_reproduce_says_what_it_did_not_find(crashrig: RigCommand) -> None:
    done = crashrig.done("reproduce", "nowhere")
    assert done.returncode == 2
    assert "nowhere/cell.json: No such file or directory; expected the repro/ directory of a cell" in done.stderr
