"""The journal (OBS-1): every event with the time the core was given, and what the core made of it, as JSON lines.

The first line of a run is a header with the settings; then comes one line for each event that was handled, and
a note for what concerns nobody's decisions. Read back, the events of one run, fed to a core made from its
header, must give the effects that stand beside them: that is replay. Nothing here decides or acts.

The file is rotated by size: `journal.jsonl.1` is the part before, `.2` the one before that, and so on; what is
older than the last is gone. Every part begins with a header of its own that says how many parts came before.

Writing never stops supervision: a line that cannot be written is lost, counted, and said once; when writing
works again, a note says how many are missing. Lines that come late in a turn are written at its end, one write
each, so that the way from a death to the next start does not wait for a disk.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from holdfast import __version__, clock
from holdfast.effects import Effect
from holdfast.events import Event
from holdfast.handoff import from_json, to_json
from holdfast.records import decode_effect, decode_event, encode
from holdfast.settings import Settings

FORMAT = 1
LINE_BYTES_MAX = 65536
PART_BYTES_MAX = 16 << 20
PARTS_KEPT = 4
"""A day of a hundred agents that beat every 30 s is about 50 MB; a supervisor never keeps more than 64 MiB."""

_TEXT_MAX = 8192
_RETRY_SECONDS = 1.0
_SAY_AGAIN_SECONDS = 60.0
"""A disk on the brink takes a line now and then: that is one story, not many."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision: what happened, when, and what the core wanted; no event means that the run began."""

    now: float
    event: Event | None
    effects: list[Effect]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a supervisor, as its journal tells it; `notes` are the other lines, as they are."""

    settings: Settings
    entries: list[Entry]
    notes: list[dict[str, object]]


class Journal:
    """The journal of this run, appended to the file of the state directory."""

    def __init__(self, path: str, settings: Settings, say: Callable[[str], None]) -> None:
        """Raises nothing: a journal that cannot be opened is tried again, and missed lines are counted."""
        self._path = path
        self._say = say
        self._descriptor = -1
        self._waiting: list[tuple[float, Entry | dict[str, object]]] = []
        self._lost = 0
        self._retry_at = 0.0
        self._say_again_at = 0.0
        self._settings = settings
        self._part = 0
        self._begun = False
        self._append_or_count(b"")

    def decided(self, now: float, event: Event | None, wanted: list[Effect]) -> None:
        """Keep one decision for the end of the turn."""
        self._waiting.append((clock.wall(), Entry(now, event, wanted)))

    def note(self, what: str, **more: object) -> None:
        """Keep a line that is no decision."""
        self._waiting.append((clock.wall(), {"now": clock.now(), "note": what, **more}))

    def flush(self) -> None:
        """Write what has been kept."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        for wall, line in waiting:
            fields = _encode_entry(line) if isinstance(line, Entry) else line
            self._append_or_count(_line({"wall": round(wall, 6), **fields}))

    def close(self) -> None:
        """Write the rest and close."""
        self.flush()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _append_or_count(self, line: bytes) -> None:
        """Write one line, or count it as lost; after a failure only one in a second is tried.

        The header comes before the first line, however late that can be written; an empty line is only that.
        """
        now = clock.now()
        if self._lost and now < self._retry_at:
            self._lost += 1
            return
        try:
            self._open()
            if not self._begun:
                self._append(_header(self._settings, self._part))
            if self._lost:
                lost = {"wall": round(clock.wall(), 6), "now": now, "note": "lost", "lines": self._lost}
                self._append(_line(lost))
                self._lost = 0
            if line:
                self._append(line)
        except OSError as error:
            if not self._lost and now >= self._say_again_at:
                self._say_again_at = now + _SAY_AGAIN_SECONDS
                self._say(f"journal {self._path}: {error.strerror}: lines are lost until it can be written again")
            self._lost += 1
            self._retry_at = now + _RETRY_SECONDS

    def _open(self) -> None:
        if self._descriptor < 0:
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            self._descriptor = os.open(self._path, flags, 0o600)
            size = os.fstat(self._descriptor).st_size
            if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
                os.write(self._descriptor, b"\n")  # the line that a killed supervisor did not finish

    def _append(self, line: bytes) -> None:
        """Write one whole line or none: what a full disk left of it is taken back."""
        size = os.fstat(self._descriptor).st_size
        if size and size + len(line) > PART_BYTES_MAX:
            self._rotate()
            size = os.fstat(self._descriptor).st_size
        written = os.write(self._descriptor, line)
        if written != len(line):
            os.ftruncate(self._descriptor, size)
            raise OSError(28, "No space left on device")
        self._begun = True

    def _rotate(self) -> None:
        """Begin a new part; the file that is being written keeps its content under another name."""
        for number in range(PARTS_KEPT - 2, -1, -1):
            try:
                os.rename(part_path(self._path, number), part_path(self._path, number + 1))
            except FileNotFoundError:
                pass  # not so many parts yet
        os.close(self._descriptor)
        self._descriptor = -1
        self._open()
        if self._begun:  # else the header of the run is what comes next
            self._part += 1
            os.write(self._descriptor, _header(self._settings, self._part))


def part_path(path: str, number: int) -> str:
    """Where a part of the journal at `path` lies; 0 is the one that is being written."""
    return f"{path}.{number}" if number else path


def _header(settings: Settings, part: int) -> bytes:
    """What replay needs; the environment of agents, where secrets live, is left out."""
    bare = replace(settings, agents=tuple(replace(agent, environment={}) for agent in settings.agents))
    first = {
        "wall": round(clock.wall(), 6),
        "now": clock.now(),
        "journal": FORMAT,
        "part": part,
        "holdfast": __version__,
        "pid": os.getpid(),
    }
    return _dump(first)[:-2] + b',"settings":' + to_json(bare).encode() + b"}\n"


def _line(fields: dict[str, object]) -> bytes:
    line = _dump(fields)
    return line if len(line) <= LINE_BYTES_MAX else _dump(_shortened(fields))


def _dump(fields: object) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def _shortened(value: object) -> object:
    """The same with long texts cut."""
    if isinstance(value, str):
        return value if len(value) <= _TEXT_MAX else value[:_TEXT_MAX] + " [cut]"
    if isinstance(value, dict):
        return {key: _shortened(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_shortened(each) for each in value]
    return value


def _encode_entry(entry: Entry) -> dict[str, object]:
    return {
        "now": entry.now,
        "event": {"type": "Begin"} if entry.event is None else encode(entry.event),
        "effects": [encode(effect) for effect in entry.effects],
    }


def _decode_entry(fields: dict[str, object]) -> Entry:
    now, event, wanted = fields["now"], fields["event"], fields["effects"]
    if not isinstance(now, float | int) or not isinstance(event, dict) or not isinstance(wanted, list):
        raise ValueError("expected now, event and effects")  # noqa: TRY004 - one kind of error for a bad line
    begun = event == {"type": "Begin"}
    return Entry(now, None if begun else decode_event(event), [decode_effect(effect) for effect in wanted])


# Reading -----------------------------------------------------------------------------------------------------


class JournalError(Exception):
    """A journal that cannot be read; the text says where."""


def read(path: str) -> list[Run]:
    """All runs in a journal and its older parts, oldest first; a last line that is torn is left out.

    A run whose beginning has been rotated away begins with a note that lines are lost. Raises JournalError for a
    line that is broken, and OSError.
    """
    older = [part for number in range(PARTS_KEPT - 1, 0, -1) if os.path.exists(part := part_path(path, number))]
    runs: list[Run] = []
    last: tuple[object, object] = (None, None)
    for part in [*older, path]:
        last = _read_part(part, runs, last)
    return runs


def _read_part(path: str, runs: list[Run], last: tuple[object, object]) -> tuple[object, object]:
    """Add what one part holds; `last` is the pid and the number of the part that was read before."""
    for number, fields in _lines(path):
        try:
            if "journal" in fields:
                this = (fields["pid"], fields.get("part", 0))
                if not _continues(this, last):
                    runs.append(Run(from_json(json.dumps(fields["settings"])), [], []))
                    if this[1]:
                        runs[-1].notes.append({"note": "lost", "now": fields["now"], "parts": this[1]})
                last = this
            elif "event" in fields:
                runs[-1].entries.append(_decode_entry(fields))
            else:
                runs[-1].notes.append(fields)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise JournalError(f"{path}:{number}: not a line of a journal: {error!r}") from None
    return last


def _continues(this: tuple[object, object], last: tuple[object, object]) -> bool:
    """Whether a part is the next one of the same run."""
    return isinstance(this[1], int) and isinstance(last[1], int) and this[1] == last[1] + 1 and this[0] == last[0]


def _lines(path: str) -> Iterator[tuple[int, dict[str, object]]]:
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    whole = text.split("\n")[:-1]  # what follows the last newline was being written when the supervisor died
    for number, line in enumerate(whole, 1):
        try:
            fields = json.loads(line)
        except ValueError as error:
            if _is_torn(whole, number):
                continue
            raise JournalError(f"{path}:{number}: not JSON: {error}") from None
        if not isinstance(fields, dict):
            raise JournalError(f"{path}:{number}: expected an object")
        yield number, fields


def _is_torn(lines: list[str], number: int) -> bool:
    """A broken line that ends a run: the next one is the header of the run that followed."""
    return number == len(lines) or '"journal":' in lines[number]
