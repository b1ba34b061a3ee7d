"""Does a policy agree with itself?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crashrig.reading.checks.problem import Problem, show
from crashrig.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crashrig.reading.toml_lines import KeyPath
    from crashrig.scenario import Policy


def check_policy(policy: Policy, path: KeyPath) -> Iterator[Problem]:
    """Everything in one policy that contradicts something else in it."""
    yield from _backoff(policy, path)
    yield from _codes(policy, path)
    if (policy.burst is None) != (policy.window is None):
        given, missing = ("window", "burst") if policy.burst is None else ("burst", "window")
        yield Problem((*path, given), '"burst" and "window" together', f'no "{missing}"')
    if policy.startup_grace is not None and policy.heartbeat_timeout is None:
        yield Problem((*path, "startup_grace"), 'a "heartbeat_timeout" beside it', "none")
    if policy.heartbeat_timeout is not None and policy.heartbeat_timeout <= 0:
        yield Problem((*path, "heartbeat_timeout"), "a time longer than 0", "0")


def _backoff(policy: Policy, path: KeyPath) -> Iterator[Problem]:
    grown = [
        key for key in ("backoff_initial", "backoff_multiplier", "backoff_max") if getattr(policy, key) is not None
    ]
    if policy.backoff is not None:
        if not policy.backoff:
            yield Problem((*path, "backoff"), "at least one delay", "an empty list", '"0s" is a delay too')
        for key in grown:
            yield Problem((*path, key), 'no "backoff" beside it', "one", "a list or a growing back-off, not both")
    elif grown and policy.backoff_initial is None:
        yield Problem((*path, grown[0]), 'a "backoff_initial" beside it', "none")
    elif (low := policy.backoff_initial) is not None and (high := policy.backoff_max) is not None and high < low:
        expected = f'at least "backoff_initial", {format_duration(low)}'
        yield Problem((*path, "backoff_max"), expected, format_duration(high))


def _codes(policy: Policy, path: KeyPath) -> Iterator[Problem]:
    for key in ("clean_codes", "fatal_codes", "restart_codes"):
        for number, code in enumerate(getattr(policy, key)):
            if not 0 <= code <= 255:
                yield Problem((*path, key, number), "an exit code from 0 to 255", show(code))
    for other in ("clean_codes", "restart_codes"):
        for code in sorted({*policy.fatal_codes} & {*getattr(policy, other)}):
            hint = "without that key it is [0, 143]" if other == "clean_codes" else ""
            yield Problem((*path, "fatal_codes"), f'codes that are not in "{other}"', show(code), hint)
