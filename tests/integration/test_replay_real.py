"""A real holdfast's journal, of a run with everything in it, gives the same decisions when it is replayed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crashrig.replay import replay
from holdfast.events import BeatSeen, Exited, TreeEmptied, Woke
from holdfast.journal_reader import JournalError, Run, read

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
SECONDS_MAX = 15.0

CONFIG = """
state_directory = "{directory}/state"
seed = 7

[defaults]
grace = "200ms"
backoff = ["50ms", "100ms"]
jitter = 0.5
running_after = "50ms"

[agents.crashing]
command = ["/bin/sh", "-c", "sleep 0.05; exit 3"]
max_restarts = 4

[agents.leaving]
command = ["/bin/sh", "-c", "trap '' TERM; sleep 20 & exit 4"]
max_restarts = 1

[agents.hanging]
command = ["/bin/sh", "-c", "for i in 1 2 3 4 5; do echo $i; sleep 0.05; done; exec sleep 20"]
heartbeat = {{ output = true, timeout = "600ms" }}
log = "null"

[agents.steady]
command = ["/bin/sh", "-c", "exec sleep 20"]
after = ["hanging"]
"""


def _wait_for(journal: Path, *kinds: type[object]) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while set(kinds) - (found := _kinds(journal)):
        assert time.monotonic() < deadline, f"only {found}"
        time.sleep(0.02)


def _kinds(journal: Path) -> set[type[object]]:
    try:
        return {type(entry.event) for run in read(str(journal)) for entry in run.entries}
    except (FileNotFoundError, JournalError):
        return set()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Crashes, leftovers, a hang, a frozen supervisor, and a stop."""
    config, journal = tmp_path / "holdfast.toml", tmp_path / "state" / "journal.jsonl"
    config.write_text(CONFIG.format(directory=tmp_path))
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "supervisor")}
    command = [sys.executable, "-m", "holdfast", "run", str(config)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as supervisor:
        try:
            _wait_for(journal, BeatSeen, Exited, TreeEmptied)
            supervisor.send_signal(signal.SIGSTOP)
            time.sleep(0.7)  # longer than the timeout: what was meant to be seen meanwhile is told late
            supervisor.send_signal(signal.SIGCONT)
            _wait_for(journal, Woke)
            supervisor.send_signal(signal.SIGTERM)
            assert supervisor.wait(SECONDS_MAX) == 0
        finally:
            supervisor.kill()
    (only,) = read(str(journal))
    return only


def test_a_run_with_everything_in_it_is_decided_again(run: Run) -> None:
    assert replay(run) == []
    kinds = {type(entry.event) for entry in run.entries}
    assert {Exited, TreeEmptied, BeatSeen, Woke} <= kinds
