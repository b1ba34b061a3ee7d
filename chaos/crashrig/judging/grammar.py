"""The grammar of conditions: a text is parsed by `ast`, and only what is listed here is let through.

No calls, no eval, no attribute of anything but a name of `reference`. The language is described in `condition`.
"""

from __future__ import annotations

import ast
import operator
import re
import signal
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, NamedTuple

from crashrig.judging.logic import Getter, Truth, all_of, any_of, arithmetic, attribute_of, compare, opposite
from crashrig.judging.reference import Attribute, ConditionError, EventRef, Observable, Use, Word, resolve

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


class Compiler:
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
                return all_of([self.truth(value) for value in values])
            case ast.BoolOp(values=values):
                return any_of([self.truth(value) for value in values])
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return opposite(self.truth(operand))
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
        return pairs[0] if len(pairs) == 1 else all_of(pairs)

    def _pair(self, left: _Operand, right: _Operand, op: ast.cmpop) -> Truth:
        if type(op) not in _COMPARISONS:
            known = " ".join(symbol for symbol, _ in _COMPARISONS.values())
            raise ConditionError("this comparison is not known", left.column, f"known: {known}")
        symbol, function = _COMPARISONS[type(op)]
        if left.kind != right.kind:
            raise ConditionError(f"a {left.kind} cannot be compared with a {right.kind}", right.column)
        if left.kind == "text" and symbol not in ("==", "!="):
            raise ConditionError(f"texts have no order, found {symbol}", left.column, "write == or !=")
        return compare(left.get, right.get, function)

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
        return _Operand("number", arithmetic(left.get, right.get, operator.add if adds else operator.sub), left.column)

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
                return _Operand("number", attribute_of(ref, name), use.column)
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
