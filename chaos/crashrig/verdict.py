"""What a judgement can be, how judgements merge, and what one expectation's result carries.

Nothing is judged here (`checker` and the monitors in `monitors/` do that).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable


class Verdict(StrEnum):
    """From best to worst; merging takes the worst.

    *xfailed*: failed, and a scenario's author had said so, with a reason. *unsupported*: the subject lacks the
    capability. *skipped*: this host or this user's choice, with a reason. *inconclusive*: the host was too
    noisy, or an injection could not be proven. *error*: the rig itself failed.
    """

    PASSED = "passed"
    XFAILED = "xfailed"
    UNSUPPORTED = "unsupported"
    SKIPPED = "skipped"
    INCONCLUSIVE = "inconclusive"
    FAILED = "failed"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """Position in the order, 0 for the best."""
        return _ORDER.index(self)

    @property
    def symbol(self) -> str:
        """One character that tells the verdict without colour."""
        return _SYMBOLS[self]


_ORDER = list(Verdict)
_SYMBOLS = {
    Verdict.PASSED: "✓",
    Verdict.XFAILED: "x",
    Verdict.UNSUPPORTED: "–",
    Verdict.SKIPPED: "s",
    Verdict.INCONCLUSIVE: "?",
    Verdict.FAILED: "✗",
    Verdict.ERROR: "!",
}


def merge(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of them; of none at all, SKIPPED: nothing was shown, so nothing passed (CHS-8)."""
    return max(verdicts, key=lambda v: v.rank, default=Verdict.SKIPPED)


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one expectation ended.

    All times are nominal seconds since the start of the history (what a person would have waited without
    `--pace`). `observed`, `bound` and `margin` are in `unit` ("s", "count" or ""); a negative margin is by how
    much the bound was missed. `resolution` is how finely the observation could tell, in nominal seconds.
    `window` is the stretch of time that was judged, `at` the moment that decided.
    """

    expectation: int
    operator: str
    text: str
    verdict: Verdict
    message: str = ""
    promise: str = ""
    observed: float | None = None
    bound: str = ""
    margin: float | None = None
    unit: str = "s"
    resolution: float = 0.0
    window: tuple[float, float] | None = None
    at: float | None = None
