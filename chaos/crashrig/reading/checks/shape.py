"""Does raw data have the keys and kinds of values that a record wants? Every difference is a problem.

The records are those of `scenario`, seen through msgspec's own description of them, so there is no second list
of keys. This is the slow path: `scenario_file` comes here only when msgspec has refused a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import inspect

from crashrig.quantities import Duration, Size, Window, decode_hook
from crashrig.reading.checks.problem import Problem, meant, nearest, show
from crashrig.scenario import Scenario
from crashrig.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crashrig.reading.toml_lines import KeyPath

DURATION = 'a duration with a unit such as "90s", "5m" or "250ms"'
SIZE = 'a size with a unit such as "256MiB" or "2GB"'

_CUSTOM: dict[type, str] = {
    Duration: DURATION,
    Size: SIZE,
    Window: 'a duration such as "3s" or a pair such as ["1s", "3s"]',
}


def check_shape(data: object) -> list[Problem]:
    """Every key and value of `data` that a Scenario cannot have."""
    return list(_check(inspect.type_info(Scenario), data, ()))


def bare_number(value: object, unit: str = "s") -> str:
    """A hint for a number that lacks its unit, or has a space before it; else nothing."""
    if isinstance(value, str):
        return _tidied(value, unit)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f'a bare number has no unit: write "{value}{unit}" or another unit'
    return ""


def _tidied(text: str, unit: str) -> str:
    close = "".join(text.split())
    if close.replace(".", "", 1).isdecimal():
        return f'a bare number has no unit: write "{close}{unit}" or another unit'
    return f'write it without spaces: "{close}"' if close != text else ""


def _check(kind: inspect.Type, value: object, path: KeyPath) -> Iterator[Problem]:
    match kind:
        case inspect.UnionType(types=types):
            wanted = next(one for one in types if not isinstance(one, inspect.NoneType))
            if value is not None:
                yield from _check(wanted, value, path)
        case inspect.StructType():
            yield from _struct(kind, value, path)
        case inspect.ListType() if isinstance(value, list):
            for number, item in enumerate(value):
                yield from _check(kind.item_type, item, (*path, number))
        case inspect.DictType() if isinstance(value, dict):
            for key, item in value.items():
                yield from _check(kind.value_type, item, (*path, key))
        case inspect.CustomType(cls=cls):
            yield from _custom(cls, value, path)
        case inspect.LiteralType(values=values):
            yield from _literal([str(one) for one in values], value, path)
        case inspect.AnyType():
            return
        case _:
            yield from _plain(kind, value, path)


def _struct(kind: inspect.StructType, value: object, path: KeyPath) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield Problem(path, "a table", show(value))
        return
    fields = {field.encode_name: field for field in kind.fields}
    for key, item in value.items():
        if key in fields:
            yield from _check(fields[key].type, item, (*path, key))
        else:
            yield Problem((*path, key), "a known key", show(key), nearest(key, fields, "known keys"))
    for key, field in fields.items():
        if field.required and key not in value:
            yield Problem((*path, key), _name(field.type), "nothing", "this key is needed")


def _custom(cls: type, value: object, path: KeyPath) -> Iterator[Problem]:
    try:
        decode_hook(cls, value)
    except ValueError:
        numbers = value if isinstance(value, list) else [value]
        hint = next(filter(None, (bare_number(one, "MiB" if cls is Size else "s") for one in numbers)), "")
        yield _turned(value, path) or Problem(path, _CUSTOM[cls], show(value), hint)


def _turned(value: object, path: KeyPath) -> Problem | None:
    """A pair whose only fault is its order."""
    match value:
        case [str() as low, str() as high]:
            try:
                parse_duration(low), parse_duration(high)
            except ValueError:
                return None
            return Problem(path, "[shortest, longest]", f'["{low}", "{high}"]', "it is the wrong way round")
    return None


def _literal(values: list[str], value: object, path: KeyPath) -> Iterator[Problem]:
    if value not in values:
        yield Problem(path, _one_of(values), show(value), meant(value, values))


def _one_of(values: Iterable[object]) -> str:
    words = [f'"{one}"' for one in values]
    return f"one of {', '.join(words)}" if len(words) > 1 else words[0]


def _plain(kind: inspect.Type, value: object, path: KeyPath) -> Iterator[Problem]:
    """Text, numbers, and lists and tables that are something else."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match kind:
        case inspect.StrType():
            fits = isinstance(value, str)
        case inspect.IntType(ge=ge, le=le):
            fits = number and isinstance(value, int) and _between(ge, value, le)
        case inspect.FloatType(ge=ge, le=le):
            fits = number and isinstance(value, int | float) and _between(ge, value, le)
        case _:
            fits = False
    if not fits:
        yield Problem(path, _name(kind), show(value))


def _between(low: float | None, value: float, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _name(kind: inspect.Type) -> str:
    """What a key wants, in words."""
    match kind:
        case inspect.StrType():
            return "text"
        case inspect.IntType(ge=ge, le=le):
            return "a whole number" + _range(ge, le)
        case inspect.FloatType(ge=ge, le=le):
            return "a number" + _range(ge, le)
        case inspect.ListType():
            return "a list"
        case inspect.CustomType(cls=cls):
            return _CUSTOM[cls]
        case inspect.LiteralType(values=values):
            return _one_of(values)
        case _:
            return "a table"


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    return "" if low is None else f" of at least {low:g}"
