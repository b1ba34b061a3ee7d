"""What a heartbeat file must hold to be a beat (HB-1, HB-3, HB-4)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from holdfast.beats import (
    POLL_SECONDS_MAX,
    POLL_SECONDS_MIN,
    SIZE_MAX,
    BeatFile,
    NoBeatError,
    poll_interval,
    read_token,
)
from holdfast.settings import BeatFormat

JSON, ISO, AUTO, MTIME = BeatFormat.JSON, BeatFormat.ISO, BeatFormat.AUTO, BeatFormat.MTIME


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2026-01-01T00:00:00Z", AUTO),
        ("2026-01-01T00:00:00.123456789+01:00\n", AUTO),
        ("2026-01-01 00:00:00,5", ISO),
        ("20260101T000000Z", ISO),
        ("2026-12-31T23:59:60", ISO),
        ('{"unix_ts": 1767225600}', AUTO),
        ('{"unix_ts": 1767225600.5, "more": [1]}', JSON),
        ('  {"unix_ts": -1}\n', AUTO),
    ],
)
def test_a_beat(text: str, form: BeatFormat) -> None:
    token, writer = read_token(text.encode(), form)
    assert token
    assert writer is None


@pytest.mark.parametrize(
    ("data", "form", "why"),
    [
        (b"", AUTO, "empty"),
        (b" \n", JSON, "empty"),
        (b"\xff\xfe\x01", AUTO, "binary"),
        (b"2026-01-01T00:00:00Z\0\0\0", AUTO, "binary"),
        (b"\0" * 20, AUTO, "binary"),
        (b"2026-01-01T00:0", ISO, "truncated"),
        (b"2026-01-01", AUTO, "truncated"),
        (b"2026-01-01T00:00", AUTO, "truncated"),
        (b'{"unix_ts": 17672', AUTO, "truncated"),
        (b"yesterday", AUTO, "unparsable"),
        (b"2026-13-01T00:00:00Z", AUTO, "unparsable"),
        (b"2026-01-01T00:00:00Z trailing", AUTO, "unparsable"),
        ("２０２６-01-01T00:00:00Z".encode(), AUTO, "unparsable"),
        (b"1767225600", AUTO, "truncated"),
        (b'{"unix_ts": "1767225600"}', AUTO, "unparsable"),
        (b'{"unix_ts": true}', AUTO, "unparsable"),
        (b'{"unix_ts": NaN}', AUTO, "unparsable"),
        (b'{"unix_ts": 1e999}', AUTO, "unparsable"),
        (b'{"unix_ts": 1, "pid": "x"}', AUTO, "unparsable"),
        (b"{}", AUTO, "unparsable"),
        (b"[1]", JSON, "unparsable"),
        (b"{" * 60000, JSON, "truncated"),
        (b"[" * 60000, JSON, "unparsable"),
        (b"1" * (SIZE_MAX + 1), AUTO, "unparsable"),
        (b'{"unix_ts": ' + b"1" * 5000 + b"}", AUTO, "unparsable"),
    ],
)
def test_no_beat(data: bytes, form: BeatFormat, why: str) -> None:
    with pytest.raises(NoBeatError, match=f"^{why}$"):
        read_token(data, form)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "beat"


def watch(path: Path, form: BeatFormat = AUTO, members: frozenset[int] = frozenset()) -> BeatFile:
    file = BeatFile(str(path), form, members.__contains__)
    file.begin()
    return file


def put(path: Path, text: str) -> None:
    """As careful writers do it; a new inode every time."""
    new = path.with_suffix(".new")
    new.write_text(text)
    os.replace(new, path)


def test_a_missing_file_is_silence(path: Path) -> None:
    file = watch(path)
    assert file.poll() is None


def test_what_was_there_before_is_no_beat(path: Path) -> None:
    put(path, "2026-01-01T00:00:00Z")
    file = watch(path)
    assert file.poll() is None
    put(path, "2026-01-01T00:00:00Z")
    assert file.poll() == "frozen"
    assert file.poll() is None
    put(path, "2026-01-01T00:00:30Z")
    assert file.poll() == ""
    assert file.poll() is None


def test_what_was_there_before_stays_stale_for_every_start(path: Path) -> None:
    file = watch(path)
    put(path, "2026-01-01T00:00:00Z")
    file.begin()
    put(path, "2026-01-01T00:00:00Z")
    assert file.poll() == "frozen"


def test_a_clock_that_goes_back_is_a_beat_all_the_same(path: Path) -> None:
    file = watch(path)
    put(path, "2026-01-01T01:00:00Z")
    assert file.poll() == ""
    put(path, "2026-01-01T00:00:00Z")
    assert file.poll() == ""


def test_no_beat_is_said_once_for_each_change(path: Path) -> None:
    file = watch(path)
    put(path, "")
    assert [file.poll(), file.poll()] == ["empty", None]
    put(path, "nonsense")
    assert [file.poll(), file.poll()] == ["unparsable", None]
    put(path, "2026-01-01T00:00:00Z")
    assert file.poll() == ""


def test_a_beat_from_another_process_is_foreign(path: Path) -> None:
    file = watch(path, JSON, frozenset({7}))
    put(path, '{"unix_ts": 1, "pid": 8}')
    assert file.poll() == "foreign"
    put(path, '{"unix_ts": 2, "pid": 7}')
    assert file.poll() == ""


def test_the_time_of_the_file_itself(path: Path) -> None:
    path.write_text("anything")
    file = watch(path, MTIME)
    os.utime(path, ns=(1, 10**18))
    assert file.poll() == ""
    os.utime(path, ns=(2, 10**18))
    assert file.poll() is None
    path.write_text("")
    assert file.poll() == ""


def test_a_file_that_goes_and_comes_is_watched_on(path: Path) -> None:
    file = watch(path)
    put(path, "2026-01-01T00:00:00Z")
    assert file.poll() == ""
    path.unlink()
    assert file.poll() is None
    put(path, "2026-01-01T00:00:00Z")
    assert file.poll() == "frozen"
    put(path, "2026-01-01T00:00:01Z")
    assert file.poll() == ""


@pytest.mark.parametrize("kind", ["fifo", "directory", "loop", "device"])
def test_nothing_but_a_file_is_read(path: Path, kind: str) -> None:
    file = watch(path)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to(path)
    else:
        path.symlink_to("/dev/zero")
    assert [file.poll(), file.poll()] == ["unreadable", None]


@pytest.mark.parametrize("timeout", [0.1, 0.5, 1.0, 1.8, 2.0, 5.0, 30.0, 90.0, 300.0, 86400.0])
def test_looks_are_often_enough_and_no_more(timeout: float) -> None:
    """HB-5 allows max(100 ms, 2 %); a look may be late by its own interval, and what it finds too."""
    interval = poll_interval(timeout)
    assert interval <= max(0.1, 0.02 * timeout) / 2
    assert POLL_SECONDS_MIN <= interval <= POLL_SECONDS_MAX
    assert (interval / POLL_SECONDS_MIN) in {2.0**n for n in range(8)}
