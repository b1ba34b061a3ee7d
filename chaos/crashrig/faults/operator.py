"""operator: a command given to the supervisor by its own means, through its adapter.

Proven when the adapter says that the supervisor accepted it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crashrig.faults.injection import CannotInjectError, Momentary

if TYPE_CHECKING:
    from crashrig.faults.injection import Call, Scene
    from crashrig.scenario import Operator


class OperatorInjection(Momentary):
    """One `operator` of a scenario."""

    def __init__(self, order: Operator) -> None:
        self._order = order
        self._calls: list[Call] = []

    def inject(self, scene: Scene) -> None:
        """Hand the command to the adapter, once for every agent that is meant."""
        names = scene.members[self._order.target] if self._order.target else ("",)
        self._calls = [scene.operate(self._order.command, name) for name in names]

    def proven(self, scene: Scene) -> bool:  # noqa: ARG002
        """Whether all have been accepted. CannotInjectError with the adapter's words when one was refused."""
        refused = [call.problem for call in self._calls if call.done and call.problem]
        if refused:
            raise CannotInjectError("; ".join(refused))
        return all(call.done for call in self._calls)
