"""One real cell, as a process of its own, started by the reaper of its sandbox with the path of a `CellSpec`.

The life of a cell: move into the sandbox; open the observer; have the adapter write the supervisor's configuration
for the fake agents; start the supervisor, which is time zero; take in what happens and inject the faults until the
live judge has settled or the time is up; ask the supervisor to end, and kill it if it will not; see what it has
left alive; write the history; judge it; write the result. What is left alive is the reaper's to kill.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, monotonic_ns
from typing import TYPE_CHECKING

import msgspec

from crashrig import proc
from crashrig.agents.plan import REPORTS, prepare
from crashrig.driving.adapter_thread import AdapterThread
from crashrig.driving.cell_spec import HISTORY, RESULT, SUPERVISOR_LOG, CellSpec
from crashrig.driving.job import SUBJECT_DIRECTORY, make_job
from crashrig.driving.noise import NoiseProbe
from crashrig.driving.stage import Stage
from crashrig.driving.supervisor_process import SupervisorProcess
from crashrig.faults.injection import Scene
from crashrig.faults.schedule import FaultSchedule
from crashrig.history import Footer, Header, History, Observation, write_history
from crashrig.judging.checker import LiveJudge, judge, verdict_of
from crashrig.judging.reference import members
from crashrig.judging.world import agents_of
from crashrig.observers.choice import open_observer
from crashrig.observers.family import Family
from crashrig.quantities import decode_hook
from crashrig.results import CellResult
from crashrig.sandbox.group import Group
from crashrig.sandbox.reaper import REAPER
from crashrig.scenario import Scenario
from crashrig.subjects.protocol import SubjectError, UnsupportedError
from crashrig.subjects.registry import open_subject
from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from crashrig.agents.plan import PreparedAgent
    from crashrig.observers.family import Process
    from crashrig.observers.process_event import Observer
    from crashrig.subjects.protocol import Launch, Subject

STOP_SECONDS = 3.0
"""Real seconds that a supervisor may take to end, beside the grace it has to give its agents."""

HURRIED_STOP_SECONDS = 1.0
"""The same when the run was interrupted: a person is waiting."""

SETTLE_SECONDS = 0.3
"""How long what a supervisor has killed may take to be dead after it has ended itself."""

KEPT_BYTES_MAX = 1 << 20
"""A file of the adapter's that is larger is not kept with the results."""


def main() -> None:
    """Run the cell that the file in the first argument describes; its result is a file too."""
    spec = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=CellSpec)
    started = monotonic()
    try:
        enter_sandbox(spec)
        written = encoded(RealCell(spec).run(), started)
    except UnsupportedError as error:
        written = encoded(without_results(spec, Verdict.UNSUPPORTED, str(error)), started)
    except SubjectError as error:
        written = encoded(without_results(spec, Verdict.ERROR, str(error)), started)
    except Exception as error:  # the rig's own fault: said in the result, and in full in the cell's log
        traceback.print_exc()
        reason = f"the rig failed: {type(error).__name__}: {error}"
        written = encoded(without_results(spec, Verdict.ERROR, reason), started)
    (Path(spec.directory) / RESULT).write_bytes(written)
    sys.stderr.flush()
    os._exit(0)  # an adapter's thread may hang; nothing is left to be tidied up


def encoded(result: CellResult, started: float) -> bytes:
    """The result as its file holds it; `started` is when the cell began, by the monotonic clock."""
    result.seconds = monotonic() - started
    return msgspec.json.encode(result)


def without_results(spec: CellSpec, verdict: Verdict, reason: str) -> CellResult:
    """The result of a cell in which nothing was judged."""
    return CellResult(key=spec.key, verdict=verdict, reason=reason, pace=spec.pace)


def enter_sandbox(spec: CellSpec) -> None:
    """Die with the reaper, take in orphans, join the control group; nothing is started before that is done."""
    proc.die_with_parent()
    if os.environ.get(REAPER) != str(os.getppid()):
        os._exit(1)  # it died before it could be tied to
    proc.become_subreaper()
    Group(spec.group).join()


class RealCell:
    """One cell from beginning to end; used once, by the main thread of its process."""

    def __init__(self, spec: CellSpec) -> None:
        self._spec = spec
        self._directory = Path(spec.directory)
        self._scratch = Path(spec.scratch)
        self._scenario = msgspec.json.decode(Path(spec.scenario).read_bytes(), type=Scenario, dec_hook=decode_hook)
        self._timeout = self._scenario.timeout / spec.pace
        self._warnings: list[str] = []

    def run(self) -> CellResult:
        """Everything; SubjectError when the adapter or the supervisor could not do its part."""
        subject = open_subject(self._spec.subject)
        os.mkfifo(self._scratch / REPORTS)
        agents = prepare(self._scenario, self._scratch, self._spec.pace, self._spec.key.seed)
        job = make_job(agents, self._scratch, self._spec.pace, self._spec.key.seed, self._spec.override)
        launch = subject.render(job)
        observer = open_observer(self._spec.observer, os.getpid())
        reports = _open_reports(self._scratch / REPORTS)
        history, survivors = self._play(subject, agents, launch, observer, reports)
        self._keep_files()
        write_history(self._directory / HISTORY, history)
        return self._judge(history, survivors)

    # From the start of the supervisor to its end -------------------------------------------------------------

    def _play(
        self, subject: Subject, agents: list[PreparedAgent], launch: Launch, observer: Observer, reports: int
    ) -> tuple[History, list[str]]:
        header = self._header(observer)
        zero = monotonic_ns()
        supervisor = SupervisorProcess(launch, self._directory / SUPERVISOR_LOG)
        family = _family(agents, supervisor, zero, observer)
        stage = Stage(zero, observer, family, reports, supervisor, _wake_on_sigterm())
        adapter = AdapterThread(subject, zero, claims=self._mentions_claims())
        noise = NoiseProbe()
        stage.attend(adapter, noise)
        scene = self._scene(agents, supervisor, stage, adapter, launch)
        live = LiveJudge(self._scenario, header)
        faults = FaultSchedule(self._scenario.fault, agents_of(self._scenario), self._spec.pace)
        end = stage.play(live, faults, scene, self._timeout)
        t_end = self._skip_ahead(live, stage) if end == "subject-gone" else stage.now
        stage.write([Observation(t=t_end, what="end", text=end, source="rig")])
        faults.close()
        survivors = self._stop(stage, supervisor)
        adapter.close()
        noise.stop()
        stage.close()
        observations = sorted(stage.record, key=lambda observation: observation.t)
        footer = Footer(end=end, observations=len(observations))
        return History(header=header, observations=observations, footer=footer), survivors

    def _scene(
        self,
        agents: list[PreparedAgent],
        supervisor: SupervisorProcess,
        stage: Stage,
        adapter: AdapterThread,
        launch: Launch,
    ) -> Scene:
        return Scene(
            root=os.getpid(),
            supervisor=supervisor.pid,
            family=stage.family,
            agents={agent.name: agent for agent in agents},
            members=members(agents_of(self._scenario)),
            received=stage.received,
            operate=adapter.operate,
            launch=launch,
        )

    def _header(self, observer: Observer) -> Header:
        return Header(
            scenario=self._spec.key.scenario,
            subject=self._spec.key.subject,
            subject_version=self._spec.subject_version,
            seed=self._spec.key.seed,
            pace=self._spec.pace,
            observer=observer.name,
            resolution=observer.resolution,
            started=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )

    def _mentions_claims(self) -> bool:
        return b".claimed" in Path(self._spec.scenario).read_bytes()

    def _skip_ahead(self, live: LiveJudge, stage: Stage) -> float:
        """Nothing lives and nothing is due, so that nothing can happen any more: the rest need not be waited for.

        Returns the time at which the judge has settled, or the timeout.
        """
        now = stage.now
        while not live.settled and (wanted := live.next_time) is not None and now < wanted < self._timeout:
            now = wanted
            live.advance(now)
        return now if live.settled else self._timeout

    def _stop(self, stage: Stage, supervisor: SupervisorProcess) -> list[str]:
        """End the supervisor; what then is left alive, in words."""
        patience = HURRIED_STOP_SECONDS if stage.interrupted else STOP_SECONDS + self._longest_grace()
        survivors = []
        supervisor.ask_to_end()
        if not stage.go_on(stage.now + patience, lambda: not stage.supervisor_lives):
            survivors.append(f"the supervisor, process {supervisor.pid}, {patience:.1f} s after SIGTERM")
            supervisor.send(signal.SIGKILL)
            stage.go_on(stage.now + STOP_SECONDS, lambda: not stage.supervisor_lives)
        stage.go_on(stage.now + SETTLE_SECONDS, lambda: not stage.alive)
        living = stage.family.living()
        return survivors + [f"{p.agent} generation {p.generation}: {_what_it_is(p)} {p.pid}" for p in living]

    def _longest_grace(self) -> float:
        policies = [agent.policy or self._scenario.policy for agent in self._scenario.agents.values()]
        return max(policy.grace for policy in policies) / self._spec.pace

    # Afterwards ----------------------------------------------------------------------------------------------

    def _judge(self, history: History, survivors: list[str]) -> CellResult:
        results = judge(self._scenario, history, survivors)
        verdict, reason = verdict_of(results, self._scenario, self._spec.key.subject)
        if history.footer is not None and history.footer.end == "interrupted":  # what did not happen might have
            verdict, reason = Verdict.INCONCLUSIVE, "the run was interrupted"
        noise = max((o.value or 0.0 for o in history.observations if o.what == "noise"), default=0.0)
        return CellResult(
            key=self._spec.key,
            verdict=verdict,
            reason=reason,
            results=results,
            pace=self._spec.pace,
            noise=noise,
            survivors=survivors,
            warnings=self._warnings,
        )

    def _keep_files(self) -> None:
        """The supervisor's configuration and whatever else it has written, beside the history."""
        source, target = self._scratch / SUBJECT_DIRECTORY, self._directory / "config"
        for path in sorted(source.rglob("*")):
            if not path.is_file() or path.is_symlink():
                continue
            if path.stat().st_size > KEPT_BYTES_MAX:
                self._warnings.append(f"{path.relative_to(source)} was too large to be kept")
                continue
            kept = target / path.relative_to(source)
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, kept)


def _family(agents: list[PreparedAgent], supervisor: SupervisorProcess, zero: int, observer: Observer) -> Family:
    commands = {agent.name: agent.command for agent in agents}
    family = Family(os.getpid(), commands, zero, observer.source, sees_all=observer.sees_all)
    family.supervisor_is(supervisor.pid)
    return family


def _what_it_is(process: Process) -> str:
    return "first process" if process.leader else "process"


def _open_reports(path: Path) -> int:
    """The read end; opened for both, so that it never is at end of file while no agent lives (fifo(7))."""
    return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)


def _wake_on_sigterm() -> int:
    """A descriptor that becomes readable when the reaper asks this cell to end early."""
    wake, theirs = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(theirs)
    signal.signal(signal.SIGTERM, lambda *_: None)
    return wake


if __name__ == "__main__":
    main()
