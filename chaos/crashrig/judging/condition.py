"""Conditions: a small closed grammar over named observables, compiled to functions; no calls, no eval.

    condition   comparisons and events, joined by and, or, not, in brackets as wanted
    comparison  value OP value [OP value ...]   with == != < <= > >=
    value       worker.live, worker.exit#1.signal, a number, 'a text', SIGKILL; + and - between numbers
    event       worker.start#2: true once it has happened

Logic has three values. An attribute of an event that has not happened, or a state that was never claimed, is
unknown; so is every comparison with it, also under `not`. The names are listed in `reference`. `compile_moment`
and `MomentWatch`, for points in time, live in `moment` and are offered here too.
"""

from __future__ import annotations

import signal
from typing import NamedTuple

from crashrig.judging.grammar import Compiler
from crashrig.judging.logic import Truth, View
from crashrig.judging.moment import Moment, MomentWatch, compile_event, compile_gap, compile_moment
from crashrig.judging.reference import Attribute, ConditionError, EventRef, Name, Observable, Use, check_uses

__all__ = [
    "Condition",
    "ConditionError",
    "Moment",
    "MomentWatch",
    "NamesUsed",
    "View",
    "check_uses",
    "compile_condition",
    "compile_event",
    "compile_gap",
    "compile_moment",
]


class NamesUsed(NamedTuple):
    """The names that a condition uses."""

    agents: frozenset[str]
    observables: frozenset[Observable]
    events: frozenset[EventRef]


class Condition:
    """A compiled condition. `uses` are its names in the order of the text, with their columns."""

    def __init__(self, text: str, uses: tuple[Use, ...], truth: Truth) -> None:
        self.text = text
        self.uses = uses
        self._truth = truth

    def __repr__(self) -> str:
        return f"Condition({self.text!r})"

    @property
    def names(self) -> NamesUsed:
        """Which agents, observables and events it is about."""
        events = frozenset(use.event for use in self.uses if use.event is not None)
        observables = frozenset(use.name for use in self.uses if isinstance(use.name, Observable))
        return NamesUsed(frozenset(use.agent for use in self.uses), observables, events)

    def evaluate(self, view: View) -> bool | None:
        """Whether it is true now; None when that is unknown."""
        return self._truth(view)

    def describe(self, view: View) -> str:
        """The values of its names now: "worker.live = 2, worker.exit#1 has not happened"."""
        return ", ".join(_value_text(name, view) for name in dict.fromkeys(use.name for use in self.uses))


def compile_condition(text: str) -> Condition:
    """Compile `text`. ConditionError says what is wrong, in which column, and what would be right."""
    compiler = Compiler(text)
    truth = compiler.truth(compiler.tree())
    return Condition(text.strip(), tuple(compiler.uses), truth)


def _value_text(name: Name, view: View) -> str:
    match name:
        case Observable(agent=agent, name=observable):
            value: object = view.observable(agent, observable)
        case Attribute(event=ref, name=attribute):
            event = view.event(ref)
            if event is None:
                return f"{ref} has not happened"
            value = _readable(attribute, event.attribute(attribute))
        case ref:
            return f"{ref} has {'' if view.event(ref) else 'not '}happened"
    return f"{name} = {'unknown' if value is None else value}"


def _readable(attribute: str, value: float | None) -> object:
    if attribute == "signal" and value:
        return signal.Signals(int(value)).name if int(value) in _SIGNALS else f"signal {value:g}"
    return f"{value:.6g} s" if attribute == "at" and value is not None else value


_SIGNALS = frozenset(int(one) for one in signal.Signals)
