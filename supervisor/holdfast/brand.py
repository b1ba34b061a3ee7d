"""A number that every process of a generation carries and does not lose: the soft limit RLIMIT_LOCKS.

A process inherits its limits from the one that starts it, whatever it does to its environment, session, parent
and descriptors, and from its first instruction on. Linux has not enforced this limit since 2.4.25 (getrlimit(2)),
so its soft value is free to say from which start a process descends; the hard value stays as it is. A program can
take the number off, but none does so by accident.
"""

import os
import resource

RLIMIT_LOCKS = 10
"""The `resource` module does not name it."""

_SALT_BYTES = 4
_SERIAL_BITS = 31


class Brands:
    """Puts a new number on whatever is started between `put_on` and `take_off`."""

    def __init__(self) -> None:
        self._usual = resource.getrlimit(RLIMIT_LOCKS)
        self._last = int.from_bytes(os.urandom(_SALT_BYTES), "big") << _SERIAL_BITS  # no other supervisor's numbers

    def put_on(self) -> int:
        """The number that a process started now will carry; 0 when the hard limit does not allow any."""
        self._last += 1
        try:
            resource.setrlimit(RLIMIT_LOCKS, (self._last, self._usual[1]))
        except (ValueError, OSError):
            return 0
        return self._last

    def take_off(self) -> None:
        """Go back to the limit that the supervisor was given."""
        resource.setrlimit(RLIMIT_LOCKS, self._usual)


def brand_of(pid: int) -> int:
    """The number that a process carries, a zombie too; 0 when it is gone or not to be asked."""
    try:
        return resource.prlimit(pid, RLIMIT_LOCKS)[0]
    except (ProcessLookupError, PermissionError):
        return 0
