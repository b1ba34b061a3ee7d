"""When a live judge has seen enough: a cell ends then, neither earlier (unproven) nor only at its timeout (slow)."""

from __future__ import annotations

import math
from typing import Any

import pytest
from judging import expect, header, history, scenario

from crashrig.judging.checker import LiveJudge
from crashrig.verdict import Verdict

END = 100.0
STORY = """
    0 start worker g1 p10
    10 exit worker g1 p10 c1
    12 start worker g2 p20
    20 exit worker g2 p20 c1
    22 start worker g3 p30
"""


def settled_at(story: str = STORY, **keys: Any) -> float:
    """Feed a judge as the simulation does, waking it when it wants to be; infinity when it wants to go on for ever."""
    judge = LiveJudge(scenario(expect(**keys)), header())
    times = [one.t for one in history(story).observations]
    observations = history(story).observations
    while True:
        coming = times[0] if times else math.inf
        wanted = judge.next_time
        now = min(coming, math.inf if wanted is None else wanted)
        if now > END:
            return math.inf
        if now == coming:
            times.pop(0)
            judge.observe(observations.pop(0))
        judge.advance(now)
        if judge.settled:
            assert [one.verdict for one in judge.finish(now) if one.verdict is Verdict.ERROR] == []
            return now


@pytest.mark.parametrize(
    ("keys", "at"),
    [
        ({"eventually": "worker.exit#1"}, 10),
        ({"eventually": "worker.exit#3", "within": 30}, 30),
        ({"eventually": "worker.exit#2", "after": "worker.start#2", "within": (5, 10)}, 20),
        ({"eventually": "worker.live == 1", "after": "worker.exit#1 + 5s", "within": 5}, 15),
        ({"eventually": "worker.starts == 9"}, math.inf),
        ({"stays": "worker.live == 1", "after": "worker.start#1", "lasting": 5}, 5),
        ({"stays": "worker.live == 1", "after": "worker.start#1", "lasting": 15}, 10),
        ({"stays": "worker.live == 1", "after": "worker.exit#1", "lasting": 5, "grace": 3}, 17),
        ({"stays": "worker.live == 1", "after": "worker.exit#last", "lasting": 30, "grace": 3}, 52),
        ({"stays": "worker.live == 1", "after": "worker.exit#3", "lasting": 5}, math.inf),
        ({"count": "worker.start", "min": 2}, 12),
        ({"count": "worker.start", "max": 1}, math.inf),
        ({"count": "worker.start", "max": 3, "until": "30s"}, 30),
        ({"count": "worker.start", "min": 2, "max": 2, "until": "30s"}, 22),
        ({"count": "worker.start", "min": 4, "until": "30s"}, 30),
        ({"count": "worker.start", "min": 1, "until": "worker.exit#2"}, 20),
        ({"count": "worker.start", "min": 2, "after": "worker.exit#1"}, 22),
        ({"never": "worker.tree > 9", "after": "worker.exit#1 - 1s", "until": "worker.exit#1 + 5s"}, 15),
        ({"always": "worker.live <= 1"}, math.inf),
        ({"always": "worker.live <= 1", "until": "30s"}, 30),
        ({"always": "worker.live <= 1", "until": "worker.exit#2"}, 20),
        ({"always": "worker.live == 1", "until": "30s"}, 10),
        ({"always": "worker.live == 1", "until": "30s", "grace": 5}, 30),
        ({"always": "worker.live == 1", "until": "30s", "grace": 1}, 11),
    ],
)
def test_it_waits_until_all_is_known_and_no_longer(keys: dict[str, Any], at: float) -> None:
    assert settled_at(**keys) == pytest.approx(at, abs=0.001)
