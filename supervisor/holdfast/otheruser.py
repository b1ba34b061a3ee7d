"""Starting an agent as another user, through `subprocess`, which alone can change the user before exec.

This costs about a millisecond more than `posix_spawn` and some memory, so it is imported only when it is needed.
"""

import grp
import os
import pwd
import subprocess
from collections.abc import Sequence
from typing import NamedTuple


class Account(NamedTuple):
    """Who the agent is to be."""

    uid: int
    gid: int
    groups: list[int]
    environment: dict[str, str]


def account(user: str) -> Account:
    """The account behind a name or a number, with its own group after a colon; raises LookupError with a text."""
    name, _, group = user.partition(":")
    try:
        entry = pwd.getpwuid(int(name)) if name.isdigit() else pwd.getpwnam(name)
    except KeyError:
        if not name.isdigit():
            raise LookupError(f"user {name}: no such user") from None
        gid = _group(group) if group else int(name)
        return Account(int(name), gid, [], {})
    gid = _group(group) if group else entry.pw_gid
    environment = {"HOME": entry.pw_dir, "USER": entry.pw_name, "LOGNAME": entry.pw_name}
    return Account(entry.pw_uid, gid, os.getgrouplist(entry.pw_name, gid), environment)


def _group(name: str) -> int:
    if name.isdigit():
        return int(name)
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise LookupError(f"group {name}: no such group") from None


def start(
    path: str,
    command: Sequence[str],
    environment: dict[str, str],
    directory: str,
    who: Account,
    null: int,
    target: int | None,
) -> int:
    """Start the program and return its pid; raises OSError, its `filename` the directory when that is the cause."""
    process = subprocess.Popen(
        command,
        executable=path,
        env=environment,
        cwd=directory or None,
        stdin=null,
        stdout=target,
        stderr=target,
        start_new_session=True,
        user=who.uid,
        group=who.gid,
        extra_groups=who.groups,
    )
    process.returncode = 0  # the loop reaps it: nobody else may wait for it, nor warn that nobody did
    return process.pid
