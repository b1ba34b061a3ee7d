"""`os` and `signal` as fake agents import them: straight from the interpreter.

Importing the public modules takes longer than everything else a fake agent does before its first report (`os`
1 ms, `signal` 5 ms for the sake of its enums), and a slow start hides what a quick supervisor does. The names
are the same; only what the two modules add in Python is missing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    import signal
    from typing import NoReturn
else:
    import _signal as signal
    import posix as os

__all__ = ["end", "os", "signal"]


def end(code: int) -> "NoReturn":
    """Exit without any clean-up of the interpreter's."""
    os._exit(code)  # noqa: SLF001 - its public name
