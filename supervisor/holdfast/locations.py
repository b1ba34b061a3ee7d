"""Where supervisors keep their state when nobody says where, and which of them are there.

The state directory is the one thing by which a supervisor is found again: it holds the lock, the control socket
and the journal.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_HASH_DIGITS = 8  # enough that two files of one name do not meet, short enough to read
_NAME_LENGTH_MAX = 40


def state_root(environ: Mapping[str, str]) -> str:
    """The directory of all default state directories, as the XDG base directory specification has it."""
    home = environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(home):  # the specification: a relative path is to be ignored
        home = os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".local", "state")
    return os.path.join(home, "holdfast")


def default_state_directory(name: str, identity: str, environ: Mapping[str, str]) -> str:
    """The same for the same name and identity: a file's absolute path, or a command and where it was given."""
    digits = hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:_HASH_DIGITS]
    readable = re.sub(r"[^A-Za-z0-9_.-]", "-", name)[:_NAME_LENGTH_MAX].lstrip(".-")
    return os.path.join(state_root(environ), f"{readable or 'holdfast'}-{digits}")


def control_socket(state_directory: str) -> str:
    """The path of the control socket in a state directory."""
    return os.path.join(state_directory, "control.sock")


def state_directories(environ: Mapping[str, str]) -> list[str]:
    """The default state directories that have a control socket, in order of name; its supervisor may be gone."""
    root = state_root(environ)
    try:
        names = sorted(os.listdir(root))
    except OSError:
        return []
    directories = (os.path.join(root, name) for name in names)
    return [directory for directory in directories if os.path.lexists(control_socket(directory))]
