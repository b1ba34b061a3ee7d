"""Conditions and moments: what they mean, and what is said when they mean nothing."""

from __future__ import annotations

import signal

import pytest

from crashrig.judging.condition import (
    Condition,
    ConditionError,
    MomentWatch,
    check_uses,
    compile_condition,
    compile_event,
    compile_gap,
    compile_moment,
)
from crashrig.judging.event import Event
from crashrig.judging.reference import LAST, EventRef, Observable


class Table:
    """A view with fixed values; unknown names are unknown."""

    def __init__(self, values: dict[str, float | str | None], events: dict[str, Event] | None = None) -> None:
        self.values = values
        self.events = events or {}

    def observable(self, agent: str, name: str) -> float | str | None:
        return self.values.get(f"{agent}.{name}")

    def event(self, ref: EventRef) -> Event | None:
        return self.events.get(str(ref))


VIEW = Table(
    {"worker.live": 2, "worker.tree": 5, "worker.claimed": "running", "total.live": 3},
    {
        "worker.exit#1": Event(at=12.5, agent="worker", kind="exit", generation=1, pid=10, signal=9),
        "worker.exit#2": Event(at=20.0, agent="worker", kind="exit", generation=2, pid=11, code=3),
        "worker.exit": Event(at=12.5, agent="worker", kind="exit", generation=1, pid=10, signal=9),
        "fault#1": Event(at=3.0, agent="fault", kind="proven", number=1),
    },
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("worker.live == 2", True),
        ("worker.live != 2", False),
        ("1 < worker.live <= 2", True),
        ("1 < worker.live < 2", False),
        ("worker.live + 3 == worker.tree", True),
        ("worker.tree - worker.live - 4 == -1", True),
        ("worker.live == 2 and worker.tree == 5", True),
        ("worker.live == 1 or not worker.tree == 4", True),
        ("worker.claimed == 'running'", True),
        ('worker.claimed != "fatal"', True),
        ("total.live >= 3", True),
        ("worker.exit#1.signal == SIGKILL", True),
        ("worker.exit.signal == SIGKILL", True),
        ("worker.exit#1.code == -9", True),
        ("worker.exit#2.signal == 0", True),
        ("worker.exit#2.code == 3", True),
        ("worker.exit#2.at - worker.exit#1.at == 7.5", True),
        ("worker.exit#1", True),
        ("worker.exit#3", False),
        ("not worker.exit#3", True),
        ("fault#1.at < 4", True),
        ("  worker.live\n== 2  ", True),
    ],
)
def test_what_conditions_mean(text: str, value: bool) -> None:
    assert compile_condition(text).evaluate(VIEW) is value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("worker.exit#3.code == 1", None),
        ("not worker.exit#3.code == 1", None),
        ("worker.exit#3.code == 1 and worker.live == 2", None),
        ("worker.exit#3.code == 1 and worker.live == 1", False),
        ("worker.exit#3.code == 1 or worker.live == 2", True),
        ("worker.exit#3.code == 1 or worker.live == 1", None),
        ("worker.exit#3.at - 1 > 0", None),
        ("other.claimed == 'running'", None),
    ],
)
def test_what_has_not_happened_is_unknown(text: str, value: bool | None) -> None:
    assert compile_condition(text).evaluate(VIEW) is value


def test_signal_names_are_numbers() -> None:
    condition = compile_condition("worker.live == SIGTERM")
    assert condition.evaluate(Table({"worker.live": int(signal.SIGTERM)}))


def test_a_hash_in_a_text_is_text() -> None:
    assert compile_condition("worker.claimed == 'a#1 b'").evaluate(Table({"worker.claimed": "a#1 b"}))


def test_an_agent_may_be_called_like_a_marked_event() -> None:
    condition = compile_condition("exit_1.live == 1 and worker_2.exit#1.code == 0")
    assert [str(use.name) for use in condition.uses] == ["exit_1.live", "worker_2.exit#1.code"]


def test_names_are_collected() -> None:
    names = compile_condition("worker.live == 1 and other.exit#last.code == 0 and fault#2.lifted").names
    assert names.agents == {"worker", "other", "fault"}
    assert names.observables == {Observable("worker", "live")}
    assert names.events == {EventRef("other", "exit", LAST), EventRef("fault", "lifted", 2)}


def test_dot_last_is_hash_last() -> None:
    assert compile_moment("worker.beat.last").event == compile_moment("worker.beat#last").event


def test_description_states_the_values() -> None:
    condition = compile_condition("worker.live == 1 and worker.exit#1.signal == SIGTERM and worker.exit#9.code == 0")
    text = condition.describe(VIEW)
    assert text == "worker.live = 2, worker.exit#1.signal = SIGKILL, worker.exit#9 has not happened"


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("worker.live", 1, "worker.live is a value"),
        ("worker.live = 1", 13, "cannot read this"),
        ("worker.live == ", 15, "cannot read this"),
        ("", 1, "cannot read this"),
        ("worker.alive == 1", 8, "worker.alive is not known"),
        ("  worker.exit#0.code == 1", 10, "#0 is no place in a row"),
        ("worker.exit#x.code == 1", 12, "#x is no place in a row"),
        ("worker.exit#1.colour == 1", 15, "worker.exit#1.colour is not known"),
        ("worker#1.live == 1", 1, "worker#1 is not an event"),
        ("worker == 1", 1, "'worker' alone says nothing"),
        ("worker.live == SIGKIL", 16, "SIGKIL is not a signal"),
        ("worker.live == 'two'", 16, "a number cannot be compared with a text"),
        ("worker.claimed < 'z'", 1, "texts have no order"),
        ("worker.claimed + 1 == 2", 1, "only numbers can be added"),
        ("worker.live == True", 16, "expected a number"),
        ("worker.live * 2 == 4", 1, "worker.live * 2 is not part of the language"),
        ("worker.live in 3", 1, "this comparison is not known"),
        ("open('x') == 1", 1, "open('x') is not part of the language"),
        ("(lambda: 1)() == 1", 1, "is not part of the language"),
        ("worker.live.real == 1", 13, "worker.live has no parts"),
        ("worker.exit#1 == 1", 1, "worker.exit#1 is an event"),
        ("fault#last.at == 1", 1, "faults have numbers"),
        ("supervisor.tree == 1", 12, "supervisor.tree is not known"),
        ("worker.claimed == 'ä' and worker.alive == 1", 34, "worker.alive is not known"),
    ],
)
def test_errors_say_what_and_where(text: str, column: int, message: str) -> None:
    with pytest.raises(ConditionError) as caught:
        compile_condition(text)
    assert message in caught.value.message
    assert caught.value.column == column


def test_errors_name_the_nearest() -> None:
    with pytest.raises(ConditionError) as caught:
        compile_condition("worker.orphan > 0")
    assert caught.value.hint == "did you mean orphans?"
    with pytest.raises(ConditionError, match="did you mean SIGKILL"):
        compile_condition("worker.exit#1.signal == SIGKIL")


def test_deep_nesting_is_refused_not_a_crash() -> None:
    with pytest.raises(ConditionError):
        compile_condition("(" * 5000 + "worker.live == 1" + ")" * 5000)


def check(condition: Condition) -> list[str]:
    return [str(problem) for problem in check_uses(condition.uses, {"worker": 2, "other": 1}, faults=1)]


def test_names_that_the_scenario_lacks() -> None:
    assert check(compile_condition("wroker.live == 1")) == [
        "column 1: there is no agent 'wroker' (did you mean worker?)"
    ]
    assert check(compile_condition("worker_2.live == 1 and total.live == 1 and supervisor.live == 1")) == []
    assert check(compile_condition("fault#2.at > 1")) == ["column 1: there is no fault#2 (the file has 1)"]
    assert check(compile_condition("worker.claimed == 'fatal'")) == [
        "column 1: worker is several agents (name one of them: worker_1.claimed)"
    ]


@pytest.mark.parametrize(
    ("text", "event", "offset"),
    [
        ("40s", None, 40.0),
        ("1m30s", None, 90.0),
        ("worker.start#2", EventRef("worker", "start", 2), 0.0),
        ("worker.start#2 + 40s", EventRef("worker", "start", 2), 40.0),
        ("worker.start#2+250ms", EventRef("worker", "start", 2), 0.25),
        (" worker.beat#last - 1s ", EventRef("worker", "beat", LAST), -1.0),
        ("worker.exit", EventRef("worker", "exit"), 0.0),
        ("fault#1.lifted", EventRef("fault", "lifted", 1), 0.0),
        ("fault", EventRef("fault", "proven", 1), 0.0),
        ("supervisor.exit", EventRef("supervisor", "exit"), 0.0),
    ],
)
def test_moments(text: str, event: EventRef | None, offset: float) -> None:
    moment = compile_moment(text)
    assert (moment.event, moment.offset) == (event, offset)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 1),
        ("40", 1),
        ("worker.live", 1),
        ("worker.exit#1.at", 1),
        ("worker.start + 5", 16),
        ("worker.start * 5s", 13),
        ("worker.start#", 13),
        ("worker.begin + 5s", 8),
        ("== 1", 1),
    ],
)
def test_moments_that_are_none(text: str, column: int) -> None:
    with pytest.raises(ConditionError) as caught:
        compile_moment(text)
    assert caught.value.column == column


def test_an_event_alone_and_a_gap() -> None:
    assert compile_event("worker.exit#2").event == EventRef("worker", "exit", 2)
    first, second = compile_gap("worker.exit -> worker.start")
    assert (first.event, second.event) == (EventRef("worker", "exit"), EventRef("worker", "start"))


@pytest.mark.parametrize(("text", "column"), [("worker.exit", 12), ("worker.exit -> worker.begin", 23)])
def test_gaps_that_are_none(text: str, column: int) -> None:
    with pytest.raises(ConditionError) as caught:
        compile_gap(text)
    assert caught.value.column == column


def test_an_index_where_all_events_are_meant() -> None:
    with pytest.raises(ConditionError, match="expected all of its kind"):
        compile_event("worker.exit#2", indexed=False)


def events(*times: float) -> list[Event]:
    return [Event(at=t, agent="worker", kind="beat") for t in times]


@pytest.mark.parametrize(
    ("text", "dues"),
    [
        ("worker.beat", [1.0, 1.0, 1.0]),
        ("worker.beat#2 + 5s", [None, 7.0, 7.0]),
        ("worker.beat#last + 5s", [6.0, 7.0, 9.0]),
        ("3s", [3.0, 3.0, 3.0]),
        ("other.beat", [None, None, None]),
    ],
)
def test_a_watch_finds_out_when_a_moment_is(text: str, dues: list[float | None]) -> None:
    watch = MomentWatch(compile_moment(text), {"worker": 1, "other": 1})
    seen = []
    for event in events(1.0, 2.0, 4.0):
        watch.see(event)
        seen.append(watch.due)
    assert seen == dues


def test_a_group_is_any_of_its_agents() -> None:
    watch = MomentWatch(compile_moment("worker.beat#2"), {"worker": 2})
    watch.see(Event(at=1.0, agent="worker_1", kind="beat"))
    watch.see(Event(at=2.0, agent="other", kind="beat"))
    watch.see(Event(at=3.0, agent="worker_2", kind="beat"))
    assert watch.due == 3.0


def test_what_follows_an_event_is_pointed_at() -> None:
    with pytest.raises(ConditionError) as caught:
        compile_event("worker.exit#2 + 5s")
    assert (caught.value.column, "found '+ 5s' behind it" in str(caught.value)) == (14, True)
