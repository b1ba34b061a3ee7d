"""Monitors: one operator of the language of expectations a file.

`build` makes the monitor of an expectation. The protocol is in `protocol`, allowances in `tolerance`, windows in
`span`. Nothing here reads a file or a clock; `checker` feeds monitors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crashrig.judging.monitors.always_never import AlwaysNever
from crashrig.judging.monitors.count import Count
from crashrig.judging.monitors.eventually import Eventually
from crashrig.judging.monitors.gaps import Gaps
from crashrig.judging.monitors.hindsight import Hindsight, needs_hindsight
from crashrig.judging.monitors.order import Order
from crashrig.judging.monitors.protocol import Bench, Clause, Monitor, seconds
from crashrig.judging.monitors.sometimes import Sometimes, merge_sometimes
from crashrig.judging.monitors.stays import stays
from crashrig.judging.monitors.unchanged import Unchanged
from crashrig.quantities import Window
from crashrig.scenario import Expect

if TYPE_CHECKING:
    from collections.abc import Callable


__all__ = ["Bench", "Clause", "Monitor", "build", "clause_of", "describe", "merge_sometimes"]

_BUILDERS: dict[str, Callable[[Clause, Expect, Bench], Monitor]] = {
    "always": AlwaysNever,
    "never": AlwaysNever,
    "eventually": Eventually,
    "stays": stays,
    "count": Count,
    "gaps": Gaps,
    "order": Order,
    "unchanged": lambda clause, _, bench: Unchanged(clause, bench),
    "sometimes": Sometimes,
}


def clause_of(number: int, expect: Expect) -> Clause:
    """Which expectation this is, `number` being its place in the file, from 0."""
    return Clause(number, expect.operator, describe(expect), expect.promise, expect.name)


def build(clause: Clause, expect: Expect, bench: Bench) -> Monitor:
    """The monitor of an expectation. ConditionError when it is not written as it must be."""
    builder = _BUILDERS[expect.operator]
    if needs_hindsight(expect):
        return Hindsight(clause, expect, bench, builder)
    return builder(clause, expect, bench)


def describe(expect: Expect) -> str:
    """An expectation on one line, as its file has it: "never worker.orphans > 0, after worker.exit, grace 500 ms"."""
    parts = [f"{expect.operator} {_value(getattr(expect, expect.operator))}"]
    for name in ("after", "until", "within", "for_", "grace", "min", "max", "are", "tolerance"):
        value = getattr(expect, name)
        if value is not None:
            parts.append(f"{name.rstrip('_')} {_value(value)}")
    return ", ".join(parts)


def _value(value: object) -> str:
    match value:
        case Window(low=low, high=high):
            return f"{seconds(low)} to {seconds(high)}" if low else seconds(high)
        case float():
            return seconds(value)
        case list():
            return "[" + ", ".join(_value(one) for one in value) + "]"
        case _:
            return str(value)
