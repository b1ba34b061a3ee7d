"""The configuration that holdfast is given says the whole policy, and holdfast understands it so."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import live_subject
import pytest

from crashrig.quantities import Duration
from crashrig.subjects.holdfast import HoldfastSubject
from crashrig.subjects.holdfast_config import render_config
from crashrig.subjects.protocol import AgentJob, Job, SubjectError
from holdfast import config
from holdfast.policy import AgentPolicy, Restart
from holdfast.settings import BeatFormat, BeatSource, HeartbeatSettings, Settings


def load(job: Job) -> Settings:
    return config.load(render_config(job), environ={})


def policy_of(**policy: Any) -> AgentPolicy:
    return load(live_subject.make_job("/job", "true", pace=1.0, **policy)).agents[0].policy


def test_the_default_policy_is_holdfasts_own_but_for_the_rate_limit() -> None:
    policy = policy_of()
    default = AgentPolicy()
    assert policy.burst is None
    assert [name for name in AgentPolicy.__slots__ if getattr(policy, name) != getattr(default, name)] == ["burst"]


def test_every_part_of_a_policy_arrives() -> None:
    policy = policy_of(
        restart="always",
        clean_codes=[0, 3],
        fatal_codes=[7, 8],
        restart_codes=[3],
        backoff=[Duration(0), Duration(0.25)],
        jitter=0.5,
        stable_after=Duration(60),
        max_restarts=2,
        burst=4,
        window=Duration(30),
        grace=Duration(3),
        running_after=Duration(2),
        heartbeat_timeout=Duration(9),
        startup_grace=Duration(20),
    )
    assert policy.restart is Restart.ALWAYS
    assert (policy.clean_codes, policy.fatal_codes, policy.restart_codes) == ({0, 3}, {7, 8}, {3})
    assert policy.clean_signals == set()
    assert (policy.backoff.delays, policy.backoff.multiplier, policy.backoff.jitter) == ((0.0, 0.25), 1.0, 0.5)
    assert (policy.stable_after, policy.max_restarts, policy.burst, policy.window) == (60.0, 2, 4, 30.0)
    assert (policy.grace, policy.running_after) == (3.0, 2.0)
    assert policy.heartbeat is not None
    assert (policy.heartbeat.timeout, policy.heartbeat.startup_grace) == (9.0, 20.0)


def test_a_growing_backoff() -> None:
    backoff = policy_of(backoff_initial=Duration(2), backoff_multiplier=3.0, backoff_max=Duration(50)).backoff
    assert (backoff.delays, backoff.multiplier, backoff.maximum) == ((2.0,), 3.0, 50.0)


def test_143_among_the_clean_codes_is_death_by_sigterm_too() -> None:
    assert policy_of(clean_codes=[0, 143, 130]).clean_signals == {15, 2}
    assert policy_of(clean_codes=[0, 143], restart_codes=[143], fatal_codes=[]).clean_signals == set()


def test_what_is_run_arrives_untouched() -> None:
    awkward = 'a "b" \\ \n\x7f\x01 é \U0001f600 %s #;'
    agent = AgentJob(
        name="dotted.name",
        command=["/bin/sh", "-c", awkward],
        directory="/some/where",
        environment={"ODD NAME": awkward},
        policy=live_subject.make_job("/job", "true").agents[0].policy,
    )
    (found,) = load(Job(directory="/job", agents=[agent], seed=7)).agents
    assert found.name == "dotted.name"
    assert found.command == ("/bin/sh", "-c", awkward)
    assert (found.directory, found.environment) == ("/some/where", {"ODD NAME": awkward})
    settings = load(Job(directory="/job", agents=[agent], seed=7))
    assert (settings.state_directory, settings.fleet.seed) == ("/job/state", 7)


@pytest.mark.parametrize("source", ["notify", "output"])
def test_beats_without_a_file(source: str) -> None:
    job = live_subject.make_job("/job", "true", heartbeat_timeout=Duration(90))
    agent = AgentJob(
        name="worker", command=["true"], directory="", policy=job.agents[0].policy, heartbeat_source=source
    )
    assert load(Job(directory="/job", agents=[agent])).agents[0].heartbeat == HeartbeatSettings(BeatSource(source))


def test_beats_in_a_file() -> None:
    heartbeat = load(live_subject.make_job("/job", "true", heartbeat_timeout=Duration(90))).agents[0].heartbeat
    assert heartbeat == HeartbeatSettings(BeatSource.FILE, "/job/beat_1", BeatFormat.MTIME)


def with_own(tmp_path: Path, text: str, **job: Any) -> Settings:
    own = tmp_path / "own.toml"
    own.write_text(text)
    made = live_subject.make_job("/job", "true", agents=2, **job)
    return load(Job(directory=made.directory, agents=made.agents, pace=made.pace, override=str(own)))


def test_a_users_policy_has_the_last_word_at_the_same_pace(tmp_path: Path) -> None:
    settings = with_own(
        tmp_path,
        'preset = "autopilot"\n'
        "[fleet]\nfatal_exit = 3\n"
        '[defaults]\ngrace = "20s"\nheartbeat = { file = "mine", timeout = "30s" }\n'
        '[agents.worker_2]\ncommand = ["mine"]\nbackoff = ["5s"]\n',
        pace=10.0,
        heartbeat_timeout=Duration(90),
    )
    one, two = settings.agents
    assert settings.fleet.fatal_exit == 3
    assert (one.policy.grace, two.policy.grace) == (2.0, 2.0)
    assert (one.policy.backoff.delays[0], two.policy.backoff.delays) == (0.1, (0.5,))
    assert one.policy.heartbeat is not None and one.heartbeat is not None
    assert (one.policy.heartbeat.timeout, one.policy.heartbeat.startup_grace) == (3.0, 9.0)
    assert one.heartbeat.path == "/job/beat_1"
    assert two.command == ("/bin/sh", "-c", "true")


def test_a_users_heartbeat_is_of_no_use_to_a_scenario_without_one(tmp_path: Path) -> None:
    assert with_own(tmp_path, '[defaults]\nheartbeat = { timeout = "30s" }\n').agents[0].heartbeat is None


def test_a_users_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SubjectError, match=r"own\.toml: not a configuration of holdfast"):
        with_own(tmp_path, "grace = ")
    job = live_subject.make_job("/job", "true")
    with pytest.raises(SubjectError, match=r"/no/such\.toml"):
        render_config(Job(directory="/job", agents=job.agents, override="/no/such.toml"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[defualts]\ngrace = "5s"', "unknown key 'defualts', did you mean 'defaults'?"),
        ("[tool]\n[build-system]", "unknown key 'tool', known: preset, .*; unknown key 'build-system', known"),
        ('[policy]\ngrace = "5s"\n[fleet]\n', "unknown key 'policy'"),
        ("defaults = 3\nagents = 4", "defaults: expected a table, found 3; agents: expected a table, found 4"),
        ("[agents]\nworker_1 = 5", "agents.worker_1: expected a table, found 5"),
    ],
)
def test_what_would_never_reach_holdfast_is_refused_here(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SubjectError, match=rf"own\.toml: not a configuration of holdfast: .*{said}"):
        with_own(tmp_path, text)


def test_a_whole_configuration_of_holdfast_is_taken(tmp_path: Path) -> None:
    settings = with_own(tmp_path, 'state_directory = "mine"\nseed = 9\n[agents.other]\ncommand = ["true"]\n')
    assert settings.state_directory == "/job/state"
    assert [agent.name for agent in settings.agents] == ["worker_1", "worker_2"]


def test_the_users_settings_in_the_environment_do_not_reach_the_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = live_subject.make_job(str(tmp_path), "true")
    assert HoldfastSubject().render(job).argv[0] != "env"
    monkeypatch.setenv("HOLDFAST_GRACE", "1s")
    monkeypatch.setenv("PYTHONPATH", "somewhere")
    launch = HoldfastSubject().render(job)
    assert launch.argv[:3] == ["env", "-u", "HOLDFAST_GRACE"]
    assert all(map(os.path.isabs, launch.environment["PYTHONPATH"].split(":")))
