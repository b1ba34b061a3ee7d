"""Does every expectation have one operator, the modifiers that belong to it, and a bound that can be met and missed?"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from crashrig.judging.condition import ConditionError, compile_moment
from crashrig.promises import PROMISES
from crashrig.quantities import Duration, Window
from crashrig.reading.checks.problem import Problem, nearest, show
from crashrig.scenario import OPERATORS
from crashrig.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crashrig.reading.checks.names import Names
    from crashrig.reading.checks.parts import Parts
    from crashrig.reading.toml_lines import KeyPath
    from crashrig.scenario import Expect, Recover


class Modifiers(NamedTuple):
    """Which keys may, must, and of which at least one must stand beside an operator."""

    allowed: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()


MODIFIERS: dict[str, Modifiers] = {
    "always": Modifiers(("after", "until", "grace")),
    "never": Modifiers(("after", "until", "grace")),
    "eventually": Modifiers(("after", "within")),
    "stays": Modifiers(("after", "for", "grace"), required=("for",)),
    "count": Modifiers(("after", "until", "min", "max"), one_of=("min", "max")),
    "gaps": Modifiers(("after", "until", "are", "tolerance"), required=("are",)),
    "order": Modifiers(("after", "until")),
    "unchanged": Modifiers(),
    "sometimes": Modifiers(("after", "until")),
}

_KEYS = ("after", "until", "within", "for", "grace", "min", "max", "are", "tolerance")


def check_expectations(parts: Parts, names: Names) -> Iterator[Problem]:
    """Everything that is wrong with what a scenario expects."""
    if parts.expect is not None and not parts.expect:
        hint = "a scenario that expects nothing shows nothing (CHS-8)"
        yield Problem(("expect",), "at least one expectation", "none", hint)
    for number, expect in enumerate(parts.expect or ()):
        if expect is not None:
            yield from _expect(expect, parts, names, ("expect", number))
    if parts.recover is not None:
        yield from _recover(parts.recover, parts, names)


def _expect(expect: Expect, parts: Parts, names: Names, path: KeyPath) -> Iterator[Problem]:
    operators = [name for name in OPERATORS if getattr(expect, name) is not None]
    if len(operators) == 1:
        yield from _modifiers(expect, operators[0], path)
    else:
        found = " and ".join(operators) or "none"
        yield Problem(path, "exactly one of " + ", ".join(OPERATORS), found, "write an [[expect]] for each")
    yield from _promise(expect, parts, path)
    yield from _language(expect, names, path)
    yield from _bounds(expect, parts, path)


def _modifiers(expect: Expect, operator: str, path: KeyPath) -> Iterator[Problem]:
    wanted = MODIFIERS[operator]
    given = [key for key in _KEYS if value_of(expect, key) is not None]
    for key in given:
        if key not in wanted.allowed:
            hint = f'beside "{operator}" may stand: ' + (", ".join(wanted.allowed) or "nothing")
            yield Problem((*path, key), f'a key that belongs to "{operator}"', f'"{key}"', hint)
    for key in wanted.required:
        if key not in given:
            yield Problem(path, f'"{key}" beside "{operator}"', "none")
    if wanted.one_of and not set(wanted.one_of) & set(given):
        yield Problem(path, f'"{wanted.one_of[0]}" or "{wanted.one_of[1]}" beside "{operator}"', "neither")


def value_of(expect: Expect, key: str) -> object:
    """The value of a key as it is written in files."""
    return getattr(expect, "for_" if key == "for" else key)


def _promise(expect: Expect, parts: Parts, path: KeyPath) -> Iterator[Problem]:
    promise = expect.promise
    if not promise:
        return
    if promise not in PROMISES:
        yield Problem((*path, "promise"), "the id of a promise", show(promise), nearest(promise, PROMISES))
    elif promise not in parts.promises:
        hint = "add it there, so that the scenario is found by it"
        yield Problem((*path, "promise"), 'one of the scenario\'s "promises"', show(promise), hint)


def _language(expect: Expect, names: Names, path: KeyPath) -> Iterator[Problem]:
    """Every condition, event and moment of one expectation."""
    for key in ("always", "never", "eventually", "stays", "sometimes"):
        text = getattr(expect, key)
        if text is not None:
            yield from names.condition(text, (*path, key))
    if expect.count is not None:
        yield from names.kind_of_event(expect.count, (*path, "count"))
    if expect.gaps is not None:
        yield from names.gap(expect.gaps, (*path, "gaps"))
    if expect.order is not None:
        yield from _order(expect.order, names, (*path, "order"))
    for key in ("after", "until"):
        text = getattr(expect, key)
        if text is not None:
            yield from names.moment(text, (*path, key))


def _order(events: list[str], names: Names, path: KeyPath) -> Iterator[Problem]:
    if len(events) < 2:
        yield Problem(path, "at least two events", f"{len(events)}")
    for number, event in enumerate(events):
        yield from names.event(event, (*path, number))


def _bounds(expect: Expect, parts: Parts, path: KeyPath) -> Iterator[Problem]:
    yield from _lengths(expect, parts, path)
    yield from _numbers(expect, path)
    yield from _window(expect, path)
    if expect.stays is not None and expect.for_ is not None and expect.for_ <= 0:
        yield Problem((*path, "for"), "a time longer than 0", format_duration(expect.for_))
    if expect.are is not None and not expect.are:
        yield Problem((*path, "are"), "at least one duration", "an empty list")


def _lengths(expect: Expect, parts: Parts, path: KeyPath) -> Iterator[Problem]:
    """Times that are longer than the run can be."""
    for key in ("within", "for", "grace", "tolerance"):
        yield from too_long(value_of(expect, key), parts.timeout, (*path, key))
    for number, gap in enumerate(expect.are or ()):
        yield from too_long(gap, parts.timeout, (*path, "are", number))


def too_long(value: object, timeout: float | None, path: KeyPath) -> Iterator[Problem]:
    """A stretch of time that does not fit into the scenario's timeout."""
    longest = value.high if isinstance(value, Window) else value
    if timeout is not None and isinstance(longest, Duration | float) and longest > timeout:
        expected = f"no more than the timeout of {format_duration(timeout)}"
        yield Problem(path, expected, format_duration(longest), "the run ends before that")


def _numbers(expect: Expect, path: KeyPath) -> Iterator[Problem]:
    for key in ("min", "max"):
        number = getattr(expect, key)
        if number is not None and number < 0:
            yield Problem((*path, key), "a whole number of at least 0", show(number))
    if expect.min is not None and expect.max is not None and expect.min > expect.max:
        yield Problem((*path, "min"), f'no more than "max", {expect.max}', show(expect.min), "no count fits")
    if expect.count is not None and expect.min == 0 and expect.max is None:
        yield Problem((*path, "min"), 'at least 1, or a "max"', "0", "every count fits")


def _window(expect: Expect, path: KeyPath) -> Iterator[Problem]:
    """A stretch of time that ends before it begins, as far as the text alone can tell."""
    if expect.until is None:
        return
    try:
        opens, closes = compile_moment(expect.after or "0s"), compile_moment(expect.until)
    except ConditionError:
        return
    if opens.event == closes.event and closes.offset <= opens.offset:
        hint = "the stretch of time between them is empty"
        yield Problem((*path, "until"), f"a moment later than {show(expect.after or '0s')}", show(expect.until), hint)


def _recover(recover: Recover, parts: Parts, names: Names) -> Iterator[Problem]:
    path: KeyPath = ("recover",)
    yield from names.condition(recover.steady, (*path, "steady"))
    if parts.timeout is not None and recover.within + recover.for_ > parts.timeout:
        both = format_duration(recover.within + recover.for_)
        expected = f'"within" and "for" that fit into the timeout of {format_duration(parts.timeout)}'
        yield Problem((*path, "within"), expected, f"{both} together", "the run ends before that")
