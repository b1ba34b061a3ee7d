"""Durations and sizes with units, as they are read and as they are shown."""

from __future__ import annotations

import pytest

from crashrig.units import format_duration, parse_duration, parse_size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.00015, "150 µs"),
        (0.00099996, "1 ms"),
        (0.25, "250 ms"),
        (0.99997, "1 s"),
        (1.2, "1.2 s"),
        (119.96, "120 s"),
        (300, "5 m"),
        (86400, "24 h"),
        (-0.5, "-500 ms"),
    ],
)
def test_a_duration_is_shown_as_a_person_reads_it(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("1h30m", 5400), ("250ms", 0.25), ("0s", 0), ("1.5m", 90)])
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "90", "s", "90 s", "-1s", "1y", "90s5", "1e3s"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match='"90s"'):
        parse_duration(text)


@pytest.mark.parametrize(("text", "size"), [("256MiB", 2**28), ("2GB", 2 * 10**9), ("0.5KiB", 512), ("7B", 7)])
def test_a_size_is_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "256", "MiB", "1 MiB", "1mb", "-1B"])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match='"256MiB"'):
        parse_size(text)
