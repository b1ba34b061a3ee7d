"""count."""

from __future__ import annotations

from typing import Any

import pytest
from judging import judged

from crashrig.scenario import Agent
from crashrig.verdict import Verdict

STARTS = "0 start worker g1\n10 start worker g2\n20 start worker g3\n30 exit worker g3 c0\n60 end settled"


@pytest.mark.parametrize(
    ("keys", "verdict", "observed", "margin"),
    [
        ({"min": 3, "max": 3}, Verdict.PASSED, 3, 0),
        ({"min": 1, "max": 5}, Verdict.PASSED, 3, 2),
        ({"min": 4}, Verdict.FAILED, 3, -1),
        ({"max": 2}, Verdict.FAILED, 3, -1),
        ({"max": 3}, Verdict.PASSED, 3, 0),
        ({"min": 2, "max": 2, "after": "worker.start#1"}, Verdict.PASSED, 2, 0),
        ({"min": 3, "max": 3, "after": "0s"}, Verdict.PASSED, 3, 0),
        ({"max": 0, "after": "20500ms"}, Verdict.PASSED, 0, 0),
        ({"min": 2, "max": 2, "until": "15s"}, Verdict.PASSED, 2, 0),
        ({"min": 3, "until": "15s"}, Verdict.FAILED, 2, -1),
        ({"max": 1, "until": "worker.start#2"}, Verdict.FAILED, 2, -1),
        ({"max": 0, "after": "worker.start#last"}, Verdict.PASSED, 0, 0),
        ({"max": 0, "after": "worker.exit#1 + 1s"}, Verdict.PASSED, 0, 0),
    ],
)
def test_counting(keys: dict[str, Any], verdict: Verdict, observed: float, margin: float) -> None:
    result = judged(STARTS, count="worker.start", **keys)
    assert (result.verdict, result.observed, result.margin) == (verdict, observed, margin)
    assert result.unit == "count"


def test_one_too_many_is_placed() -> None:
    result = judged(STARTS, count="worker.start", max=2, promise="RST-6")
    assert result.message == (
        "Required: RST-6\nExpected: at most 2 of worker.start\nObserved: seen 3, the one too many at t=20 s"
    )


def test_a_window_that_never_opened_has_shown_nothing() -> None:
    result = judged(STARTS, count="worker.start", max=5, after="worker.exit#2")
    assert result.verdict is Verdict.FAILED
    assert "worker.exit#2 never came, so nothing was shown" in result.message


def test_all_agents_of_a_group_count() -> None:
    story = "0 start worker_1\n1 start worker_2\n2 start other\n5 end settled"
    agents = {"worker": Agent(count=2), "other": Agent()}
    assert judged(story, agents=agents, count="worker.start", min=2, max=2).verdict is Verdict.PASSED
    assert judged(story, agents=agents, count="total.start", min=3, max=3).verdict is Verdict.PASSED


@pytest.mark.parametrize(
    ("until", "noise", "verdict"),
    [
        ("19s", 0, Verdict.PASSED),  # 150 ms real at pace 10 are 1.5 s
        ("18s", 0, Verdict.FAILED),
        ("18s", 0.7, Verdict.INCONCLUSIVE),
        ("worker.start#2 + 9s", 0, Verdict.PASSED),
        ("worker.start#2", 0, Verdict.FAILED),
    ],
)
def test_what_comes_a_little_late_helps_in_a_real_run(until: str, noise: float, verdict: Verdict) -> None:
    story = STARTS + f"\n21 noise {noise}"
    result = judged(story, pace=10.0, simulated=False, count="worker.start", min=3, until=until)
    assert result.verdict is verdict


def test_what_comes_late_does_not_break_a_maximum() -> None:
    result = judged(STARTS, pace=10.0, simulated=False, count="worker.start", max=2, until="19s")
    assert result.verdict is Verdict.PASSED
