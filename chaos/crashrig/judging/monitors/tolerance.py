"""How far a measured time may miss a bound before that counts, and what the host's noise excuses.

Upper bounds get an allowance of 150 ms real, since a rig and a supervisor on a shared machine cannot both be
punctual. Lower bounds get only what the observer could not tell apart, and 2 ms: waking up late is an excuse,
acting early is none. The noise probe excuses more, but an excused result is inconclusive, never passed. In a
simulation there is nothing to allow for but rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crashrig.verdict import Verdict

if TYPE_CHECKING:
    from crashrig.history import Header, Observation

ALLOWANCE = 0.150
"""Real seconds that an upper bound is widened by."""
EARLY = 0.002
"""Real seconds, beside the observer's resolution, that a lower bound is widened by: stamping takes time too."""
NOISE_LAG = 1.0
"""Real seconds after which the noise probe has spoken about a moment; the probe writes a line at least so often."""
ROUNDING = 1e-6
"""Nominal seconds by which sums of floats may differ in a simulation."""


class Tolerance:
    """The allowances of one history, in nominal seconds.

    `late` widens upper bounds, `early` lower ones. What lasted no longer than `resolution` may not have been.
    """

    def __init__(self, header: Header) -> None:
        pace = 1.0 if header.simulated else header.pace
        self.simulated = header.simulated
        self.late = ROUNDING if header.simulated else ALLOWANCE * pace
        self.resolution = ROUNDING if header.simulated else header.resolution * pace
        self.early = ROUNDING if header.simulated else self.resolution + EARLY * pace
        self._lag = 0.0 if header.simulated else NOISE_LAG * pace
        self._pace = header.pace
        self._spoke = 0.0
        self._lines: list[tuple[float, float, float]] = []

    def hear(self, observation: Observation) -> None:
        """Take in a noise line: the probe's worst lateness since the line before."""
        now = observation.t * self._pace
        if not self.simulated and observation.value:
            self._lines.append((self._spoke, now, observation.value * self._pace))
        self._spoke = now

    def noise(self, start: float, end: float) -> float:
        """The worst lateness measured at any time between `start` and `end`."""
        return max((worst for since, until, worst in self._lines if since <= end and until >= start), default=0.0)

    def classify(self, miss: float, start: float, end: float) -> Verdict:
        """What it means to have missed a widened bound by `miss`, having measured from `start` to `end`."""
        if miss <= 0:
            return Verdict.PASSED
        return Verdict.INCONCLUSIVE if miss < self.noise(start, end) else Verdict.FAILED

    def patience(self, start: float, end: float) -> float:
        """When all is known about the noise up to `end`, and the noise so far excuses no more."""
        return end + max(self._lag, self.noise(start, end))
