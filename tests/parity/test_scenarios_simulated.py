"""Every built-in scenario passes under the simulated holdfast with any seed, and fails where its title is untrue."""

from __future__ import annotations

import re

import pytest

from crashrig.driving.config_choice import ConfigChoice
from crashrig.judging.checker import judge, verdict_of
from crashrig.reading.library import select
from crashrig.reading.scenario_file import LoadedScenario
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


STARTED_AGAIN = [one for one in SCENARIOS if re.search("(?<!not )started again", one.scenario.title)]


@pytest.mark.parametrize("loaded", STARTED_AGAIN, ids=lambda loaded: loaded.id)
def test_what_says_started_again_fails_when_nothing_is(loaded: LoadedScenario) -> None:
    """A frozen agent, say, is alive as well: only a second start shows that there was one (CHS-8)."""
    never = ConfigChoice("never", policy={"restart": "never"}).applied_to(loaded.scenario)
    verdict, _ = verdict_of(judge(never, simulate(never, loaded.id, 1)), never, SUBJECT)
    assert verdict is Verdict.FAILED
