"""Are the steps of a behaviour verbs that fake agents know, with values and options that these verbs take?

The verbs describe themselves in `agents/behaviours/`, one module each; this is the only place that asks them.
"""

from __future__ import annotations

import signal
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from crashrig.agents import behaviours
from crashrig.reading.checks.problem import Problem, meant, nearest, show
from crashrig.reading.checks.shape import DURATION, bare_number
from crashrig.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from crashrig.reading.toml_lines import KeyPath

KINDS: dict[str, str] = {
    "duration": DURATION,
    "code": "an exit code from 0 to 255",
    "signal": 'the name of a signal such as "SIGTERM"',
    "count": "a whole number of at least 1",
    "probability": "a number from 0 to 1",
    "flag": "true or false",
}
"""What each kind of value is, in words; a `word` is one of the verb's own choices."""

SIGNALS = tuple(one.name for one in signal.Signals)
"""The signals there are, by name."""

_HARMLESS = frozenset(
    {"SIGCHLD", "SIGCLD", "SIGCONT", "SIGURG", "SIGWINCH", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU"}
)
"""Signals that end no process by themselves: signal(7), default actions Ign, Cont and Stop."""

_UNSTOPPABLE = frozenset({"SIGKILL", "SIGSTOP"})
"""Signals that cannot be ignored: signal(7)."""


class Verb(msgspec.Struct, frozen=True, kw_only=True):
    """What one verb takes; see `agents/behaviours/` for the words."""

    name: str
    value: str
    options: Mapping[str, str]
    choices: Mapping[str, Sequence[str]]
    ends: bool
    help: str

    @property
    def summary(self) -> str:
        """The first sentence or two of the help."""
        return " ".join(self.help.partition("\n\n")[0].split())


@cache
def behaviour_verbs() -> dict[str, Verb]:
    """Every verb of fake agents by its name, in the order of the documentation."""
    return {name: _verb(name) for name in behaviours.VERBS}


def _verb(name: str) -> Verb:
    module = behaviours.load(name)
    return Verb(
        name=module.VERB,
        value=module.VALUE,
        options=module.OPTIONS,
        choices=module.CHOICES,
        ends=module.ENDS,
        help=(module.__doc__ or "").strip(),
    )


def verb_of(step: Mapping[str, object]) -> Verb | None:
    """The verb of a step, None when it has none or several."""
    verbs = [verb for key, verb in behaviour_verbs().items() if key in step]
    return verbs[0] if len(verbs) == 1 else None


def check_steps(steps: Sequence[Mapping[str, object]], path: KeyPath) -> Iterator[Problem]:
    """Everything that is wrong with one behaviour."""
    ended = ""
    for number, step in enumerate(steps):
        yield from _step(step, (*path, number))
        if ended:
            yield Problem((*path, number), "no step here", "one that is never reached", ended)
        ended = ended or _ending(step, (*path, number))


def _step(step: Mapping[str, object], path: KeyPath) -> Iterator[Problem]:
    known = behaviour_verbs()
    verbs = [key for key in step if key in known]
    if len(verbs) != 1:
        yield _not_one_verb(step, verbs, path)
        return
    verb = known[verbs[0]]
    for key, value in step.items():
        if key == verb.name:
            yield from _value(verb, key, verb.value, value, path)
        elif key in verb.options:
            yield from _value(verb, key, verb.options[key], value, path)
        else:
            hint = nearest(key, verb.options, f"options of {verb.name}")
            yield Problem((*path, key), f'an option of "{verb.name}"', show(key), hint)


def _not_one_verb(step: Mapping[str, object], verbs: list[str], path: KeyPath) -> Problem:
    if verbs:
        return Problem(path, "one verb a step", " and ".join(verbs), "write one step after the other")
    if not step:
        return Problem(path, "a step with a verb", "an empty table", nearest("", behaviour_verbs(), "verbs"))
    key = next(iter(step))
    return Problem((*path, key), "a known verb", show(key), nearest(key, behaviour_verbs(), "verbs"))


def _value(verb: Verb, key: str, kind: str, value: object, path: KeyPath) -> Iterator[Problem]:
    path = (*path, key)
    if kind == "word":
        words = verb.choices[key]
        if value not in words:
            yield Problem(path, "one of " + ", ".join(words), show(value), meant(value, words))
    elif not fits(kind, value):
        yield Problem(path, KINDS[kind], show(value), _hint(kind, value))
    else:
        yield from _sense(key, value, path)


def fits(kind: str, value: object) -> bool:
    """Whether a value is of this kind (not for words, whose choices depend on the verb)."""
    match kind, value:
        case "flag", bool():
            return True
        case _, bool():
            return False
        case "duration", str():
            return _is_duration(value)
        case "signal", str():
            return value in SIGNALS
        case "probability", int() | float():
            return 0 <= value <= 1
        case "code", int():
            return 0 <= value <= 255
        case "count", int():
            return value >= 1
        case _:
            return False


def _is_duration(text: str) -> bool:
    try:
        parse_duration(text)
    except ValueError:
        return False
    return True


def _hint(kind: str, value: object) -> str:
    if kind == "duration":
        return bare_number(value)
    return signal_hint(value) if kind == "signal" else ""


def signal_hint(value: object) -> str:
    """What to write for a signal that was given as a number or by a wrong name."""
    if isinstance(value, int):
        try:
            return f'did you mean "{signal.Signals(value).name}"?'
        except ValueError:
            return ""
    if isinstance(value, str):
        name = value.upper().removeprefix("SIG")
        return nearest("SIG" + name, SIGNALS)
    return ""


def _sense(key: str, value: object, path: KeyPath) -> Iterator[Problem]:
    """Values of the right kind that cannot be meant."""
    if key == "signal" and value in _HARMLESS:
        yield Problem(path, "a signal that ends a process", show(value), 'to stop it write { hang = "stopped" }')
    elif key == "ignore" and value in _UNSTOPPABLE:
        yield Problem(path, "a signal that can be ignored", show(value))
    elif key == "beat" and parse_duration(str(value)) == 0:
        yield Problem(path, "an interval longer than 0", show(value))


def _ending(step: Mapping[str, object], path: KeyPath) -> str:
    """Why nothing can follow this step; empty when something can."""
    verb = verb_of(step)
    if verb is None:
        return ""
    if verb.ends:
        return f"nothing can follow step {path[-1]}, {verb.name}"
    if verb.name == "beat" and not {"for", "count"} & step.keys():
        return f'step {path[-1]} beats for ever: give it "for" or "count"'
    return ""
