"""The probe beside each cell measures its own lateness, and each measurement is told once."""

from __future__ import annotations

import time

from running import until

from crashrig.driving.noise import NoiseProbe

TOO_LONG = 0.1


def test_lateness_is_told_once() -> None:
    slept: list[float] = []

    def oversleep(seconds: float) -> None:
        time.sleep(seconds if slept else seconds + TOO_LONG)
        slept.append(seconds)

    probe = NoiseProbe(oversleep)
    try:
        worst = until(lambda: probe.worst_since_last() or None, "a measurement")
        until(lambda: len(slept) > 5, "more of them")
        assert worst >= TOO_LONG * 0.9 or probe.worst_since_last() >= TOO_LONG * 0.9
    finally:
        probe.stop()
    assert probe.worst_since_last() < 60.0
    assert probe.worst_since_last() == 0.0
