"""Every possible Settings comes out of the hand-over exactly as it went in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from holdfast.handoff import from_json, to_json
from holdfast.policy import AgentPolicy, Backoff, FleetPolicy, HeartbeatPolicy, Restart
from holdfast.settings import AgentSettings, BeatFormat, BeatSource, Containment, HeartbeatSettings, Settings

seconds = st.floats(min_value=0.0, allow_nan=False, allow_infinity=False)
text = st.text(st.characters())  # surrogates too: PEP 383
codes = st.frozensets(st.integers(0, 255))
backoffs = st.builds(
    Backoff, delays=st.lists(seconds, min_size=1).map(tuple), multiplier=seconds, maximum=seconds, jitter=seconds
)
policies = st.builds(
    AgentPolicy,
    restart=st.sampled_from(Restart),
    clean_codes=codes,
    clean_signals=codes,
    restart_codes=codes,
    fatal_codes=codes,
    backoff=backoffs,
    stable_after=seconds,
    max_restarts=st.none() | st.integers(0),
    burst=st.none() | st.integers(1),
    window=seconds,
    grace=seconds,
    running_after=seconds,
    heartbeat=st.none() | st.builds(HeartbeatPolicy, timeout=seconds, startup_grace=seconds),
    after=st.lists(text).map(tuple),
)
heartbeats = st.builds(HeartbeatSettings, st.sampled_from(BeatSource), text, st.sampled_from(BeatFormat))
agents = st.builds(
    AgentSettings,
    name=text,
    command=st.lists(text).map(tuple),
    directory=text,
    environment=st.dictionaries(text, text),
    user=text,
    log=text,
    heartbeat=st.none() | heartbeats,
    policy=policies,
)
fleets = st.builds(FleetPolicy, st.integers(), seconds, st.integers(), st.integers())
runs = st.builds(
    Settings,
    agents=st.lists(agents, max_size=3).map(tuple),
    state_directory=text,
    fleet=fleets,
    containment=st.sampled_from(Containment),
    source=text,
)


@given(runs)
def test_round_trip(settings: Settings) -> None:
    again = from_json(to_json(settings))
    assert again == settings
    assert all(type(agent.policy.restart) is Restart for agent in again.agents)
    assert type(again.containment) is Containment
