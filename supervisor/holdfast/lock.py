"""One supervisor for each state directory (PRE-2).

The lock is flock(2) on `lock` in the directory: the kernel gives it back however the holder dies, so a lock left
behind cannot exist. The pid inside is for people only. The descriptor closes on exec: agents never hold it.
"""

import fcntl
import os


class LockedError(Exception):
    """Another supervisor has the state directory; the text says which."""


class Lock:
    """The held lock of a state directory."""

    def __init__(self, state_directory: str) -> None:
        """Make the directory (0700) where it is missing and take the lock; raises LockedError or OSError."""
        os.makedirs(state_directory, mode=0o700, exist_ok=True)
        path = os.path.join(state_directory, "lock")
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise LockedError(
                f"state directory {state_directory}: another supervisor (pid {holder}) is running there; "
                "stop it, or use another state_directory"
            ) from None
        self._write(f"{os.getpid()}\n")

    def release(self) -> None:
        """Give the lock back; the file stays, because removing it would race with the next supervisor."""
        self._write("")
        os.close(self._descriptor)

    def _write(self, text: str) -> None:
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, text.encode(), 0)
        except OSError:  # a full disk: the lock holds, only its inscription is missing
            pass
