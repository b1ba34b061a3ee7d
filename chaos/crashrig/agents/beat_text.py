"""What a heartbeat file holds, good or spoilt: pure functions, used by real and simulated bodies alike."""

from time import gmtime

FUTURE_SECONDS = 3600.0
"""How far ahead a beat of the kind `future` is stamped."""

SPOILT = ("truncated", "binary", "empty")
"""Kinds whose content is no beat at all; they are written in place, as a careless or dying writer would."""


def good(form: str, wall: float, pid: int) -> bytes:
    """A beat stamped with `wall` (Unix seconds) by process `pid`, as iso or json; mtime looks at neither."""
    if form == "json":
        return b'{"unix_ts": %.6f, "pid": %d}\n' % (wall, pid)
    seconds, micros = divmod(round(wall * 1e6), 1_000_000)
    year, month, day, hour, minute, second = gmtime(seconds)[:6]
    return b"%04d-%02d-%02dT%02d:%02d:%02d.%06d+00:00\n" % (year, month, day, hour, minute, second, micros)


def spoilt(kind: str, beat: bytes) -> bytes:
    """What is left of a good beat that was cut off, overwritten with rubbish, or emptied."""
    if kind == "truncated":
        return beat[: len(beat) // 2]
    if kind == "binary":
        return bytes(range(256))
    return b""


def stamp(kind: str, wall: float, last: float) -> float:
    """The time that a beat of this kind claims: `wall`, an hour ahead of it, or still the `last` good one's."""
    if kind == "frozen":
        return last
    return wall + FUTURE_SECONDS if kind == "future" else wall


def content(kind: str, form: str, claimed: float, pid: int, stranger: int) -> bytes:
    """The whole content of the file; a foreign beat is JSON, the only format that names a process."""
    if kind == "foreign":
        return good("json", claimed, stranger)
    beat = good(form, claimed, pid)
    return spoilt(kind, beat) if kind in SPOILT else beat
