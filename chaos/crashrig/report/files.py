"""Reading and writing the files of a run's directory: whole or not at all, and never outside of it."""

from __future__ import annotations

import os
from pathlib import Path


class ReportError(Exception):
    """A stored run cannot be read; the text says which file, why, and what to do."""


def write_atomically(path: Path, content: str | bytes) -> None:
    """Put `content` at `path` so that a reader sees the old file or the new one, never a part.

    Text is written as UTF-8; a lone surrogate, which no file can hold, is written as its escape.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def inside(directory: Path, relative: str) -> Path | None:
    """The path `relative` names within `directory`; None when it is empty or leads outside."""
    if not relative:
        return None
    path = Path(os.path.normpath(directory / relative))
    return path if path.is_relative_to(directory) and path != directory else None
