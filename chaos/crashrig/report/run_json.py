"""run.json: the whole result of a run as one JSON document, written and read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from crashrig.report.files import ReportError, write_atomically
from crashrig.results import FORMAT, Run

if TYPE_CHECKING:
    from pathlib import Path

NAME = "run.json"


def write(run: Run, directory: Path) -> Path:
    """Write `run` into `directory` and say where."""
    path = directory / NAME
    write_atomically(path, msgspec.json.format(encode(run), indent=1) + b"\n")
    return path


def encode(record: object) -> bytes:
    """A record as JSON. Text that no JSON can hold (undecodable bytes of a file name) is written as escapes."""
    try:
        return msgspec.json.encode(record)
    except UnicodeEncodeError:
        return msgspec.json.encode(_encodable(msgspec.to_builtins(record)))


def _encodable(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case list():
            return [_encodable(item) for item in value]
        case dict():
            return {key: _encodable(item) for key, item in value.items()}
        case _:
            return value


def read_run(path: Path) -> Run:
    """Read a stored run; `path` is its directory or its run.json.

    Raises ReportError when there is no such file, or when it is not a run of this format.
    """
    file = path / NAME if path.is_dir() else path
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ReportError(
            f"{file}: {error.strerror}; expected the directory of a run, such as reports/latest"
        ) from error
    try:
        run = msgspec.json.decode(data, type=Run)
    except msgspec.MsgspecError as error:
        raise ReportError(f"{file}: not a run, or cut off: {error}; run the scenarios again") from error
    if run.format != FORMAT:
        raise ReportError(f"{file}: format {run.format}, this program reads {FORMAT}; use the crashrig that wrote it")
    return run
