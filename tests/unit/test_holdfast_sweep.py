"""Many sweeps at once share the time of a turn (RST-10)."""

from __future__ import annotations

from collections import Counter
from signal import SIGKILL
from typing import TYPE_CHECKING, Any

import pytest

from holdfast import sweep
from holdfast.cgroups import Cgroups
from holdfast.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterator

PASS_SECONDS = 0.003


@pytest.fixture
def walked(monkeypatch: pytest.MonkeyPatch) -> list[Tree]:
    """The generations that were gone through, in order; each takes a while."""
    walked: list[Tree] = []
    time = [100.0]

    def walk(_forest: object, tree: Tree) -> Iterator[Any]:
        walked.append(tree)
        time[0] += PASS_SECONDS
        return iter(())

    monkeypatch.setattr(sweep, "walk", walk)
    monkeypatch.setattr(sweep.clock, "now", lambda: time[0])
    return walked


def test_many_sweeps_hold_up_no_turn_and_everybody_has_a_turn(walked: list[Tree]) -> None:
    forest: Any = None
    sweeper = sweep.Sweeper(forest, Cgroups(), lambda _text: None)
    trees = [Tree(f"a{n}", 1, n, -1, 0, 0) for n in range(20)]
    for tree in trees:
        sweeper.signal(tree, SIGKILL)
    assert walked == []
    passes_max = sweep.TURN_SECONDS_MAX // PASS_SECONDS + 1
    for _ in range(20):
        before = len(walked)
        sweeper.turn(sweep.clock.now(), died=True)
        assert 1 <= len(walked) - before <= passes_max
        assert sweeper.next_at is not None
    times = Counter(walked)
    assert set(times) == set(trees)
    assert max(times.values()) - min(times.values()) <= 1
