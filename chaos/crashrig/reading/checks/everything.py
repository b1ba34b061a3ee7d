"""All checks of one scenario, in the order of its file format; and what belongs to the scenario as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crashrig.promises import PROMISES
from crashrig.reading.checks.agents import check_agents
from crashrig.reading.checks.expectations import check_expectations
from crashrig.reading.checks.faults import check_faults
from crashrig.reading.checks.names import Names
from crashrig.reading.checks.policy import check_policy
from crashrig.reading.checks.problem import Problem, nearest, show
from crashrig.subjects.protocol import CAPABILITIES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from crashrig.reading.checks.parts import Parts
    from crashrig.reading.toml_lines import KeyPath


def check(parts: Parts) -> Iterator[Problem]:
    """Everything that is wrong with what could be read of a scenario."""
    names = Names(parts)
    yield from _whole(parts)
    yield from check_policy(parts.policy, ("policy",))
    yield from check_agents(parts)
    yield from check_faults(parts, names)
    yield from check_expectations(parts, names)


def _whole(parts: Parts) -> Iterator[Problem]:
    if parts.title is not None and not parts.title.strip():
        yield Problem(("title",), "a sentence that says what is shown", show(parts.title))
    yield from _known(parts.promises, PROMISES, "the id of a promise", ("promises",))
    yield from _known(parts.needs, CAPABILITIES, "a capability", ("needs",))
    yield from _known(parts.tags, None, "a tag", ("tags",))
    yield from _modes(parts.modes)
    if parts.timeout is not None and parts.timeout <= 0:
        yield Problem(("timeout",), "a time longer than 0", "0")
    yield from _crowd(parts)
    for number, gap in enumerate(parts.xfail):
        if gap is not None and not gap.reason.strip():
            yield Problem(("xfail", number, "reason"), "why this subject fails", show(gap.reason))


def _known(words: Sequence[str], known: Collection[str] | None, what: str, path: KeyPath) -> Iterator[Problem]:
    for number, word in enumerate(words):
        if known is not None and word not in known:
            yield Problem((*path, number), what, show(word), nearest(word, known, "there are"))
        elif word in words[:number]:
            yield Problem((*path, number), f"{what} that is not yet in the list", show(word))


def _modes(modes: list[str] | None) -> Iterator[Problem]:
    if modes is None:
        return
    if not modes:
        hint = "a scenario that runs nowhere shows nothing (CHS-8)"
        yield Problem(("modes",), '"simulated", "real" or both', "an empty list", hint)
    yield from _known(modes, None, "a mode", ("modes",))


def _crowd(parts: Parts) -> Iterator[Problem]:
    """More first processes than the blast radius has room for."""
    needed = sum((parts.counts or {}).values())
    if needed > parts.budget.processes:
        hint = "each agent is a process"
        yield Problem(("budget", "processes"), f"at least {needed}", show(parts.budget.processes), hint)
