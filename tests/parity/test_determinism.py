"""A simulated run is a function of scenario and seed: byte for byte, in any process, and right for any seed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from crashrig.judging.checker import judge, verdict_of
from crashrig.reading.library import select
from crashrig.reading.scenario_file import LoadedScenario
from crashrig.simulation.run import SUBJECT, simulate
from crashrig.verdict import Verdict

ROOT = Path(__file__).parents[2]
SCENARIOS = [loaded for loaded in select() if "simulated" in loaded.scenario.modes]
SEED = 7
OTHER_SEEDS = range(1001, 1021)


def digest(loaded: LoadedScenario) -> str:
    """The history and its results, in 64 letters."""
    history = simulate(loaded.scenario, loaded.id, SEED)
    everything = [history.header, history.observations, history.footer, judge(loaded.scenario, history)]
    return hashlib.sha256(msgspec.json.encode(everything)).hexdigest()


@pytest.fixture(scope="module")
def elsewhere() -> dict[str, str]:
    """All digests, from a process of its own that orders sets and dictionaries of texts differently."""
    name = __name__.rpartition(".")[2]
    program = f"import json, {name} as t; print(json.dumps({{one.id: t.digest(one) for one in t.SCENARIOS}}))"
    paths = [str(ROOT / "supervisor"), str(ROOT / "chaos"), str(Path(__file__).parent)]
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True)
    digests: dict[str, str] = json.loads(ended.stdout)
    return digests


@pytest.mark.parametrize("loaded", SCENARIOS, ids=lambda loaded: loaded.id)
def test_the_same_seed_gives_the_same_bytes(loaded: LoadedScenario, elsewhere: dict[str, str]) -> None:
    here = digest(loaded)
    assert digest(loaded) == here, "twice in this process"
    assert elsewhere[loaded.id] == here, "in another process"


@pytest.mark.parametrize("loaded", SCENARIOS, ids=lambda loaded: loaded.id)
def test_chance_decides_no_verdict(loaded: LoadedScenario) -> None:
    bad = {}
    for seed in OTHER_SEEDS:
        verdict, reason = verdict_of(
            judge(loaded.scenario, simulate(loaded.scenario, loaded.id, seed)), loaded.scenario, SUBJECT
        )
        if verdict not in (Verdict.PASSED, Verdict.XFAILED):
            bad[seed] = reason
    assert not bad
