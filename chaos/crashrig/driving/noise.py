"""How late this machine is just now: a thread that sleeps a little, again and again, and records its own lateness.

The judge widens nothing silently by it: a result that noise alone could have turned is inconclusive.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SLEEP_SECONDS = 0.01
"""Short against the allowance of 150 ms, long enough to cost next to nothing."""


class NoiseProbe:
    """Measures from its creation until `stop`. `worst_since_last` may be called from any thread.

    `sleep` is replaced in tests.
    """

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._worst = 0.0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._measure, name="noise probe", daemon=True)
        self._thread.start()

    def _measure(self) -> None:
        while not self._stop.is_set():
            planned = time.monotonic() + SLEEP_SECONDS
            self._sleep(SLEEP_SECONDS)
            late = time.monotonic() - planned
            with self._lock:
                self._worst = max(self._worst, late)

    def worst_since_last(self) -> float:
        """The greatest lateness in real seconds since the last call."""
        with self._lock:
            worst, self._worst = self._worst, 0.0
        return worst

    def stop(self) -> None:
        """End the measuring."""
        self._stop.set()
        self._thread.join()
