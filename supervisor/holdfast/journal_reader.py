"""Reading journals back: all runs that are in one, with its older parts, as far as they are whole (OBS-1)."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.handoff import from_json
from holdfast.journal_format import PARTS_KEPT, Entry, decode_entry, part_path
from holdfast.settings import Settings


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a supervisor, as its journal tells it; `notes` are the other lines, as they are."""

    settings: Settings
    entries: list[Entry]
    notes: list[dict[str, object]]


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
                runs[-1].entries.append(decode_entry(fields))
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
