"""The two clocks of the shell: one to compare with, one to show.

Everything that is compared uses `now`: it does not jump, and it stands still while the machine sleeps (HB-4).
The wall clock appears only in what people read. The core reads neither; its drivers hand `now` to it.
"""

import time

now = time.monotonic
"""Seconds on CLOCK_MONOTONIC."""

wall = time.time
"""Seconds since 1970, for journal lines; never compared."""
