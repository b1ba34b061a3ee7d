"""Short stories for the judge: a history in a few lines of text, and the result of one expectation on it.

A line is "TIME WHAT AGENT", then in any order gN (generation, 1 unless given), pN (pid), cN (exit code), a signal
name, and a text: "221.3 exit worker g1 p10 SIGKILL". Faults are "TIME fault 1 proven". Times are nominal.
"""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING, Any

from crashrig.history import Footer, Header, History, Observation
from crashrig.judging.checker import judge
from crashrig.quantities import Duration, Window
from crashrig.scenario import Agent, Expect, Scenario

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crashrig.verdict import Result

_MARK = re.compile(r"([gpc])(\d+)")
_FIELDS = {"g": "generation", "p": "pid", "c": "code"}


def observation(line: str, pace: float = 1.0) -> Observation:
    """One line of a story."""
    time, what, *words = line.split()
    t = float(time) / pace
    if what in ("noise", "lost", "end"):
        value = float(words[0]) / pace if what == "noise" else None
        return Observation(t=t, what=what, value=value, text=words[0])
    if what == "fault":
        return Observation(t=t, what=what, text=f"{words[0]} kill", phase=words[1])
    fields: dict[str, Any] = {"agent": "", "generation": 0} if what.startswith("subject.") else {"generation": 1}
    for word in words:
        fields |= _field(word, "agent" in fields)
    if what == "beat":
        fields.setdefault("text", "good")
    return Observation(t=t, what=what, **fields)


def _field(word: str, named: bool) -> dict[str, Any]:
    mark = _MARK.fullmatch(word)
    if mark is not None:
        return {_FIELDS[mark[1]]: int(mark[2])}
    if word.startswith("SIG"):
        return {"signal": int(signal.Signals[word])}
    return {"text": word} if named else {"agent": word}


def header(pace: float = 1.0, resolution: float = 0.0, simulated: bool = True) -> Header:
    """A header; `resolution` is nominal like all times here."""
    return Header(scenario="story", subject="s", pace=pace, resolution=resolution / pace, simulated=simulated)


def history(story: str, pace: float = 1.0, resolution: float = 0.0, simulated: bool = True) -> History:
    """The history of a story; simulated, so that nothing is allowed for, unless said otherwise."""
    observations = [observation(line, pace) for line in story.splitlines() if line.strip()]
    footer = Footer(end="settled", observations=len(observations))
    return History(header=header(pace, resolution, simulated), observations=observations, footer=footer)


def expect(**keys: Any) -> Expect:
    """An expectation; times as bare seconds, `lasting` for the key `for`, `within` as a number or a pair."""
    if "lasting" in keys:
        keys["for_"] = keys.pop("lasting")
    for name in ("for_", "grace", "tolerance"):
        if name in keys:
            keys[name] = Duration(keys[name])
    if "are" in keys:
        keys["are"] = [Duration(one) for one in keys["are"]]
    if "within" in keys:
        within = keys["within"]
        keys["within"] = Window(*within) if isinstance(within, tuple) else Window(0.0, within)
    return Expect(**keys)


def scenario(*expectations: Expect, **keys: Any) -> Scenario:
    """A scenario with one agent, worker, unless told otherwise."""
    given: dict[str, Any] = {"agents": {"worker": Agent()}, "timeout": Duration(600.0)} | keys
    return Scenario(title="a story", promises=["RST-1"], expect=list(expectations), **given)


def judged(
    story: str,
    *,
    pace: float = 1.0,
    resolution: float = 0.0,
    simulated: bool = True,
    agents: dict[str, Agent] | None = None,
    survivors: Sequence[str] = (),
    **keys: Any,
) -> Result:
    """The result of one expectation on a story."""
    one = scenario(expect(**keys), **({} if agents is None else {"agents": agents}))
    return judge(one, history(story, pace, resolution, simulated), survivors)[0]
