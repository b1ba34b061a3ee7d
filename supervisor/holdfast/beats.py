"""Signs of life in a file: what is a new beat, and what is none (HB-1, HB-3, HB-4).

A beat is a *token* that differs from the one before: the time that the file tells, or its modification time. The
token is compared with nothing else, above all not with a clock, so a clock that jumps makes no beat and hides
none. What the file held when a generation was started is that generation's first token, and no beat.

Files are polled, because a file system that is full, remote or replaced under an inotify watch loses no poll.
How often, so that a hang is seen in time, is said here too. Nothing here knows the time.
"""

import errno
import json
import math
import os
import re
import stat
from collections.abc import Callable

from holdfast.settings import BeatFormat

SIZE_MAX = 65536
"""A larger file is no heartbeat; no more than this is ever read."""

POLL_SECONDS_MIN = 0.025
POLL_SECONDS_MAX = 3.2
_POLLS_PER_TIMEOUT = 100

_READS_MAX = 3
_DATE = r"\d{4}-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])"
_TIME = r"([01]\d|2[0-4]):?[0-5]\d:?([0-5]\d|60)([.,]\d+)?"
_ISO = re.compile(rf"{_DATE}[Tt ]{_TIME}([Zz]|[+-]\d\d(:?\d\d)?)?", re.ASCII)
_ISO_BEGUN = re.compile(r"[0-9:T -]{1,18}", re.ASCII)

Token = str
_Mark = tuple[int, int, int, int] | int | None


class NoBeatError(Exception):
    """The file holds no beat; the text is one of the words of `BeatRejected`."""


def poll_interval(timeout: float) -> float:
    """Seconds between two looks: about a hundredth of the timeout, a quarter of what HB-5 allows at least.

    Always 25 ms times a power of two, so that the looks at many files fall together.
    """
    interval = POLL_SECONDS_MIN
    while interval * 2 <= min(timeout / _POLLS_PER_TIMEOUT, POLL_SECONDS_MAX):
        interval *= 2
    return interval


class BeatFile:
    """One heartbeat file, looked at again and again; `poll` says what is new."""

    def __init__(self, path: str, form: BeatFormat, is_member: Callable[[int], bool]) -> None:
        """`is_member` tells whether a process belongs to the agent, for files that name their writer."""
        self._path = path
        self._form = form
        self._is_member = is_member
        self._mark: _Mark = None
        self._token: Token | None = None

    def begin(self) -> None:
        """A generation is about to start: what is there now is stale."""
        self.poll()

    def poll(self) -> str | None:
        """Look once: "" for a new beat, a word for what is none, None when nothing has changed."""
        try:
            status = os.stat(self._path)
        except OSError as error:
            return self._unreadable(error)
        if _mark(status) == self._mark:
            return None
        try:
            token = self._look(status)
        except NoBeatError as no:
            return str(no)
        except OSError as error:
            return self._unreadable(error)
        if token == self._token:
            return "frozen"
        self._token = token
        return ""

    def _look(self, status: os.stat_result) -> Token:
        """The file's token as it is now; remembers what the file looked like meanwhile."""
        if not stat.S_ISREG(status.st_mode):
            self._mark = _mark(status)
            raise NoBeatError("unreadable")
        if self._form is BeatFormat.MTIME:
            self._mark = _mark(status)
            return str(status.st_mtime_ns)
        self._mark, data = _read(self._path)
        token, writer = read_token(data, self._form)
        if writer is not None and not self._is_member(writer):
            raise NoBeatError("foreign")
        return token

    def _unreadable(self, error: OSError) -> str | None:
        """A missing file is silence; anything else in the way is said once."""
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            self._mark = None
            return None
        code = error.errno or -1
        known, self._mark = self._mark == code, code
        return None if known else "unreadable"


def _mark(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _read(path: str) -> tuple[_Mark, bytes]:
    """The content together with what the file looked like while it was read; never waits for a FIFO or a device."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise NoBeatError("unreadable")
        for _ in range(_READS_MAX):
            data = os.pread(descriptor, SIZE_MAX + 1, 0)
            after = os.fstat(descriptor)
            if _mark(after) == _mark(before):
                break
            before = after
        return _mark(before), data
    finally:
        os.close(descriptor)


def read_token(data: bytes, form: BeatFormat) -> tuple[Token, int | None]:
    """The time that a heartbeat tells and, in JSON, the process that wrote it; raises NoBeatError."""
    if not data.strip():
        raise NoBeatError("empty")
    if len(data) > SIZE_MAX:
        raise NoBeatError("unparsable")
    try:
        text = data.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise NoBeatError("binary") from None
    if "\0" in text:
        raise NoBeatError("binary")
    if form is BeatFormat.JSON or (form is BeatFormat.AUTO and text.startswith("{")):
        return _from_json(text)
    return _from_iso(text), None


def _from_json(text: str) -> tuple[Token, int | None]:
    try:
        beat = json.loads(text)
    except (ValueError, RecursionError):
        whole = not text.startswith("{") or text.endswith("}")
        raise NoBeatError("unparsable" if whole else "truncated") from None
    if not isinstance(beat, dict):
        raise NoBeatError("unparsable")
    moment, writer = beat.get("unix_ts"), beat.get("pid")
    if not _is_number(moment) or not (writer is None or (isinstance(writer, int) and not isinstance(writer, bool))):
        raise NoBeatError("unparsable")
    return str(moment), writer


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return isinstance(value, int) or math.isfinite(value)


def _from_iso(text: str) -> Token:
    """A date and time, to the second at least: less may be what is left of a longer one."""
    if not _ISO.fullmatch(text):
        raise NoBeatError("truncated" if _ISO_BEGUN.fullmatch(text) else "unparsable")
    return text
