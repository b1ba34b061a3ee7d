"""gaps."""

from __future__ import annotations

from typing import Any

import pytest
from judging import judged

from crashrig.scenario import Agent
from crashrig.verdict import Verdict

BACKOFF = {"gaps": "worker.exit -> worker.start"}


def story(*gaps: float) -> str:
    """Runs of 10 s with these pauses between them."""
    t, lines = 0.0, []
    for number, gap in enumerate(gaps, 1):
        lines += [f"{t} start worker g{number} p{number}", f"{t + 10} exit worker g{number} p{number} c1"]
        t += 10 + gap
    return "\n".join([*lines, f"{t} start worker g{len(gaps) + 1} p99", f"{t + 50} end settled"])


@pytest.mark.parametrize(
    ("gaps", "are", "verdict"),
    [
        ((1, 2, 4), [1, 2, 4], Verdict.PASSED),
        ((1.1, 2.05, 4), [1, 2, 4], Verdict.PASSED),
        ((1, 2, 4, 4, 4), [1, 2, 4], Verdict.PASSED),
        ((1, 2, 4, 8), [1, 2, 4], Verdict.FAILED),
        ((1, 2.2, 4), [1, 2, 4], Verdict.FAILED),
        ((0.9, 2, 4), [1, 2, 4], Verdict.FAILED),
        ((1, 2), [1, 2, 4], Verdict.FAILED),
        ((0,), [0], Verdict.PASSED),
    ],
)
def test_durations(gaps: tuple[float, ...], are: list[float], verdict: Verdict) -> None:
    assert judged(story(*gaps), are=are, **BACKOFF).verdict is verdict


def test_the_worst_gap_is_named() -> None:
    result = judged(story(1, 2.5, 4), are=[1, 2, 4], **BACKOFF)
    assert (result.observed, result.bound, result.at) == (2.5, "2 s..2.1 s", 23.5)
    assert result.margin == pytest.approx(-0.4)
    assert result.message.splitlines()[1:] == [
        "Expected: worker.exit -> worker.start in 1 s, 2 s, 4 s (never earlier, at most 100 ms later)",
        "Observed: gaps seen: 1 s, 2.5 s; 2.5 s from t=21 s is too late for 2 s, margin -400 ms",
    ]


def test_fewer_pairs_than_listed() -> None:
    result = judged(story(1), are=[1, 2], **BACKOFF)
    assert "gaps seen: 1 s; worker: 1 of 2 pairs came" in result.message
    waiting = judged("0 start worker g1 p1\n10 exit worker g1 p1 c1\n60 end timeout", are=[1], **BACKOFF)
    assert "worker.start did not follow worker.exit at t=10 s" in waiting.message
    assert judged("5 end timeout", are=[1], **BACKOFF).verdict is Verdict.FAILED


def test_a_last_exit_without_a_start_is_no_pair() -> None:
    ended = story(1, 2).replace("end settled", "exit worker g3 p99 c1\n999 end settled")
    assert judged(ended, are=[1, 2], **BACKOFF).verdict is Verdict.PASSED


def test_a_wider_tolerance() -> None:
    assert judged(story(1.4), are=[1], tolerance=0.5, **BACKOFF).verdict is Verdict.PASSED
    assert judged(story(0.9), are=[1], tolerance=0.5, **BACKOFF).verdict is Verdict.FAILED


def test_the_window() -> None:
    long = story(1, 2, 4, 1, 2)
    assert judged(long, are=[4, 1, 2], after="worker.exit#3", **BACKOFF).verdict is Verdict.PASSED
    assert judged(long, are=[1, 2], until="worker.exit#2", **BACKOFF).verdict is Verdict.PASSED
    never = judged(long, are=[1], after="worker.exit#9", **BACKOFF)
    assert (never.verdict, "worker.exit#9 never came" in never.message) == (Verdict.FAILED, True)


def test_every_agent_of_a_group_has_its_own_pairs() -> None:
    lines = """
        10 exit worker_1 c1
        10.5 exit worker_2 c1
        11 start worker_1 g2
        11.5 start worker_2 g2
        20 end settled
    """
    agents = {"worker": Agent(count=2)}
    assert judged(lines, agents=agents, are=[1], **BACKOFF).verdict is Verdict.PASSED
    missing = judged(lines.replace("11.5 start worker_2 g2", ""), agents=agents, are=[1], **BACKOFF)
    assert "worker_2: 0 of 1 pairs came" in missing.message


def test_between_two_agents_there_is_one_row() -> None:
    agents = {"a": Agent(), "b": Agent()}
    result = judged("1 start a\n3 start b\n9 end settled", agents=agents, gaps="a.start -> b.start", are=[2])
    assert result.verdict is Verdict.PASSED


def test_between_events_of_the_same_kind() -> None:
    assert judged(story(5, 5), gaps="worker.start -> worker.start", are=[15, 15]).verdict is Verdict.PASSED


REAL: dict[str, Any] = {"pace": 10.0, "simulated": False, "are": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("gap", "noise", "verdict"),
    [
        (3.5, 0, Verdict.PASSED),  # 100 ms, and 150 ms real at pace 10
        (3.7, 0, Verdict.FAILED),
        (3.7, 0.2, Verdict.INCONCLUSIVE),
        (1.99, 0, Verdict.PASSED),  # 2 ms real
        (1.9, 0, Verdict.FAILED),
        (1.9, 0.2, Verdict.INCONCLUSIVE),
        (1.9, 0.05, Verdict.FAILED),
    ],
)
def test_allowance_and_noise_of_a_real_run(gap: float, noise: float, verdict: Verdict) -> None:
    lines = story(1, gap) + f"\n25 noise {noise}"
    assert judged(lines, **REAL, **BACKOFF).verdict is verdict


def test_an_excused_gap_does_not_hide_a_wrong_one() -> None:
    lines = story(1.9, 9) + "\n13 noise 0.0\n14 noise 0.0"
    assert judged("12 noise 3\n" + lines, **REAL, **BACKOFF).verdict is Verdict.FAILED
