"""What every fault can do, and what it is given to do it with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crashrig.agents.plan import PreparedAgent
    from crashrig.observers.family import Family
    from crashrig.subjects.protocol import Launch


class CannotInjectError(Exception):
    """The fault had nothing to hit, or could not be carried out; the text says why."""


class Call(Protocol):
    """An operator's command on its way through an adapter."""

    @property
    def done(self) -> bool:
        """Whether the adapter has answered."""

    @property
    def problem(self) -> str:
        """Why it was refused; empty when it was accepted."""


class Operate(Protocol):
    """Gives a command to the supervisor's adapter without waiting for the answer."""

    def __call__(self, command: str, agent: str) -> Call:
        """Commands as in subjects.protocol; `agent` is empty for a shutdown."""


class Scene(msgspec.Struct, frozen=True):
    """What a fault sees of its cell: the processes, the agents by name, the supervisor and its adapter.

    `members` are the agents that a name of the scenario stands for. `received` are signals that agents have
    reported, as (pid, signal); it grows while the cell runs. `launch` is how the supervisor was started.
    """

    root: int
    supervisor: int
    family: Family
    agents: Mapping[str, PreparedAgent]
    members: Mapping[str, tuple[str, ...]]
    received: set[tuple[int, int]]
    operate: Operate
    launch: Launch


class Injection(Protocol):
    """One fault of a scenario, used once. `lasts` is in nominal seconds; None for what is over at once."""

    lasts: float | None

    def inject(self, scene: Scene) -> None:
        """Do it. CannotInjectError when there is nothing to do it to."""

    def proven(self, scene: Scene) -> bool:
        """Whether its effect can be seen from outside by now."""

    def undo(self, scene: Scene) -> None:
        """Take it back, after `lasts`."""

    def undone(self, scene: Scene) -> bool:
        """Whether nothing of it can be seen any more."""

    def close(self) -> None:
        """Let go of descriptors."""


class Momentary:
    """The half of an injection that is over as soon as it has happened."""

    lasts: float | None = None

    def undo(self, scene: Scene) -> None:
        """There is nothing to take back."""

    def undone(self, scene: Scene) -> bool:  # noqa: ARG002
        """Nothing of it remains."""
        return True

    def close(self) -> None:
        """There is nothing to let go of."""
