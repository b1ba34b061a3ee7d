"""Every built-in scenario passes under the simulated holdfast, whatever the seed."""

from __future__ import annotations

import pytest

from crashrig.checker import judge, verdict_of
from crashrig.library import select
from crashrig.scenario_file import LoadedScenario
from crashrig.simulation.run import SUBJECT, simulate
from crashrig.verdict import Verdict

SCENARIOS = [loaded for loaded in select() if "simulated" in loaded.scenario.modes]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("loaded", SCENARIOS, ids=lambda loaded: loaded.id)
def test_the_simulated_holdfast_keeps_its_promises(loaded: LoadedScenario, seed: int) -> None:
    history = simulate(loaded.scenario, loaded.id, seed)
    results = judge(loaded.scenario, history)
    verdict, reason = verdict_of(results, loaded.scenario, SUBJECT)
    assert verdict in (Verdict.PASSED, Verdict.XFAILED), reason
