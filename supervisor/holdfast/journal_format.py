"""What a journal consists of (OBS-1): its lines, as records and as bytes, and the parts that it is kept in.

The first line of a run is a header with the settings; then comes one line for each event that was handled, and
a note for what concerns nobody's decisions. Read back, the events of one run, fed to a core made from its
header, must give the effects that stand beside them: that is replay.

The file is rotated by size: `journal.jsonl.1` is the part before, `.2` the one before that, and so on; what is
older than the last is gone. Every part begins with a header of its own that says how many parts came before.
No file is touched here.
"""

import json
import os
from dataclasses import dataclass, replace

from holdfast import __version__, clock
from holdfast.effects import Effect
from holdfast.events import Event
from holdfast.handoff import to_json
from holdfast.records import decode_effect, decode_event, encode
from holdfast.settings import Settings

FORMAT = 1
LINE_BYTES_MAX = 65536
PARTS_KEPT = 4
_TEXT_MAX = 8192


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision: what happened, when, and what the core wanted; no event means that the run began."""

    now: float
    event: Event | None
    effects: list[Effect]


def part_path(path: str, number: int) -> str:
    """Where a part of the journal at `path` lies; 0 is the one that is being written."""
    return f"{path}.{number}" if number else path


def header(settings: Settings, part: int) -> bytes:
    """The first line of a part: what replay needs; the environment of agents, where secrets live, is left out."""
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


def to_line(fields: dict[str, object]) -> bytes:
    """One line of at most LINE_BYTES_MAX: in a longer one, long texts are cut."""
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


def encode_entry(entry: Entry) -> dict[str, object]:
    """What the line of a decision says."""
    return {
        "now": entry.now,
        "event": {"type": "Begin"} if entry.event is None else encode(entry.event),
        "effects": [encode(effect) for effect in entry.effects],
    }


def decode_entry(fields: dict[str, object]) -> Entry:
    """The decision that `encode_entry` was given; ValueError, KeyError or TypeError for anything else."""
    now, event, wanted = fields["now"], fields["event"], fields["effects"]
    if not isinstance(now, float | int) or not isinstance(event, dict) or not isinstance(wanted, list):
        raise ValueError("expected now, event and effects")  # noqa: TRY004 - one kind of error for a bad line
    begun = event == {"type": "Begin"}
    return Entry(now, None if begun else decode_event(event), [decode_effect(effect) for effect in wanted])
