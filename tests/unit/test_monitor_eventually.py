"""eventually."""

from __future__ import annotations

import pytest
from judging import judged

from crashrig.verdict import Verdict

HUNG = """
    0 start worker g1 p10
    60 beat worker
    120 beat worker
    {at} exit worker g1 p10 SIGKILL
    400 end settled
"""
KILLED = {"eventually": "worker.exit#1.signal == SIGKILL", "after": "worker.beat#last"}


def test_in_time() -> None:
    result = judged(HUNG.format(at=221.2), within=(100, 103), **KILLED)
    assert result.verdict is Verdict.PASSED
    assert result.message == (
        "expected worker.exit#1.signal == SIGKILL between 100 s and 103 s after worker.beat#last (t=120 s); "
        "seen: after 101.2 s (t=221.2 s), margin 1.2 s"
    )
    assert (result.bound, result.window, result.at) == ("100 s..103 s", (120, 221.2), 221.2)
    assert result.observed == pytest.approx(101.2)


@pytest.mark.parametrize(
    ("at", "verdict", "word"),
    [
        (219.9, Verdict.FAILED, "too early: after 99.9 s"),
        (220, Verdict.PASSED, "seen"),
        (223, Verdict.PASSED, "seen"),
        (223.1, Verdict.FAILED, "too late: after 103.1 s"),
    ],
)
def test_bounds_are_exact_in_a_simulation(at: float, verdict: Verdict, word: str) -> None:
    result = judged(HUNG.format(at=at), within=(100, 103), **KILLED)
    assert result.verdict is verdict
    assert word in result.message


@pytest.mark.parametrize(
    ("at", "noise", "verdict"),
    [
        (218.8, 0, Verdict.PASSED),  # 2 ms real and the resolution are forgiven
        (218.7, 0, Verdict.FAILED),
        (218.7, 0.2, Verdict.INCONCLUSIVE),
        (231.9, 0, Verdict.PASSED),  # 150 ms real at pace 60 are 9 s
        (232.1, 0, Verdict.FAILED),
        (232.1, 0.2, Verdict.INCONCLUSIVE),
        (232.1, 0.05, Verdict.FAILED),
        (300, 20, Verdict.FAILED),
    ],
)
def test_allowance_and_noise_of_a_real_run(at: float, noise: float, verdict: Verdict) -> None:
    story = HUNG.format(at=at) + f"{at + 1} noise {noise}"
    result = judged(story, pace=60.0, simulated=False, resolution=1.1, within=(100, 103), **KILLED)
    assert result.verdict is verdict
    assert result.resolution == pytest.approx(1.1)


def test_noise_long_before_is_no_excuse() -> None:
    story = "50 noise 0.2\n100 noise 0.0\n" + HUNG.format(at=232.1)
    assert judged(story, pace=60.0, simulated=False, within=(100, 103), **KILLED).verdict is Verdict.FAILED


def test_what_used_the_allowance_says_so() -> None:
    result = judged(HUNG.format(at=225), pace=60.0, simulated=False, within=(100, 103), **KILLED)
    assert result.verdict is Verdict.PASSED
    assert "2 s beyond the bound, inside the allowance of 9 s" in result.message
    assert result.margin == pytest.approx(-2)


def test_without_last_the_first_occurrence_counts() -> None:
    result = judged(HUNG.format(at=160), eventually="worker.live == 0", after="worker.beat", within=103)
    assert result.observed == pytest.approx(100)


def test_a_missed_deadline_is_final() -> None:
    story = "0 start worker p10\n10 beat worker\n30 beat worker\n31 exit worker p10 c1\n40 end settled"
    result = judged(story, eventually="worker.live == 0", after="worker.beat#last", within=5)
    assert result.verdict is Verdict.FAILED
    assert "too late: after 21 s (t=31 s)" in result.message
    never = judged(story.replace("31 exit", "31 note"), eventually="worker.live == 0", after="10s", within=5)
    assert "not seen by t=40 s: worker.live = 1; alive: worker generation 1: pid 10" in never.message


def test_already_true_at_the_beginning() -> None:
    story = "0 start worker p10\n10 beat worker\n20 end settled"
    assert judged(story, eventually="worker.live == 1", after="worker.beat", within=5).observed == 0
    assert judged(story, eventually="worker.live == 1", after="worker.beat", within=(1, 5)).verdict is Verdict.FAILED
    later = judged(story, eventually="worker.live == 1", after="worker.beat + 3s", within=5)
    assert (later.verdict, later.at) == (Verdict.PASSED, 13)


def test_a_moment_is_enough() -> None:
    story = "0 start worker g1 p10\n5 exit worker g1 p10 c1\n5 start worker g2 p11\n9 end settled"
    assert judged(story, eventually="worker.live == 0", after="worker.start").verdict is Verdict.PASSED


def test_it_never_came() -> None:
    story = "0 start worker p10\n20 end timeout"
    anchor = judged(story, eventually="worker.live == 0", after="worker.exit#1", within=5)
    assert anchor.verdict is Verdict.FAILED
    assert "Observed: worker.exit#1 never came" in anchor.message
    ended = judged(story, eventually="worker.live == 0", within=60)
    assert "the run ended 20 s after it" in ended.message
    open_end = judged(story, eventually="worker.live == 0")
    assert (open_end.verdict, open_end.bound) == (Verdict.FAILED, "before the end")
    assert "not seen by t=20 s" in open_end.message


def test_a_later_anchor_opens_the_window_anew() -> None:
    story = "0 start worker p10\n10 beat worker\n20 beat worker\n40 end settled"
    result = judged(story, eventually="worker.beats == 2", after="worker.beat#last + 3s", within=15)
    assert (result.verdict, result.at, result.observed) == (Verdict.PASSED, 23, 0)


def test_a_window_that_would_open_after_the_end_says_so() -> None:
    story = "0 start worker p10\n20 end timeout"
    result = judged(story, eventually="worker.live == 0", after="worker.start#1 + 30s", within=5)
    assert result.verdict is Verdict.FAILED
    assert "the run ended before worker.start#1 + 30s (t=30 s)" in result.message


def test_a_missed_deadline_tells_what_was_seen_then() -> None:
    story = "0 start worker g1 p10\n20 start worker g2 p11\n40 end settled"
    result = judged(story, eventually="worker.live == 7", after="worker.start#1", within=5)
    assert "worker.live = 1; alive: worker generation 1: pid 10" in result.message
