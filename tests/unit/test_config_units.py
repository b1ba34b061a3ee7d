"""Durations and sizes have units, and say the same when written back."""

from __future__ import annotations

import pytest

from holdfast.units import format_duration, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90.0), ("5m", 300.0), ("1h30m", 5400.0), ("250ms", 0.25), ("0s", 0.0), ("1.5s", 1.5), ("2d", 172800.0)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "90", "s", "5 m", " 5m", "5m ", "-1s", "1s2", "5min", "٥s", "1e3s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="no duration with a unit"):
        parse_duration(text)


@pytest.mark.parametrize(("text", "size"), [("2GiB", 2 << 30), ("500MB", 500_000_000), ("1.5KiB", 1536), ("0B", 0)])
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "2", "2G", "2 GiB", "GiB", "-1B"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="no size with a unit"):
        parse_size(text)


@pytest.mark.parametrize("text", ["0s", "90s", "5m", "2h", "1d", "250ms", "1.5s", "0.05ms", "121s", "100m"])
def test_a_duration_is_written_as_it_was(text: str) -> None:
    assert format_duration(parse_duration(text)) == text
