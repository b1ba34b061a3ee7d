"""unchanged "host": the host after the cell is as it was before.

What survived the supervisor is found by whoever ran the cell, and handed in; there is nothing to observe meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crashrig.judging.monitors.protocol import Finding, Monitor
from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHOWN_MAX = 10


class Unchanged(Monitor):
    """Decided at the end, by `survivors`."""

    has_goal = False
    survivors: Sequence[str] = ()

    @property
    def waiting(self) -> bool:
        """Never."""
        return False

    def find(self, t_end: float) -> Finding:
        """What was left over, if anything."""
        shown = "; ".join(self.survivors[:_SHOWN_MAX])
        more = len(self.survivors) - _SHOWN_MAX
        return Finding(
            verdict=Verdict.FAILED if self.survivors else Verdict.PASSED,
            expected="the host as it was before",
            seen=f"left over: {shown}" + (f" and {more} more" if more > 0 else "") if self.survivors else "it is",
            observed=len(self.survivors),
            bound="0",
            margin=-len(self.survivors),
            unit="count",
            at=t_end if self.survivors else None,
        )
