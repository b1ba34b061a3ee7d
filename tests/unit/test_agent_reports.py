"""What fake agents report, as observations: whole lines only, and rubbish is lost, never an exception."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crashrig.agents.reports import LINE_BYTES_MAX, Reports
from crashrig.history import Observation

ZERO = 1_000_000_000
START = b'{"a":"worker","g":2,"p":77,"t":1500000000,"k":"start"}\n'


def report(more: str) -> bytes:
    return f'{{"a":"worker","g":1,"p":7,"t":2000000000,{more}}}\n'.encode()


def test_a_start_is_told_with_its_time_since_zero() -> None:
    (seen,) = Reports(ZERO).feed(START)
    assert seen == Observation(t=0.5, what="start", agent="worker", generation=2, pid=77, source="agent")


@pytest.mark.parametrize(
    ("more", "what", "field", "value"),
    [
        ('"k":"beat","text":"future"', "beat", "text", "future"),
        ('"k":"received","signal":15', "received", "signal", 15),
        ('"k":"note","text":"exit 3","code":3', "note", "code", 3),
        ('"k":"birth","parent":6', "birth", "parent", 6),
        ('"k":"ready"', "ready", "agent", "worker"),
    ],
)
def test_every_kind_has_its_values(more: str, what: str, field: str, value: object) -> None:
    (seen,) = Reports(ZERO).feed(report(more))
    assert seen.what == what
    assert getattr(seen, field) == value


def test_lines_may_arrive_in_any_pieces() -> None:
    whole = START + report('"k":"ready"') + report('"k":"beat","text":"good"')
    expected = Reports(ZERO).feed(whole)
    for size in (1, 7, 50):
        reports, seen = Reports(ZERO), list[Observation]()
        for at in range(0, len(whole), size):
            seen += reports.feed(whole[at : at + size])
        assert seen == expected
        assert reports.finish() == []


@pytest.mark.parametrize(
    "line",
    [
        b"garbage",
        b"{}",
        b'{"a":"worker","g":1,"p":7,"t":2,"k":"unheard-of"}',
        b'{"a":"worker","g":"one","p":7,"t":2,"k":"start"}',
        b"\xff\xfe\x00",
        b"[1, 2]",
    ],
)
def test_a_line_that_cannot_be_right_is_lost_and_the_next_one_is_not(line: bytes) -> None:
    first, lost, last = Reports(ZERO).feed(START + line + b"\n" + START)
    assert (first.what, lost.what, last.what) == ("start", "lost", "start")
    assert lost.text.startswith("not a report on the report line: ")
    assert lost.t == first.t


def test_half_a_line_is_lost_at_the_end() -> None:
    reports = Reports(ZERO)
    assert reports.feed(START[:-10]) == []
    (lost,) = reports.finish()
    assert lost.text.startswith("half a line on the report line: ")


def test_a_line_without_an_end_is_let_go() -> None:
    reports = Reports(ZERO)
    (lost,) = reports.feed(b"x" * (LINE_BYTES_MAX + 1))
    assert lost.text.startswith("a line without an end")
    assert [seen.what for seen in reports.feed(START)] == ["start"]


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_no_bytes_raise_anything(pieces: list[bytes]) -> None:
    reports = Reports(ZERO)
    for piece in pieces:
        for seen in reports.feed(piece):
            assert seen.what in {"lost", "start", "beat", "ready", "received", "note", "birth"}
    reports.finish()
