"""Laws of frozen scenarios: any scenario comes back equal, and any text is either read or refused with its name."""

from __future__ import annotations

import json

import jsonschema
import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from crashrig.promises import PROMISES
from crashrig.quantities import Duration, Size, Window
from crashrig.reading.checks.steps import SIGNALS
from crashrig.reading.scenario_file import ScenarioError, freeze, parse_scenario
from crashrig.reading.scenario_schema import json_schema
from crashrig.scenario import (
    Agent,
    Budget,
    Expect,
    ExpectedFailure,
    Fault,
    Freeze,
    Kill,
    Operator,
    Policy,
    Recover,
    Scenario,
    Tamper,
)
from crashrig.subjects.protocol import CAPABILITIES

TIMEOUT = 1e6

durations = st.floats(1e-7, TIMEOUT / 4).map(Duration)
texts = st.text(max_size=8)
codes = st.lists(st.integers(0, 99), max_size=3)
conditions = st.sampled_from(["worker.live <= 1", "worker.exit#1.signal == SIGKILL or total.tree < 3"])
moments = st.sampled_from(["worker.start#2 + 40s", "worker.exit#last", "1.5s"])
seconds = durations.map(lambda value: f"{float(value):f}s")
steps = st.sampled_from([{"flaky": 0.25}, {"ignore": "SIGTERM"}, {"spawn": "tree", "depth": 3}]) | st.builds(
    lambda value, exact: {"wait": value, "exact": exact}, seconds, st.booleans()
)


def maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | strategy


@st.composite
def windows(draw: st.DrawFn) -> Window:
    low, high = sorted([draw(durations), draw(durations)])
    return Window(low, high)


policies = st.builds(
    Policy,
    restart=st.sampled_from(["on-failure", "always", "never"]),
    restart_codes=codes,
    backoff=maybe(st.lists(durations, min_size=1, max_size=3)),
    jitter=st.floats(0, 1),
    stable_after=durations,
    max_restarts=st.integers(0, 50),
    grace=durations,
    heartbeat_timeout=durations,
    startup_grace=maybe(durations),
)
expectations = st.one_of(
    st.builds(Expect, name=texts, always=conditions, after=maybe(moments), grace=maybe(durations)),
    st.builds(Expect, eventually=conditions, within=maybe(windows())),
    st.builds(Expect, stays=conditions, for_=durations),
    st.builds(Expect, count=st.just("worker.exit"), min=st.integers(1, 3), max=maybe(st.integers(3, 9))),
    st.builds(Expect, gaps=st.just("worker.exit -> worker.start"), are=st.lists(durations, min_size=1, max_size=3)),
    st.builds(Expect, order=st.just(["worker.start", "worker.exit"])),
    st.builds(Expect, unchanged=st.just("host")),
)
faults = st.one_of(
    st.builds(Fault, when=moments, kill=st.builds(Kill, target=st.just("worker"), signal=st.sampled_from(SIGNALS))),
    st.builds(Fault, when=moments, freeze=st.builds(Freeze, target=st.just("supervisor"), for_=maybe(durations))),
    st.builds(Fault, when=moments, tamper=st.builds(Tamper, target=st.just("worker"), content=st.just("touch"))),
    st.builds(Fault, when=moments, operator=st.builds(Operator, command=st.just("shutdown"))),
)
agents = st.builds(
    Agent,
    behaviour=st.lists(steps, min_size=1, max_size=3),
    heartbeat_format=st.sampled_from(["iso", "json", "mtime"]),
    count=st.integers(1, 3),
    lifetime=maybe(durations),
)
scenarios = st.builds(
    Scenario,
    title=texts.map(lambda text: f"x{text}"),
    promises=st.lists(st.sampled_from(list(PROMISES)), max_size=3, unique=True),
    agents=agents.map(lambda agent: {"worker": agent}),
    expect=st.lists(expectations, min_size=1, max_size=4),
    timeout=st.just(Duration(TIMEOUT)),
    description=texts,
    level=st.sampled_from(["must", "should", "may"]),
    needs=st.lists(st.sampled_from(list(CAPABILITIES)), max_size=2, unique=True),
    tags=st.lists(texts, max_size=2, unique=True),
    pace=maybe(st.floats(1, 1000)),
    budget=st.builds(Budget, memory=st.integers(1, 2**40).map(Size), processes=st.integers(3, 99)),
    policy=policies,
    fault=st.lists(faults, max_size=3),
    recover=maybe(st.builds(Recover, steady=conditions, within=durations, for_=durations)),
    xfail=st.lists(st.builds(ExpectedFailure, subject=texts, reason=texts.map(lambda text: f"x{text}")), max_size=1),
)

_VALIDATOR = jsonschema.Draft202012Validator(json_schema())


@settings(max_examples=60, deadline=None)
@given(scenarios)
def test_what_was_frozen_comes_back_equal_and_suits_the_schema(scenario: Scenario) -> None:
    text = freeze(scenario)
    assert parse_scenario(text, "frozen.json", json=True) == scenario
    _VALIDATOR.validate(json.loads(text))


_scraps = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6) | moments | seconds,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
_KEYS = [
    key for record in (Scenario, Policy, Agent, Expect, Fault, Kill, Budget) for key in record.__struct_encode_fields__
]


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(_KEYS), _scraps | st.dictionaries(st.sampled_from(_KEYS), _scraps, max_size=3)))
def test_any_rubbish_is_refused_with_a_place_for_everything(data: dict[str, object]) -> None:
    text = msgspec.json.encode(data).decode()
    try:
        parse_scenario(text, "rubbish.json", json=True)
    except ScenarioError as error:
        assert error.lines
        assert all(line.startswith("rubbish.json:1: $") and " expected " in line for line in error.lines)


@settings(max_examples=100, deadline=None)
@given(scenarios, st.data())
def test_one_spoilt_value_never_raises_anything_else(scenario: Scenario, data: st.DataObject) -> None:
    whole = json.loads(freeze(scenario))
    place: object = whole
    while isinstance(place, dict | list) and place:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(keys))
        inner = place[key]  # type: ignore[index]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            place[key] = data.draw(_scraps)  # type: ignore[index]
            break
        place = inner
    try:
        parse_scenario(json.dumps(whole), "spoilt.json", json=True)
    except ScenarioError as error:
        assert error.lines
