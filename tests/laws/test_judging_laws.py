"""Laws of judging, on random histories and expectations.

Judging live, in any grain, comes to the same results as judging what was stored; a monitor that is settled never
changes its verdict; a history that happened later, with windows that move along, gets the same verdicts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from judging import expect, header, scenario

from crashrig.history import Footer, Header, History, Observation
from crashrig.judging.checker import LiveJudge, judge
from crashrig.judging.condition import ConditionError, compile_condition
from crashrig.judging.monitors import build, clause_of
from crashrig.judging.monitors.protocol import Bench
from crashrig.judging.monitors.tolerance import Tolerance
from crashrig.judging.world import World

if TYPE_CHECKING:
    from crashrig.scenario import Expect
    from crashrig.verdict import Result

AGENTS = {"worker": 1}
WHATS = ["start", "exit", "birth", "death", "beat", "received", "noise", "fault"]

EXPECTATIONS: list[dict[str, Any]] = [
    {"always": "worker.live <= 1"},
    {"never": "worker.orphans > 0", "after": "worker.exit", "grace": 0.5},
    {"never": "worker.live > 1", "after": "worker.start#2", "until": "worker.exit#2"},
    {"never": "worker.live > 0", "after": "worker.exit#last"},
    {"always": "worker.tree < 3", "after": "worker.start + 2s", "grace": 1.0},
    {"always": "worker.exit#1.signal == SIGKILL"},
    {"eventually": "worker.live == 0", "after": "worker.start", "within": 3},
    {"eventually": "worker.exit#1.signal == SIGKILL", "after": "worker.beat#last", "within": (1, 3)},
    {"eventually": "worker.starts >= 2 and not worker.live > 1"},
    {"eventually": "fault#1", "within": 5},
    {"stays": "worker.live == 1", "after": "worker.start", "lasting": 2.0, "grace": 1.0},
    {"stays": "worker.live == 0", "after": "worker.exit#last", "lasting": 3.0},
    {"count": "worker.start", "min": 1, "max": 2},
    {"count": "worker.beat", "min": 2, "until": "worker.start + 4s"},
    {"count": "worker.exit", "max": 1, "after": "worker.beat#last", "until": "worker.exit#2"},
    {"gaps": "worker.exit -> worker.start", "are": [0.5, 1.0]},
    {
        "gaps": "worker.beat -> worker.beat",
        "are": [1.0],
        "after": "worker.start",
        "until": "worker.exit",
        "tolerance": 1,
    },
    {"order": ["worker.start", "worker.term", "worker.exit"]},
    {"order": ["worker.start#2", "worker.exit"], "after": "worker.beat"},
    {"sometimes": "worker.stale > 0"},
    {"never": "worker.live > 1", "after": "worker.exit - 1s"},
    {"always": "worker.live <= 1", "until": "worker.exit#last", "grace": 0.5},
    {"count": "worker.beat", "min": 1, "max": 3, "after": "worker.start", "until": "worker.beat#last"},
]


@st.composite
def observations(draw: st.DrawFn, pace: float) -> list[Observation]:
    """Observations in order of time, on a coarse grid so that many bear the same time."""
    seen: list[Observation] = []
    t = 0.0
    for _ in range(draw(st.integers(0, 25))):
        t += draw(st.sampled_from([0.0, 0.0, 0.001, 0.25, 0.5, 1.0, 2.0]))
        seen.append(_observation(draw, t / pace))
    seen.append(Observation(t=(t + draw(st.sampled_from([0.0, 1.0, 5.0]))) / pace, what="end", text="settled"))
    return seen


def _observation(draw: st.DrawFn, t: float) -> Observation:
    what: Any = draw(st.sampled_from(WHATS))
    if what == "noise":
        return Observation(t=t, what=what, value=draw(st.sampled_from([0.0, 0.01, 0.3])))
    if what == "fault":
        return Observation(t=t, what=what, text="1 kill", phase=draw(st.sampled_from(["injected", "proven"])))
    return Observation(
        t=t,
        what=what,
        agent="worker",
        generation=draw(st.integers(1, 3)),
        pid=draw(st.integers(10, 14)),
        signal=draw(st.sampled_from([9, 15])),
        text="good",
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Header, list[Observation], Expect]:
    """A header, a history that fits it, and one expectation."""
    pace = draw(st.sampled_from([1.0, 4.0]))
    head = header(pace, resolution=draw(st.sampled_from([0.0, 0.3])), simulated=draw(st.booleans()) and pace == 1.0)
    return head, draw(observations(pace)), expect(**draw(st.sampled_from(EXPECTATIONS)))


def stored(head: Header, seen: list[Observation], one: Expect) -> list[Result]:
    footer = Footer(end="settled", observations=len(seen))
    return judge(scenario(one), History(header=head, observations=seen, footer=footer))


@settings(max_examples=200, deadline=None)
@given(case=cases(), data=st.data())
def test_incremental_is_batch(case: tuple[Header, list[Observation], Expect], data: st.DataObject) -> None:
    head, seen, one = case
    live = LiveJudge(scenario(one), head, reorder=0.4)
    order = list(seen)
    if not head.simulated:
        delays = data.draw(st.lists(st.sampled_from([0.0, 0.2]), min_size=len(seen), max_size=len(seen)))
        order = [o for _, o in sorted(zip(delays, seen, strict=True), key=lambda pair: pair[0] + pair[1].t)]
        order = [*(o for o in order if o.what != "end"), seen[-1]]
    now = 0.0
    for observation in order:
        live.observe(observation)
        now = max(now, observation.t)
        if data.draw(st.booleans()):
            live.advance(now)
        if data.draw(st.booleans()) and live.next_time is not None and live.next_time <= now:
            live.advance(now)
    assert live.late == 0
    reached = live.finish(seen[-1].t)
    assert reached == stored(head, order, one)
    assert reached[0].verdict != "error"


@settings(max_examples=200, deadline=None)
@given(case=cases())
def test_what_is_settled_stays(case: tuple[Header, list[Observation], Expect]) -> None:
    head, seen, one = case
    world, tolerance = World(AGENTS, head.pace), Tolerance(head)
    monitor = build(clause_of(0, one), one, Bench(AGENTS, world, tolerance))
    verdict = None
    for observation in seen:
        t = observation.t * head.pace
        while monitor.next_time < t:
            monitor.advance(monitor.next_time)
            verdict = _check(monitor, verdict, world.now)
        if observation.what == "noise":
            tolerance.hear(observation)
        event = world.observe(observation)
        if event is not None:
            monitor.observe(event)
        verdict = _check(monitor, verdict, t)


def _check(monitor: Any, verdict: Any, t: float) -> Any:
    """Once settled, the verdict is what it was, and nothing is waited for."""
    if not monitor.settled:
        assert verdict is None, "it was settled before"
        return None
    assert not monitor.waiting
    now = monitor.finish(t).verdict
    assert verdict is None or verdict == now
    return now


@settings(max_examples=200, deadline=None)
@given(case=cases(), shift=st.sampled_from([0.5, 64.0, 4096.0]))
def test_shifting_time_changes_no_verdict(case: tuple[Header, list[Observation], Expect], shift: float) -> None:
    head, seen, one = case
    if one.after is None:
        one = msgspec.structs.replace(one, after="worker.start")
    if " - " in (one.after or ""):
        return  # a window that would open before the run begins is cut off there
    later = [msgspec.structs.replace(o, t=o.t + shift / head.pace) for o in seen]
    assert [r.verdict for r in stored(head, seen, one)] == [r.verdict for r in stored(head, later, one)]


@settings(max_examples=200, deadline=None)
@given(text=st.text(st.sampled_from("work.lives #1=<>()'\"+-nota SIGKILLäé0"), max_size=30))
def test_any_text_compiles_or_is_refused_with_a_place(text: str) -> None:
    try:
        condition = compile_condition(text)
    except ConditionError as error:
        assert 1 <= error.column <= len(text) + 1
        assert error.message
    else:
        assert condition.uses or "=" in text or "<" in text or ">" in text


@settings(max_examples=200, deadline=None)
@given(
    parts=st.lists(
        st.sampled_from(["worker.live > 1", "worker.exit#1.code == 0", "worker.starts == 0", "worker.exit#2"]),
        min_size=1,
        max_size=4,
    ),
    word=st.sampled_from([" and ", " or "]),
    seen=observations(1.0),
)
def test_logic_of_three_values(parts: list[str], word: str, seen: list[Observation]) -> None:
    conditions = [compile_condition(part) for part in parts]
    whole, negated = compile_condition(word.join(parts)), compile_condition(f"not ({word.join(parts)})")
    world = World(AGENTS, events=[ref for condition in conditions for ref in condition.names.events])
    for observation in seen:
        world.observe(observation)
        values = [condition.evaluate(world) for condition in conditions]
        decisive = word == " or "
        expected = decisive if decisive in values else None if None in values else not decisive
        assert whole.evaluate(world) is expected
        assert negated.evaluate(world) is (None if expected is None else not expected)


@settings(max_examples=200, deadline=None)
@given(seen=observations(1.0))
def test_counts_are_what_they_say(seen: list[Observation]) -> None:
    world = World(AGENTS)
    population = world._populations["worker"]
    for observation in seen:
        world.observe(observation)
        generations = list(population.processes.values())
        assert population.orphans == sum(population.is_headless(generation) for generation in generations)
        assert population.stale == sum(generation < population.generation for generation in generations)
        assert population.tree == sum(population._sizes.values())
