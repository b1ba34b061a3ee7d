"""What may be missed by how much: the allowances of a history, and what noise excuses, at their very edges."""

from __future__ import annotations

import pytest
from judging import header, observation

from crashrig.judging.monitors.tolerance import Tolerance
from crashrig.verdict import Verdict


def noisy() -> Tolerance:
    """A real history at pace 10, in which the probe was 2 s (nominal) late at some time between 10 s and 20 s."""
    tolerance = Tolerance(header(pace=10.0, resolution=0.5, simulated=False))
    for line in ("10 noise 0", "20 noise 2", "30 noise 0"):
        tolerance.hear(observation(line, 10.0))
    return tolerance


def test_allowances_are_nominal() -> None:
    tolerance = noisy()
    assert (tolerance.late, tolerance.resolution, tolerance.early) == pytest.approx((1.5, 0.5, 0.52))


@pytest.mark.parametrize(
    ("start", "end", "noise"),
    [(0, 9, 0), (0, 10, 2), (12, 13, 2), (20, 40, 2), (21, 40, 0)],
)
def test_noise_counts_where_it_may_have_been(start: float, end: float, noise: float) -> None:
    assert noisy().noise(start, end) == pytest.approx(noise)


@pytest.mark.parametrize(
    ("miss", "verdict"),
    [(-1, Verdict.PASSED), (0, Verdict.PASSED), (1.9, Verdict.INCONCLUSIVE), (2.1, Verdict.FAILED)],
)
def test_a_miss_within_the_noise_cannot_be_told(miss: float, verdict: Verdict) -> None:
    assert noisy().classify(miss, 5, 15) is verdict
    assert noisy().classify(miss, 21, 25) is (Verdict.PASSED if miss <= 0 else Verdict.FAILED)


def test_patience_lasts_until_the_probe_has_spoken_and_noise_excuses_no_more() -> None:
    assert noisy().patience(21, 25) == pytest.approx(35)  # a second, real
    assert noisy().patience(5, 15) == pytest.approx(25)


def test_a_simulation_allows_for_rounding_alone() -> None:
    tolerance = Tolerance(header(pace=10.0, resolution=0.5))
    assert tolerance.late == tolerance.early == tolerance.resolution == pytest.approx(1e-6)
    tolerance.hear(observation("20 noise 2"))
    assert (tolerance.noise(0, 30), tolerance.patience(0, 30)) == (0.0, 30)
