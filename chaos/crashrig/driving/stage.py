"""The loop of one real cell: everything that can be seen or is due, in one thread that never waits for one thing.

It brings together the observer, the agents' reports, the supervisor, the adapter, the faults and the live judge,
and writes every observation into the record. What happens in which order is told in `cell`.
"""

from __future__ import annotations

import os
import selectors
from time import monotonic_ns
from typing import TYPE_CHECKING

from crashrig.agents.reports import Reports
from crashrig.history import Observation
from crashrig.observers.process_event import ProcessEvent
from crashrig.proc import children

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from crashrig.driving.adapter_thread import AdapterThread
    from crashrig.driving.noise import NoiseProbe
    from crashrig.driving.supervisor_process import SupervisorProcess
    from crashrig.faults.injection import Scene
    from crashrig.faults.schedule import FaultSchedule
    from crashrig.judging.checker import LiveJudge
    from crashrig.observers.family import Family
    from crashrig.observers.process_event import Observer

READ_BYTES = 1 << 16

NOISE_SECONDS = 0.4
"""How often the noise probe's worst is written down; the judge wants a line at least every second."""

TURN_SECONDS_MAX = 0.5
"""A turn at least so often, whatever is due: nothing may depend on a single wake-up."""


class Stage:
    """The running cell. `record` holds all observations as they came; times are real seconds since `zero`."""

    def __init__(
        self, zero: int, observer: Observer, family: Family, reports: int, supervisor: SupervisorProcess, wake: int
    ) -> None:
        self.zero = zero
        self.record: list[Observation] = []
        self.family = family
        self.received: set[tuple[int, int]] = set()
        self.interrupted = False
        self._observer = observer
        self._reports_fd = reports
        self._reports = Reports(zero)
        self._supervisor = supervisor
        self._watchers: list[Callable[[Observation], None]] = []
        self._selector = selectors.DefaultSelector()
        self._register(observer.fileno(), self._read_processes)
        self._register(reports, self._read_reports)
        self._register(supervisor.pidfd, self._supervisor_ended)
        self._register(supervisor.output, self._read_output)
        self._register(wake, self._interrupt)
        self._wake = wake
        self._noise: NoiseProbe | None = None
        self._noise_at = NOISE_SECONDS
        self._reap = False
        self.supervisor_lives = True

    @property
    def now(self) -> float:
        """Real seconds since the history's zero."""
        return (monotonic_ns() - self.zero) / 1e9

    def write(self, observations: Iterable[Observation]) -> None:
        """Take observations into the record and show them to whoever watches."""
        for observation in observations:
            self.record.append(observation)
            for watcher in self._watchers:
                watcher(observation)

    def attend(self, adapter: AdapterThread, noise: NoiseProbe) -> None:
        """Take in what the adapter finds, and the noise."""
        self._register(adapter.fileno(), lambda: self.write(adapter.read()))
        self._noise = noise

    def play(self, judge: LiveJudge, faults: FaultSchedule, scene: Scene, until: float) -> str:
        """Run until the judge has settled, `until` has come, or the rig is interrupted: the word for the end."""
        self._watchers = [judge.observe, faults.observe]
        self.write([Observation(t=0.0, what="subject.start", pid=self._supervisor.pid, source="rig")])
        while True:
            now = self.now
            self.write(faults.step(now, scene))
            judge.advance(now)
            if self.interrupted:
                return "interrupted"
            if judge.settled:
                return "settled"
            if now >= until:
                return "timeout"
            if not self.alive and faults.next_time is None:
                return "subject-gone"
            self._turn(min(t for t in (until, judge.next_time, faults.next_time) if t is not None))

    @property
    def alive(self) -> bool:
        """Whether the supervisor or any process of an agent is still seen to live."""
        return self.supervisor_lives or bool(self.family.living())

    def go_on(self, until: float, enough: Callable[[], bool]) -> bool:
        """Take in what happens until `enough`, at the longest until `until`; whether it was enough."""
        while not enough():
            if self.now >= until:
                return False
            self._turn(until)
        return True

    # One turn ------------------------------------------------------------------------------------------------

    def _turn(self, until: float) -> None:
        for key, _ in self._selector.select(max(0.0, min(self._patience(), until - self.now))):
            key.data()
        if self._observer.interval:
            self._read_processes()
        if self._noise is not None and self.now >= self._noise_at:
            self._noise_at = self.now + NOISE_SECONDS
            value = round(self._noise.worst_since_last(), 6)
            self.write([Observation(t=self.now, what="noise", value=value, source="rig")])
        if self._reap:
            self._reap_orphans()

    def _patience(self) -> float:
        return self._observer.interval or TURN_SECONDS_MAX

    def _register(self, descriptor: int, read: Callable[[], None]) -> None:
        self._selector.register(descriptor, selectors.EVENT_READ, read)

    def _read_processes(self) -> None:
        for event in self._observer.read():
            self._reap = self._reap or event.what == "exit"
            self.write(self.family.see(event))

    def _read_reports(self) -> None:
        self._read_processes()  # who a report comes from is known by then
        try:
            data = os.read(self._reports_fd, READ_BYTES)
        except BlockingIOError:
            return
        for report in self._reports.feed(data):
            if report.what == "received" and report.signal is not None:
                self.received.add((report.pid, report.signal))
            self.write([report] if report.what == "lost" else self.family.hear(report))

    def _read_output(self) -> None:
        if self._supervisor.read_output() == 0:
            self._selector.unregister(self._supervisor.output)

    def _supervisor_ended(self) -> None:
        """The observer tells it with its time; where it has not, what was waited for is told instead."""
        self._selector.unregister(self._supervisor.pidfd)
        self._read_processes()
        status = self._supervisor.reap()
        self.write(self.family.see(ProcessEvent(monotonic_ns(), "exit", self._supervisor.pid, status=status)))
        self.supervisor_lives = False

    def _interrupt(self) -> None:
        os.read(self._wake, READ_BYTES)
        self.interrupted = True

    def _reap_orphans(self) -> None:
        """Take the status of dead orphans, which have fallen to this process; leave its own children alone."""
        self._reap = False
        for pid in children(os.getpid()):
            process = self.family.process(pid)
            if process is not None and process.ended and process.parent != os.getpid():
                try:
                    self._reap = os.waitpid(pid, os.WNOHANG)[0] == 0 or self._reap
                except ChildProcessError:
                    pass

    def close(self) -> None:
        """Take in what is already there, and let go of everything."""
        self._read_processes()
        self._read_reports()
        self.write(self._reports.finish())
        while self._supervisor.read_output():
            pass
        self._selector.close()
        self._observer.close()
        self._supervisor.close()
