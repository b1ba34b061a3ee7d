"""One scenario from its beginning to its end in virtual time."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from crashrig.agents.plan import expand, make_plan
from crashrig.history import Footer, Header, History, Observation
from crashrig.judging.checker import LiveJudge
from crashrig.simulation.clock import Clock
from crashrig.simulation.faults import Injector
from crashrig.simulation.kernel import Kernel
from crashrig.simulation.policy import settings_of
from crashrig.simulation.supervisor import Supervisor
from holdfast import __version__

if TYPE_CHECKING:
    from crashrig.scenario import Scenario

SUBJECT = "simulated"


def simulate(scenario: Scenario, scenario_id: str, seed: int, config: str = "") -> History:
    """The history of a scenario under the simulated holdfast; the same seed gives the same history.

    It ends when every expectation has been settled, or at the scenario's timeout. `config` is the path of a
    configuration of the user's for holdfast, as for a real run.
    """
    return _Simulation(scenario, scenario_id, seed, config).run()


class _Simulation:
    def __init__(self, scenario: Scenario, scenario_id: str, seed: int, config: str) -> None:
        self._header = Header(
            scenario=scenario_id,
            subject=SUBJECT,
            subject_version=__version__,
            seed=seed,
            observer="simulation",
            simulated=True,
        )
        self._timeout = float(scenario.timeout)
        self._observations: list[Observation] = []
        self._judge = LiveJudge(scenario, self._header)
        self._clock = Clock()
        agents = expand(scenario.agents)
        plans = {name: make_plan(name, agent, scenario, 1.0, seed) for name, agent in agents.items()}
        broken = {name: f"{name}: {agent.broken}" for name, agent in agents.items() if agent.broken is not None}
        kernel = Kernel(self._clock, self._observe)
        self._supervisor = Supervisor(
            settings_of(scenario, agents, seed, config), plans, broken, self._clock, kernel, self._observe
        )
        self._injector = Injector(scenario, plans, self._clock, kernel, self._supervisor, self._observe)

    def _observe(self, observation: Observation) -> None:
        self._observations.append(observation)
        self._judge.observe(observation)
        self._injector.see(observation)

    def run(self) -> History:
        self._injector.begin()
        self._supervisor.begin()
        end = self._pass_time()
        self._observe(Observation(t=self._clock.now, what="end", text=end, source="rig"))
        footer = Footer(end=end, observations=len(self._observations))
        return History(header=self._header, observations=self._observations, footer=footer)

    def _pass_time(self) -> str:
        """Let everything happen until the end; why it ended."""
        while True:
            wanted = self._judge.next_time
            time = min(self._clock.next_time, inf if wanted is None else wanted)
            if time > self._timeout:
                self._clock.now = self._timeout
                return "timeout"
            if time == self._clock.next_time:
                self._clock.step()
            else:
                self._clock.now = max(self._clock.now, time)
                self._judge.advance(self._clock.now)
                if self._judge.settled:
                    return "settled"
