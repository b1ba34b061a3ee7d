"""holdfast's core on a virtual clock, as a subject by name: described here, driven by `simulation`.

It has no process, so it is not started as the others are; asking for that is an error of the caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from crashrig.subjects.holdfast import HoldfastSubject
from crashrig.subjects.protocol import Description, SubjectError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crashrig.subjects.protocol import Job, Launch


class SimulatedSubject:
    """Says what the simulation is and can do, which is what the real holdfast can."""

    def describe(self) -> Description:
        """The core is the real one; clock, kernel and agents are not."""
        return msgspec.structs.replace(
            HoldfastSubject().describe(), name="simulated", remarks="holdfast's decisions in virtual time"
        )

    def render(self, job: Job) -> Launch:
        """Always refused: there is nothing to start."""
        raise SubjectError(f"simulated: has no process to start for {job.directory}; `simulation` runs it")

    def operate(self, command: str, agent: str) -> None:
        """Always refused: the simulation's own operator does this."""
        raise SubjectError(f"simulated: {command} {agent}: `simulation` has its own operator")

    def claims(self) -> Mapping[str, str]:
        """Nothing: the simulation writes claims into the history itself."""
        return {}

    def close(self) -> None:
        """There is nothing to let go of."""
