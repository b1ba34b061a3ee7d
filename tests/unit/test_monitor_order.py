"""order."""

from __future__ import annotations

import pytest
from judging import judged

from crashrig.verdict import Verdict

STORY = """
    0 start worker g1 p10
    10 received worker SIGTERM
    20 exit worker g1 p10 SIGKILL
    21 start worker g2 p20
    30 exit worker g2 p20 c0
    40 end settled
"""


@pytest.mark.parametrize(
    ("events", "verdict"),
    [
        (["worker.term", "worker.exit", "worker.start#2"], Verdict.PASSED),
        (["worker.exit", "worker.term"], Verdict.FAILED),
        (["worker.start#2", "worker.exit#1"], Verdict.FAILED),
        (["worker.start", "worker.exit#2"], Verdict.PASSED),
        (["worker.term", "worker.exit#3"], Verdict.FAILED),
        (["worker.exit#3", "worker.term"], Verdict.FAILED),
    ],
)
def test_order(events: list[str], verdict: Verdict) -> None:
    assert judged(STORY, order=events).verdict is verdict


def test_what_was_wrong_is_said() -> None:
    assert "worker.term came before worker.exit" in judged(STORY, order=["worker.exit", "worker.term"]).message
    missing = judged(STORY, order=["worker.term", "worker.exit#3"]).message
    assert "worker.exit#3 never came (the run ended at t=40 s): worker.term at t=10 s" in missing


def test_events_of_the_same_time_keep_their_order() -> None:
    story = "0 start worker p10\n5 exit worker p10 c0\n5 subject.exit c0\n9 end settled"
    assert judged(story, order=["worker.exit", "supervisor.exit"]).verdict is Verdict.PASSED
    assert judged(story, order=["supervisor.exit", "worker.exit"]).verdict is Verdict.FAILED


@pytest.mark.parametrize(("at", "verdict"), [(5.05, Verdict.INCONCLUSIVE), (5.2, Verdict.FAILED)])
def test_closer_than_can_be_told(at: float, verdict: Verdict) -> None:
    story = f"0 start worker p10\n5 exit worker p10 c0\n{at} subject.exit c0\n9 end settled"
    result = judged(story, simulated=False, resolution=0.1, order=["supervisor.exit", "worker.exit"])
    assert result.verdict is verdict


def test_the_window() -> None:
    events = ["worker.start", "worker.exit"]
    assert judged(STORY, order=events, after="worker.term").verdict is Verdict.FAILED
    assert judged(STORY, order=events, after="worker.exit#1").verdict is Verdict.PASSED
    assert judged(STORY, order=["worker.start#2", "worker.exit#2"], after="worker.exit#1").verdict is Verdict.PASSED
    assert judged(STORY, order=["worker.start", "worker.exit"], until="15s").verdict is Verdict.FAILED
