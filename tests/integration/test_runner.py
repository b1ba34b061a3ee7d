"""A whole run: what it leaves in its directory, what multiplies, and what is left when somebody is killed (CHS-4)."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest
from crashrig_samples import CRASHES
from rig_command import RigCommand
from running import until

from crashrig import proc

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.real

ENDLESS = """
title = "It goes on for a minute"
promises = []
timeout = "60s"
pace = 1.0
[agents.worker]
behaviour = [{ spawn = "setsid" }, { spawn = "daemon" }, { wait = "1h" }]
[[expect]]
stays = "worker.live == 1"
after = "worker.start#1"
for = "50s"
"""
GONE_SECONDS = 5.0


@pytest.fixture
def crashrig(tmp_path: Path) -> RigCommand:
    return RigCommand(tmp_path)


def record(crashrig: RigCommand) -> dict[str, object]:
    found: dict[str, object] = json.loads((crashrig.reports / "latest" / "run.json").read_text())
    return found


def test_a_run_simulated_and_real(crashrig: RigCommand) -> None:
    path = crashrig.write("crashes.toml", CRASHES)
    done = crashrig.done("run", path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    run = record(crashrig)
    assert (run["verdict"], run["exit_code"]) == ("passed", 0)
    assert [cell["key"]["subject"] for cell in run["cells"]] == ["simulated", "holdfast"]  # type: ignore[attr-defined]
    latest = crashrig.reports / "latest"
    assert latest.is_symlink()
    for name in ("run.json", "events.jsonl", "junit.xml", "summary.md", "index.html"):
        assert (latest / name).stat().st_size
    assert crashrig.left(str(run["id"]).rpartition("-")[2]) == []


def test_json_on_standard_output_is_the_run(crashrig: RigCommand) -> None:
    done = crashrig.done("run", crashrig.write("crashes.toml", CRASHES), "--subject", "simulated", "--json")
    assert json.loads(done.stdout) == record(crashrig)


def test_the_same_seed_gives_the_same_history(crashrig: RigCommand) -> None:
    path = crashrig.write("crashes.toml", CRASHES)
    crashrig.done("run", path, "--subject", "simulated", "--seed", "7", "--repeat", "2")
    first, second = sorted((crashrig.reports / "latest").rglob("history.jsonl"))
    assert first.read_bytes() == second.read_bytes()


def test_reproduce_says_how_often_it_was_the_same(crashrig: RigCommand) -> None:
    crashrig.done("run", crashrig.write("crashes.toml", CRASHES), "--subject", "holdfast")
    [cell] = record(crashrig)["cells"]  # type: ignore[misc]
    latest = os.readlink(crashrig.reports / "latest")
    done = crashrig.done("reproduce", f"latest#{cell['directory']}", "--repeat", "2", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert "was passed; the same 2 of 2 times" in done.stdout
    assert os.readlink(crashrig.reports / "latest") == latest


def test_the_last_line_of_a_failed_run_reproduces_it(crashrig: RigCommand) -> None:
    path = crashrig.write("crashes.toml", CRASHES.replace("starts >= 2", "starts >= 2 and worker.live == 7"))
    done = crashrig.done("run", path, "--subject", "simulated")
    assert done.returncode == 1
    command = done.stderr.splitlines()[-1].split()
    assert command[:2] == ["crashrig", "reproduce"]
    again = crashrig.done(*command[1:])
    assert again.returncode == 1
    assert "was failed; the same 1 of 1 times" in again.stdout


def test_a_dry_run_touches_nothing(crashrig: RigCommand) -> None:
    done = crashrig.done("run", crashrig.write("crashes.toml", CRASHES), "--dry-run")
    assert done.returncode == 0, done.stderr
    assert not crashrig.reports.exists()
    assert "[simulated]  in virtual time" in done.stdout
    assert "[holdfast]  pace 20, at most 3 s" in done.stdout
    assert "Blast radius, 1 cell at a time" in done.stdout
    assert "# holdfast.toml" in done.stdout


def test_only_what_failed_last_time(crashrig: RigCommand) -> None:
    good = crashrig.write("scenarios/good.toml", CRASHES)
    crashrig.write("scenarios/bad.toml", CRASHES.replace("live <= 1", "live <= 0"))
    assert crashrig.done("run", "scenarios", "--subject", "simulated").returncode == 1
    assert crashrig.done("run", "scenarios", "--subject", "simulated", "--lf").returncode == 1
    assert len(record(crashrig)["cells"]) == 1  # type: ignore[arg-type]
    assert crashrig.done("run", good, "--subject", "simulated", "--lf").returncode == 5


def test_fail_fast_begins_no_more(crashrig: RigCommand) -> None:
    crashrig.write("scenarios/a.toml", CRASHES.replace("live <= 1", "live <= 0"))
    crashrig.write("scenarios/b.toml", CRASHES)
    assert crashrig.done("run", "scenarios", "--subject", "simulated", "-x").returncode == 1
    cells = record(crashrig)["cells"]
    assert [cell["verdict"] for cell in cells] == ["failed", "skipped"]  # type: ignore[attr-defined]


def test_shards_together_are_the_whole(crashrig: RigCommand) -> None:
    for number in range(6):
        crashrig.write(f"scenarios/s{number}.toml", CRASHES)
    counts = []
    for part in ("1/2", "2/2"):
        done = crashrig.done("run", "scenarios", "--subject", "simulated", "--shard", part, "--json")
        counts.append(len(json.loads(done.stdout)["cells"]) if done.stdout else 0)
    assert sum(counts) == 6


# Whoever is killed, nothing is left ------------------------------------------------------------------------------


def gone(crashrig: RigCommand, short: str) -> bool:
    return not crashrig.left(short)


def test_ctrl_c_ends_in_good_order(crashrig: RigCommand) -> None:
    process = crashrig.begin("run", crashrig.write("endless.toml", ENDLESS), "--subject", "holdfast")
    short = crashrig.running()
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130, crashrig.errors()
    assert gone(crashrig, short)
    run = record(crashrig)
    assert run["interrupted"] is True
    [cell] = run["cells"]  # type: ignore[misc]
    assert cell["verdict"] == "inconclusive"
    assert (crashrig.reports / "latest" / cell["directory"] / "history.jsonl").exists()


def test_a_second_ctrl_c_does_not_wait(crashrig: RigCommand) -> None:
    stubborn = ENDLESS.replace("[{ spawn", '[{ ignore = "SIGTERM" }, { spawn', 1)
    process = crashrig.begin("run", crashrig.write("endless.toml", stubborn), "--subject", "rig_subjects:Deaf")
    short = crashrig.running()
    os.kill(process.pid, signal.SIGINT)
    os.kill(process.pid, signal.SIGTERM)
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 130, crashrig.errors()
    assert gone(crashrig, short)


def runner_of(crashrig: RigCommand, pid: int, short: str) -> int:
    return pid


def reaper_of(crashrig: RigCommand, pid: int, short: str) -> int:
    return next(child for child in proc.children(pid) if b"reaper.py" in proc.command_line(child))


def cell_of(crashrig: RigCommand, pid: int, short: str) -> int:
    return proc.children(reaper_of(crashrig, pid, short))[0]


@pytest.mark.parametrize(
    ("victim", "code"), [(runner_of, -signal.SIGKILL), (reaper_of, 4), (cell_of, 4)], ids=["runner", "reaper", "cell"]
)
@pytest.mark.parametrize("supervisor", ["holdfast", "rig_subjects:Deaf"])
def test_kill_9_leaves_nothing(
    crashrig: RigCommand, victim: Callable[[RigCommand, int, str], int], code: int, supervisor: str
) -> None:
    process = crashrig.begin("run", crashrig.write("endless.toml", ENDLESS), "--subject", supervisor)
    short = crashrig.running()
    os.kill(victim(crashrig, process.pid, short), signal.SIGKILL)
    until(lambda: gone(crashrig, short), "nothing is left", GONE_SECONDS)
    process.communicate(timeout=10)
    assert process.returncode == code, crashrig.errors()
