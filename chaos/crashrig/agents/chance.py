"""Seeded chance for fake agents, the same on every machine: SplitMix64, because `random` is slow to import."""

_MASK = (1 << 64) - 1


class Chance:
    """A stream of numbers in [0, 1) that depends on the agent's seed and the generation only."""

    def __init__(self, seed: int, generation: int) -> None:
        self._state = (seed * 0xD1342543DE82EF95 + generation * 0x2545F4914F6CDD1D) & _MASK

    def draw(self) -> float:
        """The next number."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return ((mixed ^ (mixed >> 31)) >> 11) / (1 << 53)
