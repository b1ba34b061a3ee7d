"""Windows that are known only afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from judging import expect, header, judged, observation, scenario

from crashrig.judging.checker import LiveJudge
from crashrig.verdict import Verdict

STORY = """
    0 start worker g1 p10
    5 birth worker g1 p11
    7 death worker g1 p11
    10 exit worker g1 p10 c1
    11 start worker g2 p20
    20 exit worker g2 p20 c1
    25 birth worker g2 p21
    40 end settled
"""


@pytest.mark.parametrize(
    ("keys", "verdict"),
    [
        ({"never": "worker.tree > 1", "after": "worker.exit#1 - 4s", "until": "worker.exit#2"}, Verdict.FAILED),
        ({"never": "worker.tree > 1", "after": "worker.exit#1 - 2s", "until": "worker.exit#2"}, Verdict.PASSED),
        ({"never": "worker.tree > 1", "until": "worker.exit#1 - 5s"}, Verdict.PASSED),
        ({"never": "worker.tree > 1", "until": "worker.exit#1 - 4s"}, Verdict.FAILED),
        ({"never": "worker.orphans > 0", "after": "worker.start#1", "until": "worker.exit#last"}, Verdict.PASSED),
        ({"never": "worker.orphans > 0", "after": "worker.start#1", "until": "worker.birth#last"}, Verdict.PASSED),
        ({"never": "worker.tree > 0", "after": "worker.exit#1 - 1s"}, Verdict.FAILED),
        ({"never": "worker.tree > 9", "after": "worker.exit#3 - 1s"}, Verdict.FAILED),
        ({"never": "worker.tree > 9", "until": "worker.exit#3 - 1s"}, Verdict.PASSED),
        ({"count": "worker.exit", "min": 2, "max": 2, "until": "worker.exit#last"}, Verdict.PASSED),
        ({"count": "worker.birth", "max": 1, "until": "worker.exit#last"}, Verdict.PASSED),
        ({"eventually": "worker.live == 0", "after": "worker.exit#1 - 9s", "within": 9}, Verdict.PASSED),
        ({"eventually": "worker.live == 0", "after": "worker.exit#1 - 9s", "within": 8}, Verdict.FAILED),
    ],
)
def test_windows(keys: dict[str, Any], verdict: Verdict) -> None:
    assert judged(STORY, **keys).verdict is verdict


def test_an_anchor_that_never_came_is_named() -> None:
    result = judged(STORY, never="worker.tree > 9", after="worker.exit#3 - 1s")
    assert "worker.exit#3 - 1s never came" in result.message


def test_live_waits_only_for_what_will_be_known() -> None:
    live = LiveJudge(
        scenario(
            expect(never="worker.tree > 1", after="worker.exit#1 - 2s"),
            expect(always="worker.live <= 1", until="worker.exit#last"),
            expect(eventually="worker.exit#2"),
        ),
        header(),
    )
    for line in STORY.strip().splitlines():
        live.observe(observation(line))
        live.advance(float(line.split()[0]))
        if line.split()[0] == "7":
            assert live.undecided[0] == "never worker.tree > 1, after worker.exit#1 - 2s"
    assert live.settled
