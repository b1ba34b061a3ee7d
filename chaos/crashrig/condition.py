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

import ast
import operator
import re
import signal
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, NamedTuple, Protocol

from crashrig.moment import Moment, MomentWatch, compile_event, compile_gap, compile_moment
from crashrig.reference import (
    Attribute,
    ConditionError,
    EventRef,
    Name,
    Observable,
    Use,
    Word,
    check_uses,
    resolve,
)

__all__ = [
    "Condition",
    "ConditionError",
    "Moment",
    "MomentWatch",
    "Names",
    "View",
    "check_uses",
    "compile_condition",
    "compile_event",
    "compile_gap",
    "compile_moment",
]


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


class Names(NamedTuple):
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
    def names(self) -> Names:
        """Which agents, observables and events it is about."""
        events = frozenset(use.event for use in self.uses if use.event is not None)
        observables = frozenset(use.name for use in self.uses if isinstance(use.name, Observable))
        return Names(frozenset(use.agent for use in self.uses), observables, events)

    def evaluate(self, view: View) -> bool | None:
        """Whether it is true now; None when that is unknown."""
        return self._truth(view)

    def describe(self, view: View) -> str:
        """The values of its names now: "worker.live = 2, worker.exit#1 has not happened"."""
        return ", ".join(_value_text(name, view) for name in dict.fromkeys(use.name for use in self.uses))


def compile_condition(text: str) -> Condition:
    """Compile `text`. ConditionError says what is wrong, in which column, and what would be right."""
    compiler = _Compiler(text)
    truth = compiler.truth(compiler.tree())
    return Condition(text.strip(), tuple(compiler.uses), truth)


_MARK = re.compile(r"""'[^']*'|"[^"]*"|(?P<mark>(?<=[A-Za-z0-9_])\#(?=\d+\b|last\b))|(?P<stray>\#\w*)""")

_ASSIGNMENT = re.compile(r"(?<![=!<>])=(?!=)")

_COMPARISONS: dict[type[ast.cmpop], tuple[str, Callable[[Any, Any], bool]]] = {
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
}


class _Operand(NamedTuple):
    """One side of a comparison; `kind` is "number" or "text"."""

    kind: str
    get: Getter
    column: int


class _Compiler:
    """Turns one text into functions. Columns of `ast` count UTF-8 bytes, so the text is kept as bytes too."""

    def __init__(self, text: str) -> None:
        self.uses: list[Use] = []
        flat = re.sub(r"\s", " ", text).rstrip()
        self._text = flat.lstrip()
        self._indent = len(flat) - len(self._text)
        self._bytes = self._text.encode()
        self._marks: set[int] = set()

    def tree(self) -> ast.expr:
        """Parse, with `exit#1` made readable for Python as `exit_1` of the same length."""
        plain = _MARK.sub(self._note_mark, self._text)
        try:
            return ast.parse(plain, mode="eval").body
        except SyntaxError as error:
            raise self._unreadable(error) from error
        except (ValueError, RecursionError, MemoryError) as error:
            raise ConditionError(f"cannot read this: {error}", 1, _HINT) from error

    def _unreadable(self, error: SyntaxError) -> ConditionError:
        """Where Python stopped; at the end of the text it does not say where."""
        place = error.offset if error.lineno == 1 and error.offset else len(self._text) + 1
        hint = "write == to compare" if _ASSIGNMENT.search(self._text) else _HINT
        return ConditionError(f"cannot read this: {error.msg}", self._indent + min(place, len(self._text) + 1), hint)

    def _note_mark(self, match: re.Match[str]) -> str:
        if match["stray"] is not None:
            column = self._indent + match.start() + 1
            raise ConditionError(f"{match['stray']} is no place in a row", column, "write #1, #2, ... or #last")
        if match["mark"] is None:
            return match[0]
        self._marks.add(len(self._text[: match.start()].encode()))
        return "_"

    def _column(self, node: ast.expr) -> int:
        return self._character(node.col_offset)

    def _character(self, offset: int) -> int:
        return self._indent + len(self._bytes[:offset].decode()) + 1

    def truth(self, node: ast.expr) -> Truth:
        """A function that tells whether the expression is true."""
        match node:
            case ast.BoolOp(op=ast.And(), values=values):
                return _all_of([self.truth(value) for value in values])
            case ast.BoolOp(values=values):
                return _any_of([self.truth(value) for value in values])
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return _opposite(self.truth(operand))
            case ast.Compare():
                return self._comparison(node)
            case ast.Name() | ast.Attribute():
                return self._happened(node)
            case _:
                raise ConditionError(f"expected a comparison, found {self._source(node)}", self._column(node), _HINT)

    def _happened(self, node: ast.Name | ast.Attribute) -> Truth:
        use = self._name(node)
        ref = use.name
        if not isinstance(ref, EventRef):
            hint = f"write {ref} == 1 or the like"
            raise ConditionError(f"{ref} is a value, expected a comparison with it", use.column, hint)
        return lambda view: view.event(ref) is not None

    def _comparison(self, node: ast.Compare) -> Truth:
        operands = [self._operand(value) for value in (node.left, *node.comparators)]
        pairs = [
            self._pair(left, right, op) for left, right, op in zip(operands[:-1], operands[1:], node.ops, strict=True)
        ]
        return pairs[0] if len(pairs) == 1 else _all_of(pairs)

    def _pair(self, left: _Operand, right: _Operand, op: ast.cmpop) -> Truth:
        if type(op) not in _COMPARISONS:
            known = " ".join(symbol for symbol, _ in _COMPARISONS.values())
            raise ConditionError("this comparison is not known", left.column, f"known: {known}")
        symbol, function = _COMPARISONS[type(op)]
        if left.kind != right.kind:
            raise ConditionError(f"a {left.kind} cannot be compared with a {right.kind}", right.column)
        if left.kind == "text" and symbol not in ("==", "!="):
            raise ConditionError(f"texts have no order, found {symbol}", left.column, "write == or !=")
        return _compare(left.get, right.get, function)

    def _operand(self, node: ast.expr) -> _Operand:
        column = self._column(node)
        match node:
            case ast.Constant(value=bool() | None as value):
                raise ConditionError(f"expected a number, a text or a name, found {value}", column)
            case ast.Constant(value=int() | float() as number):
                return _Operand("number", lambda _: number, column)
            case ast.Constant(value=str() as text):
                return _Operand("text", lambda _: text, column)
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
                return self._sum(self._operand(left), self._operand(right), isinstance(op, ast.Add))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                zero = _Operand("number", lambda _: 0, column)
                return self._sum(zero, self._operand(operand), adds=False)
            case ast.Name() | ast.Attribute():
                return self._named_value(node)
            case _:
                raise ConditionError(f"{self._source(node)} is not part of the language", column, _HINT)

    def _sum(self, left: _Operand, right: _Operand, adds: bool) -> _Operand:
        for side in (left, right):
            if side.kind != "number":
                raise ConditionError("only numbers can be added", side.column)
        return _Operand("number", _arithmetic(left.get, right.get, operator.add if adds else operator.sub), left.column)

    def _named_value(self, node: ast.Name | ast.Attribute) -> _Operand:
        if isinstance(node, ast.Name) and node.id.startswith("SIG"):
            number = self._signal(node)
            return _Operand("number", lambda _: number, self._column(node))
        use = self._name(node)
        match use.name:
            case Observable(agent=agent, name=name):
                kind = "text" if name == "claimed" else "number"
                return _Operand(kind, lambda view: view.observable(agent, name), use.column)
            case Attribute(event=ref, name=name):
                return _Operand("number", _attribute_of(ref, name), use.column)
            case ref:
                hint = f"write {ref}.code, {ref}.at or the like"
                raise ConditionError(f"{ref} is an event, it has no value", use.column, hint)

    def _signal(self, node: ast.Name) -> int:
        known = {str(one.name): int(one) for one in signal.Signals}
        if node.id not in known:
            near = get_close_matches(node.id, known, n=1)
            hint = f"did you mean {near[0]}?" if near else ""
            raise ConditionError(f"{node.id} is not a signal", self._column(node), hint)
        return known[node.id]

    def _name(self, node: ast.Name | ast.Attribute) -> Use:
        use = resolve(self._words(node))
        self.uses.append(use)
        return use

    def _words(self, node: ast.expr) -> list[Word]:
        match node:
            case ast.Name(id=text):
                return [self._word(text, node)]
            case ast.Attribute(value=value, attr=text):
                return [*self._words(value), self._word(text, node)]
            case _:
                raise ConditionError(f"{self._source(node)} has no parts", self._column(node), _HINT)

    def _word(self, text: str, node: ast.expr) -> Word:
        end = node.end_col_offset or 0
        start = end - len(text.encode())
        mark = next((place - start for place in self._marks if start <= place < end), None)
        if mark is None:
            return Word(text, "", self._character(start))
        return Word(text[:mark], text[mark + 1 :], self._character(start))

    def _source(self, node: ast.expr) -> str:
        return self._bytes[node.col_offset : node.end_col_offset].decode()


_HINT = 'expected a comparison such as "worker.live == 1" or "worker.exit#1.signal == SIGKILL"'


def _all_of(parts: list[Truth]) -> Truth:
    def all_of(view: View) -> bool | None:
        result: bool | None = True
        for part in parts:
            value = part(view)
            if value is False:
                return False
            if value is None:
                result = None
        return result

    return all_of


def _any_of(parts: list[Truth]) -> Truth:
    def any_of(view: View) -> bool | None:
        result: bool | None = False
        for part in parts:
            value = part(view)
            if value is True:
                return True
            if value is None:
                result = None
        return result

    return any_of


def _opposite(part: Truth) -> Truth:
    def opposite(view: View) -> bool | None:
        value = part(view)
        return None if value is None else not value

    return opposite


def _compare(left: Getter, right: Getter, function: Callable[[Any, Any], bool]) -> Truth:
    def compare(view: View) -> bool | None:
        first, second = left(view), right(view)
        return None if first is None or second is None else function(first, second)

    return compare


def _arithmetic(left: Getter, right: Getter, function: Callable[[float, float], float]) -> Getter:
    def arithmetic(view: View) -> Value:
        first, second = left(view), right(view)
        if first is None or second is None:
            return None
        assert not isinstance(first, str)
        assert not isinstance(second, str)
        return function(first, second)

    return arithmetic


def _attribute_of(ref: EventRef, name: str) -> Getter:
    def attribute(view: View) -> Value:
        event = view.event(ref)
        return None if event is None else event.attribute(name)

    return attribute


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
