"""stays."""

from __future__ import annotations

import pytest
from judging import judged

from crashrig.verdict import Verdict

LIVES = "0 start worker g1 p10\n{end} exit worker g1 p10 c1\n{back} start worker g2 p20\n60 end settled"
UP = {"stays": "worker.live == 1", "lasting": 10}


@pytest.mark.parametrize(("end", "verdict"), [(9.9, Verdict.FAILED), (10, Verdict.PASSED), (30, Verdict.PASSED)])
def test_without_a_break(end: float, verdict: Verdict) -> None:
    result = judged(LIVES.format(end=end, back=50), after="worker.start#1", **UP)
    assert result.verdict is verdict
    assert result.observed == min(end, 10)
    assert result.bound == ">= 10 s"


def test_a_break_is_described() -> None:
    result = judged(LIVES.format(end=4, back=50), after="worker.start#1", **UP)
    assert "held for 4 s at most; broken at t=4 s: worker.live = 0; alive: none" in result.message
    assert result.margin == pytest.approx(-6)


def test_grace_is_the_time_to_get_there() -> None:
    story = LIVES.format(end=4, back=7)
    assert judged(story, after="worker.start#1", grace=7, **UP).verdict is Verdict.PASSED
    assert judged(story, after="worker.start#1", grace=6, **UP).verdict is Verdict.FAILED
    result = judged(story, after="worker.start#1", grace=8, **UP)
    assert (result.at, result.margin) == (7, 1)


def test_a_break_that_cannot_be_told_is_none() -> None:
    story = LIVES.format(end=4, back=4.05)
    real = {"simulated": False, "resolution": 0.1, "after": "worker.start#1"}
    assert judged(story, **real, **UP).verdict is Verdict.PASSED  # type: ignore[arg-type]
    assert judged(LIVES.format(end=4, back=4), after="worker.start#1", **UP).verdict is Verdict.PASSED


def test_a_run_that_ends_too_early() -> None:
    result = judged("0 start worker p10\n9 end timeout", after="worker.start#1", **UP)
    assert result.verdict is Verdict.FAILED
    assert "held for 9 s at most; the run ended at t=9 s" in result.message


def test_it_never_began() -> None:
    story = "0 start worker p10\n60 end timeout"
    assert "worker.start#2 never came" in judged(story, after="worker.start#2", **UP).message
    never = judged(story, stays="worker.live == 0", lasting=5, after="worker.start#1")
    assert "never held: worker.live = 1" in never.message


def test_last_waits_for_the_one_that_nothing_follows() -> None:
    story = "0 start worker g1 p10\n1 exit worker g1 p10 c1\n3 start worker g2 p20\n4 exit worker g2 p20 c1\n"
    down = {"stays": "worker.live == 0", "lasting": 30, "after": "worker.exit#last"}
    gave_up = judged(story + "60 end settled", **down)
    assert (gave_up.verdict, gave_up.at) == (Verdict.PASSED, 4)
    looping = judged(story + "30 start worker g3 p30\n60 end timeout", **down)
    assert looping.verdict is Verdict.FAILED
    assert "held for 26 s at most; broken at t=30 s" in looping.message


@pytest.mark.parametrize(
    ("back", "noise", "verdict"),
    [
        (8.4, 0, Verdict.PASSED),  # 150 ms real at pace 10
        (8.6, 0, Verdict.FAILED),
        (8.6, 0.5, Verdict.INCONCLUSIVE),
    ],
)
def test_allowance_and_noise_of_a_real_run(back: float, noise: float, verdict: Verdict) -> None:
    story = LIVES.format(end=4, back=back) + f"\n{back + 1} noise {noise}"
    result = judged(story, pace=10.0, simulated=False, after="worker.start#1", grace=7, **UP)
    assert result.verdict is verdict


def test_a_run_that_ends_before_it_lasted_long_enough_has_not_shown_it() -> None:
    story = "10 start worker g1 p10\n15 end settled"
    result = judged(story, stays="worker.live == 1", after="worker.start#1", lasting=20)
    assert (result.verdict, result.observed, result.margin, result.at) == (Verdict.FAILED, 5, -15, 10)
    assert "held for 5 s at most; the run ended at t=15 s" in result.message


def test_what_was_seen_is_said() -> None:
    story = "0 start worker g1 p10\n10 exit worker g1 p10 c1\n18 start worker g2 p20\n60 end settled"
    wanted = {"stays": "worker.live == 1", "after": "worker.exit#1", "lasting": 20}
    in_time, late = judged(story, grace=9, **wanted), judged(story, grace=3, **wanted)
    assert (in_time.verdict, "; held from t=18 s (8 s after it)" in in_time.message) == (Verdict.PASSED, True)
    assert (late.verdict, "held for 0 s at most; never held" in late.message) == (Verdict.FAILED, True), late.message
    never = judged(story, stays="worker.live == 7", after="worker.exit#1", lasting=20)
    assert (never.verdict, never.observed) == (Verdict.FAILED, 0)
