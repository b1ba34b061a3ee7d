"""How long the simulation takes for 24 hours: of one crashing and hanging agent, judged; and of ten of them.

`python benchmarks/simulation.py` prints a line for each. Goal (DESIGN): one agent's 24 h in under 0.2 s.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "supervisor"), str(ROOT / "chaos")]

from crashrig.judging.checker import judge, verdict_of  # noqa: E402
from crashrig.scenario import Agent, Duration, Expect, Policy, Scenario  # noqa: E402
from crashrig.simulation.run import simulate  # noqa: E402

DAY = 86400.0
ROUNDS = 5

BEHAVIOURS: list[list[dict[str, object]]] = [
    [{"beat": "30s", "for": "10m"}, {"exit": 1}],
    [{"beat": "30s", "for": "4m"}, {"spawn": "deaf"}, {"hang": "sleep"}],
    [{"flaky": 0.5}, {"beat": "30s", "for": "2m"}, {"signal": "SIGSEGV"}],
]


def day(count: int) -> Scenario:
    """A day in which agents crash, hang and leave children behind, and are started again every time."""
    return Scenario(
        title="24 hours of crashing and hanging",
        promises=["RST-11"],
        agents={"worker": Agent(starts=BEHAVIOURS * 200, count=count)},
        policy=Policy(heartbeat_timeout=Duration(90.0), max_restarts=1_000_000),
        expect=[
            Expect(always="worker_1.live <= 1" if count > 1 else "worker.live <= 1"),
            Expect(never="total.stale > 0"),
            Expect(count="total.exit", min=100 * count, until="24h"),
        ],
        timeout=Duration(DAY + 1.0),
    )


def measure(count: int) -> None:
    """Simulate and judge some days with different seeds, and print the best and the middle one."""
    scenario = day(count)
    times, observations, verdicts = [], 0, set()
    for seed in range(1, ROUNDS + 1):
        began = time.perf_counter()
        history = simulate(scenario, "benchmark/day", seed)
        times.append(time.perf_counter() - began)
        observations = len(history.observations)
        verdicts.add(str(verdict_of(judge(scenario, history), scenario, "simulated")[0]))
    print(
        f"24 h of {count:2d} agents: best {min(times):.3f} s, median {statistics.median(times):.3f} s, "
        f"{observations} observations, {' '.join(sorted(verdicts))}"
    )


if __name__ == "__main__":
    for agents in (1, 10):
        measure(agents)
