"""Logic with three values, over a view of the world: true, false, unknown (None).

What is unknown stays unknown in a comparison and under `not`; `and` and `or` are decided by the other side where
that is enough. Conditions are compiled to these functions by `grammar`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from crashrig.judging.reference import EventRef


class Attributed(Protocol):
    """An event as a condition sees it."""

    def attribute(self, name: str) -> float | None:
        """A value of reference.ATTRIBUTES; None when it was not observed."""


class View(Protocol):
    """What a condition looks at; `world.World` is one."""

    def observable(self, agent: str, name: str) -> float | str | None:
        """The value of an observable now; None when it is unknown."""

    def event(self, ref: EventRef) -> Attributed | None:
        """The event named; None when it has not happened yet."""


Value = float | str | None
Getter = Callable[[View], Value]
Truth = Callable[[View], bool | None]


def all_of(parts: list[Truth]) -> Truth:
    """True when all parts are, False as soon as one is."""
    return _decided_by(parts, decisive=False)


def any_of(parts: list[Truth]) -> Truth:
    """True as soon as one part is, False when all are."""
    return _decided_by(parts, decisive=True)


def _decided_by(parts: list[Truth], *, decisive: bool) -> Truth:
    """The first part of that value decides; else a part that is unknown leaves the whole unknown."""

    def decide(view: View) -> bool | None:
        result: bool | None = not decisive
        for part in parts:
            value = part(view)
            if value is decisive:
                return decisive
            if value is None:
                result = None
        return result

    return decide


def opposite(part: Truth) -> Truth:
    """The opposite of what is known."""

    def decide(view: View) -> bool | None:
        value = part(view)
        return None if value is None else not value

    return decide


def compare(left: Getter, right: Getter, function: Callable[[Any, Any], bool]) -> Truth:
    """A comparison of two values of the same kind."""

    def decide(view: View) -> bool | None:
        first, second = left(view), right(view)
        return None if first is None or second is None else function(first, second)

    return decide


def arithmetic(left: Getter, right: Getter, function: Callable[[float, float], float]) -> Getter:
    """A sum or a difference."""

    def value(view: View) -> Value:
        first, second = left(view), right(view)
        if first is None or second is None:
            return None
        assert not isinstance(first, str)
        assert not isinstance(second, str)
        return function(first, second)

    return value


def attribute_of(ref: EventRef, name: str) -> Getter:
    """What an event was like; unknown before it has happened."""

    def value(view: View) -> Value:
        event = view.event(ref)
        return None if event is None else event.attribute(name)

    return value
