"""The supervisor's own signals: which of them it hears, which of those mean "stop", and how they end its wait.

What a stop means is decided in the core (STOP-3); what agents get of the supervisor's signals is seen to in `process`.
"""

import os
import signal
from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
_SURVIVED_SIGNALS = (
    *(signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF),
    *(signal.SIGIO, signal.SIGPWR),
)
"""These would end us without a word to the agents (signal(7)), which is never what was meant."""

HEARD_SIGNALS = (signal.SIGCHLD, *STOP_SIGNALS, *_SURVIVED_SIGNALS)


class Signals:
    """The supervisor's own signals: any of them ends the wait; the ones that mean "stop" are counted."""

    def __init__(self) -> None:
        self.stops = 0
        self.reader, self._writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._before = {number: signal.signal(number, self._heard) for number in HEARD_SIGNALS}
        self._wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)

    def drain(self) -> None:
        """Read the numbers away; that they came is enough."""
        try:
            while len(os.read(self.reader, 4096)) == 4096:
                pass
        except BlockingIOError:
            pass

    def close(self) -> None:
        """Give the signals back to whoever had them."""
        signal.set_wakeup_fd(self._wakeup)
        for number, before in self._before.items():
            signal.signal(number, before)
        os.close(self.reader)
        os.close(self._writer)

    def _heard(self, number: int, _frame: FrameType | None) -> None:
        if number in STOP_SIGNALS:
            self.stops += 1
