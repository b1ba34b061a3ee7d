"""Every example is valid, and says what it says it shows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.config import load
from holdfast.settings import BeatSource

EXAMPLES = Path(__file__).parents[2] / "supervisor" / "examples"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_an_example_is_valid(path: Path) -> None:
    settings = load(path, environ={})
    assert settings.agents
    for agent in settings.agents:
        for word in agent.command:
            if word.startswith("beating_agent"):
                assert (Path(agent.directory) / word).exists()


def test_the_examples_are_the_four_that_are_documented() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.toml")} == {"autopilot", "external", "minimal", "several_agents"}


def test_several_agents_show_all_ways_to_beat() -> None:
    agents = load(EXAMPLES / "several_agents.toml", environ={}).agents
    sources = [agent.heartbeat.source if agent.heartbeat else None for agent in agents]
    assert sources == [BeatSource.NOTIFY, BeatSource.NOTIFY, BeatSource.OUTPUT, None]


@pytest.mark.real
@pytest.mark.parametrize("agent", [["sh", "beating_agent.sh"], [sys.executable, "beating_agent.py"]], ids=["sh", "py"])
def test_an_example_agent_beats(tmp_path: Path, agent: list[str]) -> None:
    if shutil.which(agent[0]) is None:
        pytest.skip(f"{agent[0]} is not here")
    beat = tmp_path / "beat"
    environment = {**os.environ, "HOLDFAST_HEARTBEAT_FILE": str(beat), "PYTHONPATH": str(EXAMPLES.parent)}
    process = subprocess.Popen(agent, cwd=EXAMPLES, env=environment, start_new_session=True)
    try:
        for _ in range(1000):
            if beat.exists():
                break
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.01)
        assert beat.read_text()
        assert os.listdir(tmp_path) == ["beat"]
    finally:
        os.killpg(process.pid, 9)
        process.wait()
