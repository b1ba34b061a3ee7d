"""always, never."""

from __future__ import annotations

import pytest
from judging import judged

from crashrig.verdict import Verdict

DOUBLE = """
    0 start worker g1 p10
    5 start worker g2 p20
    {end} exit worker g1 p10 c0
    20 end settled
"""


def test_held() -> None:
    result = judged("0 start worker g1 p10\n20 end settled", always="worker.live <= 1")
    assert result.verdict is Verdict.PASSED
    assert result.message == "expected always worker.live <= 1; held until t=20 s"
    assert result.window == (0.0, 20.0)


@pytest.mark.parametrize("keys", [{"always": "worker.live <= 1"}, {"never": "worker.live > 1"}])
def test_broken(keys: dict[str, str]) -> None:
    result = judged(DOUBLE.format(end=8), promise="RST-11", **keys)
    assert result.verdict is Verdict.FAILED
    assert (result.at, result.observed, result.margin) == (5, 3, -3)
    assert result.message.startswith("Required: RST-11\nExpected: ")
    assert (
        "Observed: from t=5 s for 3 s: worker.live = 2; "
        "alive: worker generation 1: pid 10; worker generation 2: pid 20" in result.message
    )


def test_a_state_that_lasts_no_time_does_not_count() -> None:
    assert judged(DOUBLE.format(end=5), never="worker.live > 1").verdict is Verdict.PASSED


@pytest.mark.parametrize(("end", "verdict"), [(5.04, Verdict.PASSED), (5.06, Verdict.FAILED)])
def test_a_state_shorter_than_the_resolution_does_not_count(end: float, verdict: Verdict) -> None:
    result = judged(DOUBLE.format(end=end), never="worker.live > 1", simulated=False, resolution=0.05)
    assert result.verdict is verdict


def test_still_broken_at_the_end() -> None:
    result = judged("0 start worker g1 p10\n5 start worker g2 p20\n9 end timeout", never="worker.live > 1")
    assert (result.verdict, result.observed) == (Verdict.FAILED, 4)


def test_the_window() -> None:
    story = DOUBLE.format(end=8)
    assert judged(story, never="worker.live > 1", after="worker.exit#1").verdict is Verdict.PASSED
    assert judged(story, never="worker.live > 1", until="worker.start#2").verdict is Verdict.PASSED
    assert judged(story, never="worker.live > 1", after="9s").verdict is Verdict.PASSED
    late = judged(story, never="worker.live > 1", after="worker.start#1 + 6s")
    assert (late.verdict, late.at, late.window) == (Verdict.FAILED, 6, (6, 20))
    early = judged(story, never="worker.live > 1", until="6s")
    assert (early.verdict, early.observed, early.window) == (Verdict.FAILED, 1, (0, 6))


@pytest.mark.parametrize(
    ("end", "verdict"), [(5.4, Verdict.PASSED), (5.5, Verdict.PASSED), (5.6, Verdict.FAILED), (9, Verdict.FAILED)]
)
def test_grace(end: float, verdict: Verdict) -> None:
    result = judged(DOUBLE.format(end=end), never="worker.live > 1", grace=0.5)
    assert result.verdict is verdict
    assert result.observed == pytest.approx(end - 5)
    assert result.margin == pytest.approx(5.5 - end)


ORPHANS = """
    0 start worker g1 p10
    0 birth worker g1 p11
    1 exit worker g1 p10 c1
    1.2 start worker g2 p20
    1.2 birth worker g2 p21
    1.4 exit worker g2 p20 c1
    1.45 death worker g1 p11
    1.8 death worker g2 p21
    9 end settled
"""


def test_each_occurrence_has_its_own_grace() -> None:
    condition = "worker.orphans > 0"
    assert judged(ORPHANS, never=condition, after="worker.exit", grace=0.5).verdict is Verdict.PASSED
    assert judged(ORPHANS, never=condition, after="worker.exit#1", grace=0.5).verdict is Verdict.FAILED
    assert judged(ORPHANS, never=condition, after="worker.exit", grace=0.3).verdict is Verdict.FAILED


def test_with_last_the_window_begins_at_the_last_one() -> None:
    story = "0 start worker g1 p10\n2 exit worker g1 p10 c1\n3 start worker g2 p20\n5 exit worker g2 p20 c1\n"
    assert judged(story + "9 end x", never="worker.live > 0", after="worker.exit#last").verdict is Verdict.PASSED
    back = judged(story + "6 start worker g3 p30\n9 end x", never="worker.live > 0", after="worker.exit#last")
    assert (back.verdict, back.at) == (Verdict.FAILED, 6)


def test_nothing_vacuous_passes() -> None:
    story = "0 start worker g1 p10\n9 end settled"
    never_came = judged(story, never="worker.live > 1", after="worker.exit#1")
    assert never_came.verdict is Verdict.FAILED
    assert "worker.exit#1 never came, so nothing was shown" in never_came.message
    too_late = judged(story, never="worker.live > 1", after="20s")
    assert "the run ended before t=20 s" in too_late.message
    unknown = judged(story, never="worker.exit#1.code == 3")
    assert unknown.verdict is Verdict.FAILED
    assert "never known" in unknown.message


def test_unknown_breaks_nothing() -> None:
    story = "0 start worker g1 p10\n5 exit worker g1 p10 c0\n9 end settled"
    assert judged(story, always="worker.exit#1.code == 0").verdict is Verdict.PASSED
    assert judged(story, always="worker.exit#1.code == 1").at == 5


def real(story: str, **keys: object) -> Verdict:
    return judged(story, pace=10.0, simulated=False, never="worker.live > 1", **keys).verdict  # type: ignore[arg-type]


def test_real_time_is_allowed_for_at_the_grace() -> None:
    assert real(DOUBLE.format(end=6.9), grace=0.5) is Verdict.PASSED
    assert real(DOUBLE.format(end=7.1), grace=0.5) is Verdict.FAILED
    assert real(DOUBLE.format(end=7.1) + "8 noise 0.2", grace=0.5) is Verdict.INCONCLUSIVE
    assert real(DOUBLE.format(end=7.1) + "8 noise 0.05", grace=0.5) is Verdict.FAILED


def test_noise_does_not_excuse_a_breach_without_grace() -> None:
    assert real(DOUBLE.format(end=5.1) + "6 noise 3.0") is Verdict.FAILED


def test_a_run_that_ends_within_the_grace_decides_nothing() -> None:
    story = "0 start worker g1 p10\n5 start worker g2 p20\n5.2 end timeout"
    assert judged(story, never="worker.live > 1", grace=0.5).verdict is Verdict.INCONCLUSIVE


def test_a_breach_that_the_window_cuts_short_is_inside_its_grace() -> None:
    story = "0 start worker g1 p10\n18 exit worker g1 p10 c1\n60 end settled"
    short = judged(story, always="worker.live == 1", until="20s", grace=5)
    assert (short.verdict, short.observed, short.bound) == (Verdict.PASSED, 2, "<= 5 s")
    assert judged(story, always="worker.live == 1", until="24s", grace=5).verdict is Verdict.FAILED


def test_several_short_breaches_are_counted_and_the_longest_is_told() -> None:
    story = """
        0 start worker g1 p10
        5 start worker g2 p20
        5.8 exit worker g1 p10 c1
        8 start worker g3 p30
        8.9 exit worker g2 p20 c1
        30 end settled
    """
    result = judged(story, simulated=False, never="worker.live > 1", grace=0.5)
    assert (result.verdict, result.at) == (Verdict.FAILED, 8)
    assert "for 900 ms" in result.message
    assert "; 2 such breaches" in result.message
    assert "such breaches" not in judged(DOUBLE.format(end=8), never="worker.live > 1").message
