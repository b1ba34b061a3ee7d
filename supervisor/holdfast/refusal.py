"""Why the kernel refused to start a program, in words a person can act on (RST-8).

execve(2) says "No such file or directory" also when only the interpreter is missing, and "Permission denied" for
four different things. Here the file is looked at again, after the failure, to say which.
"""

import errno
import os
import stat

_FIRST_LINE_MAX = 256


def why(path: str, error: OSError, user: str = "") -> str:
    """`path: cause`, the cause found by looking at the file; the working directory must still be the agent's."""
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            cause = _missing(path)
        case errno.EACCES:
            cause = _not_permitted(path, user)
        case errno.EPERM if user:
            cause = f"not permitted to run it as {user}: only root may change the user"
        case errno.ENOEXEC:
            cause = "not a program: neither a known binary format nor a first line that begins with #!"
        case errno.EAGAIN:
            cause = "no process can be started just now: the limit of processes is reached (EAGAIN)"
        case errno.E2BIG:
            cause = "arguments and environment together are too long (E2BIG)"
        case errno.ETXTBSY:
            cause = "the file is open for writing (ETXTBSY)"
        case _:
            cause = f"{error.strerror} ({errno.errorcode.get(error.errno or 0, error.errno)})"
    return f"{path}: {cause}"


def _missing(path: str) -> str:
    if not os.path.lexists(path):
        return "no such file"
    if not os.path.exists(path):
        return "a symbolic link that leads nowhere"
    interpreter = _interpreter(path)
    if interpreter and not os.path.exists(interpreter):
        return f"bad interpreter: {interpreter}, named in its first line, does not exist"
    return "the loader or interpreter it needs does not exist (a program for another system?)"


def _not_permitted(path: str, user: str) -> str:
    who = f"{user} " if user else ""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return f"{who}may not look into one of its directories"
    if stat.S_ISDIR(mode):
        return "is a directory"
    if not stat.S_ISREG(mode):
        return "is not a regular file"
    if not os.access(path, os.X_OK):
        return "is not executable: chmod +x would make it so"
    interpreter = _interpreter(path)
    if interpreter and not os.access(interpreter, os.X_OK):
        return f"bad interpreter: {interpreter}, named in its first line, is not executable"
    return f"{who}may not execute it (its directories, or a file system mounted noexec)"


def _interpreter(path: str) -> str:
    """What the first line of a script names after #!; empty for anything else."""
    try:
        with open(path, "rb") as file:
            line = file.read(_FIRST_LINE_MAX).split(b"\n")[0]
    except OSError:
        return ""
    words = line[2:].split()
    return os.fsdecode(words[0]) if line.startswith(b"#!") and words else ""
