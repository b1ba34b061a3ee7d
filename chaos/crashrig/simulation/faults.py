"""Faults in virtual time: when they are due, what they do to simulated processes and files, and that it happened.

An injection is `proven` when the kernel shows its effect, `unproven` with the reason when there was nothing to
hit; what is undone after a while is `lifted`.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from crashrig.history import Observation
from crashrig.judging.moment import MomentWatch, compile_moment
from crashrig.judging.reference import SUPERVISOR, members
from crashrig.judging.world import agents_of
from crashrig.simulation.tampering import tamper

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crashrig.agents.plan_file import Plan
    from crashrig.scenario import Fault, Freeze, Kill, Operator, Scenario, Tamper
    from crashrig.simulation.clock import Clock
    from crashrig.simulation.kernel import Kernel
    from crashrig.simulation.process import Process
    from crashrig.simulation.supervisor import Supervisor


class NothingToHitError(Exception):
    """The injection found no target; the text says which."""


class Injector:
    """Fires the faults of a scenario, each once, when its moment has come."""

    def __init__(
        self,
        scenario: Scenario,
        plans: Mapping[str, Plan],
        clock: Clock,
        kernel: Kernel,
        supervisor: Supervisor,
        observe: Callable[[Observation], None],
    ) -> None:
        self._clock = clock
        self._kernel = kernel
        self._supervisor = supervisor
        self._observe = observe
        self._plans = plans
        agents = agents_of(scenario)
        self._members = members(agents)
        self._waiting = {
            number: (fault, MomentWatch(compile_moment(fault.when), agents))
            for number, fault in enumerate(scenario.fault, 1)
        }

    def begin(self) -> None:
        """Set the faults whose moment is a time."""
        for number, (_, watch) in list(self._waiting.items()):
            if watch.due is not None:
                self._set(number, watch.due)

    def see(self, observation: Observation) -> None:
        """Set the faults whose moment this observation makes known."""
        for number, (_, watch) in list(self._waiting.items()):
            if watch.observe(observation) and watch.due is not None:
                self._set(number, watch.due)

    def _set(self, number: int, due: float) -> None:
        fault, _ = self._waiting.pop(number)
        self._clock.at(due, lambda: self._fire(number, fault))

    # Firing --------------------------------------------------------------------------------------------------

    def _fire(self, number: int, fault: Fault) -> None:
        name = f"{number} {fault.kind}"
        self._tell(name, "injected")
        try:
            undo = self._inject(fault)
        except NothingToHitError as error:
            self._tell(f"{name}: {error}", "unproven")
            return
        self._tell(name, "proven")
        if undo is not None:
            after, action = undo
            self._clock.after(after, lambda: self._lift(name, action))

    def _lift(self, name: str, action: Callable[[], None]) -> None:
        action()
        self._tell(name, "lifted")

    def _inject(self, fault: Fault) -> tuple[float, Callable[[], None]] | None:
        """Do it; what undoes it, and after how many seconds, if something does."""
        if fault.freeze is not None:
            return self._freeze(fault.freeze)
        if fault.kill is not None:
            self._kill(fault.kill)
        if fault.tamper is not None:
            self._tamper(fault.tamper)
        if fault.operator is not None:
            self._operate(fault.operator)
        if fault.second is not None:
            raise NothingToHitError("there is one supervisor in a simulation")
        return None

    def _kill(self, kill: Kill) -> None:
        number = signal.Signals[kill.signal]
        for send in self._targets(kill.target, kill.scope):
            send(number)

    def _freeze(self, freeze: Freeze) -> tuple[float, Callable[[], None]] | None:
        sends = self._targets(freeze.target, freeze.scope)
        for send in sends:
            send(signal.SIGSTOP)
        if freeze.for_ is None:
            return None

        def thaw() -> None:
            for send in sends:
                send(signal.SIGCONT)

        return freeze.for_, thaw

    def _tamper(self, order: Tamper) -> None:
        for agent in self._members[order.target]:
            leader = self._kernel.leader(agent)
            file, form = self._supervisor.heartbeat_file(agent), self._plans[agent].format
            try:
                tamper(file, order.content, form, self._clock.now, leader.pid if leader is not None else 0)
            except FileNotFoundError:
                raise NothingToHitError(f"{agent} has no heartbeat file") from None

    def _operate(self, order: Operator) -> None:
        if not self._supervisor.alive:
            raise NothingToHitError("the supervisor is gone")
        self._supervisor.operate(order.command, self._members[order.target] if order.target else ())

    # Targets -------------------------------------------------------------------------------------------------

    def _targets(self, target: str, scope: str) -> list[Callable[[int], None]]:
        """What sends a signal to each process that is meant."""
        if target == SUPERVISOR:
            if not self._supervisor.alive:
                raise NothingToHitError("the supervisor is gone")
            return [self._supervisor.kill]
        processes = [process for agent in self._members[target] for process in self._scope(agent, scope)]
        if not processes:
            raise NothingToHitError(f"{target} has no living {'process' if scope == 'tree' else 'first process'}")
        return [self._sender(process) for process in processes]

    def _scope(self, agent: str, scope: str) -> list[Process]:
        if scope == "tree":
            return self._kernel.tree(agent)
        leader = self._kernel.leader(agent)
        return [] if leader is None else [leader]

    def _sender(self, process: Process) -> Callable[[int], None]:
        return lambda number: self._kernel.kill(process, number)

    def _tell(self, text: str, phase: str) -> None:
        self._observe(Observation(t=self._clock.now, what="fault", text=text, phase=phase, source="simulation"))
