"""Talks to a subject's adapter in a thread of its own: an adapter may take its time, a cell's loop may not.

All calls go through the one thread, in order, so that an adapter need not be safe for several.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from crashrig.history import Observation
from crashrig.subjects.protocol import SubjectError

if TYPE_CHECKING:
    from collections.abc import Callable

    from crashrig.subjects.protocol import Subject

T = TypeVar("T")

CLAIMS_SECONDS = 0.03
"""How often claims are asked for: finer than the allowance of a bound, and no burden to the supervisor."""

CLOSE_SECONDS = 2.0
"""How long a closing adapter is waited for; the thread dies with the cell anyway."""


class AdapterCall:
    """A command on its way; `problem` says why it was refused, empty when it was accepted."""

    def __init__(self) -> None:
        self.done = False
        self.problem = ""


class AdapterThread:
    """One adapter at work. `zero` is the history's zero; `claims` whether the supervisor's own word is wanted."""

    def __init__(self, subject: Subject, zero: int, *, claims: bool) -> None:
        self._subject = subject
        self._zero = zero
        self._claims: dict[str, str] | None = {} if claims else None
        self._orders: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._found: deque[Observation] = deque()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._work, name="adapter", daemon=True)
        self._thread.start()

    def fileno(self) -> int:
        """Readable when a command was answered or a claim has changed."""
        return self._wake

    def operate(self, command: str, agent: str) -> AdapterCall:
        """Give an operator's command; never waits."""
        call = AdapterCall()
        self._orders.put(lambda: self._carry_out(call, command, agent))
        return call

    def read(self) -> list[Observation]:
        """Claims that have changed since the last call."""
        try:
            os.eventfd_read(self._wake)
        except BlockingIOError:
            pass
        return [self._found.popleft() for _ in range(len(self._found))]

    def close(self) -> None:
        """Let the adapter close, and end the thread if it will."""
        self._orders.put(None)
        self._thread.join(CLOSE_SECONDS)

    def _work(self) -> None:
        while True:
            try:
                order = self._orders.get(timeout=None if self._claims is None else CLAIMS_SECONDS)
            except Empty:
                self._ask_for_claims()
                continue
            if order is None:
                break
            order()
        _quietly(self._subject.close)

    def _carry_out(self, call: AdapterCall, command: str, agent: str) -> None:
        try:
            self._subject.operate(command, agent)
        except SubjectError as error:
            call.problem = f"{command} {agent}".strip() + f" was refused: {error}"
        except Exception as error:  # an adapter of anybody's
            call.problem = f"the adapter failed: {type(error).__name__}: {error}"
        call.done = True
        os.eventfd_write(self._wake, 1)

    def _ask_for_claims(self) -> None:
        assert self._claims is not None
        claims = dict(_quietly(self._subject.claims) or {})
        t = (time.monotonic_ns() - self._zero) / 1e9
        changed = [(agent, state) for agent, state in claims.items() if self._claims.get(agent) != state]
        for agent, state in changed:
            self._claims[agent] = state
            self._found.append(Observation(t=t, what="claimed", agent=agent, text=state, source="subject"))
        if changed:
            os.eventfd_write(self._wake, 1)


def _quietly(ask: Callable[[], T]) -> T | None:
    """A supervisor that does not answer, not yet or not any more, has claimed nothing."""
    try:
        return ask()
    except Exception:  # an adapter of anybody's
        return None
