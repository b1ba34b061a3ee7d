"""unchanged "host": the host after the cell is as it was before.

What was left over is found by whoever ran the cell, and handed in; there is nothing to observe meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crashrig.monitors.protocol import Finding, Monitor
from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHOWN_MAX = 10


class Unchanged(Monitor):
    """Decided at the end, by `leftovers`."""

    has_goal = False
    leftovers: Sequence[str] = ()

    @property
    def waiting(self) -> bool:
        """Never."""
        return False

    def find(self, t_end: float) -> Finding:
        """What was left over, if anything."""
        shown = "; ".join(self.leftovers[:_SHOWN_MAX])
        more = len(self.leftovers) - _SHOWN_MAX
        return Finding(
            verdict=Verdict.FAILED if self.leftovers else Verdict.PASSED,
            expected="the host as it was before",
            seen=f"left over: {shown}" + (f" and {more} more" if more > 0 else "") if self.leftovers else "it is",
            observed=len(self.leftovers),
            bound="0",
            margin=-len(self.leftovers),
            unit="count",
            at=t_end if self.leftovers else None,
        )
