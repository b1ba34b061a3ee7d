"""What became of a scenario's faults: injected, proven, lifted (CHS-3), as the history says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crashrig.judging.monitors.recover import end_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crashrig.history import Observation
    from crashrig.scenario import Fault


class FaultRecord:
    """Follows the phases of each fault; they are numbered from 1, in the order of the file."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = dict(enumerate(faults, 1))
        self._phases: dict[int, set[str]] = {number: set() for number in self._faults}

    def see(self, observation: Observation) -> None:
        """Take note of a fault's progress."""
        self._phases.setdefault(int(observation.text.partition(" ")[0]), set()).add(observation.phase)

    def _is_over(self, number: int, fault: Fault) -> bool:
        return "unproven" in self._phases[number] or end_of(number, fault).kind in self._phases[number]

    @property
    def over(self) -> bool:
        """Whether every fault has come and gone."""
        return all(self._is_over(number, fault) for number, fault in self._faults.items())

    @property
    def pending(self) -> list[str]:
        """The faults that have not."""
        return [_name(n, fault) for n, fault in self._faults.items() if not self._is_over(n, fault)]

    @property
    def unproven(self) -> list[str]:
        """The injections that were tried and not seen to work."""
        return [_name(n, fault) for n, fault in self._faults.items() if self._unproven(n)]

    def _unproven(self, number: int) -> bool:
        return bool(self._phases[number]) and "proven" not in self._phases[number]

    @property
    def problems(self) -> list[str]:
        """What went wrong with the faults."""
        problems = []
        for number, fault in self._faults.items():
            if self._unproven(number):
                problems.append(f"{_name(number, fault)} could not be proven from outside")
            elif not self._phases[number]:
                problems.append(f"{_name(number, fault)} was never injected: {fault.when} never came")
            elif not self._is_over(number, fault):
                problems.append(f"{_name(number, fault)} was never lifted")
        return problems


def _name(number: int, fault: Fault) -> str:
    return f"fault#{number} ({fault.kind})"
