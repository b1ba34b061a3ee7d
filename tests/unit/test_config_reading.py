"""A file becomes settings: every key arrives, and every layer may change what those below it say (CTL-5)."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from signal import SIGINT, SIGTERM

import pytest

from holdfast.config import ConfigError, keys, load, load_command, presets, state_directory_of
from holdfast.config.origins import At, FileOrigin
from holdfast.policy import AgentPolicy, Backoff, FleetPolicy, HeartbeatPolicy, Restart
from holdfast.settings import AgentSettings, BeatFormat, BeatSource, Containment, HeartbeatSettings, Settings

WORKER = '[agents.worker]\ncommand = ["work"]\n'


def one(text: str, environ: dict[str, str] | None = None, overrides: dict[str, object] | None = None) -> AgentSettings:
    """The only agent of a text."""
    (agent,) = load(text, environ=environ or {}, overrides=overrides).agents
    return agent


def test_a_minimal_file_has_all_defaults() -> None:
    settings = load(WORKER, environ={"XDG_STATE_HOME": "/state"})
    assert settings.agents == (AgentSettings(name="worker", command=("work",), directory=os.getcwd()),)
    assert settings.fleet == FleetPolicy()
    assert settings.containment is Containment.AUTO
    assert settings.state_directory.startswith("/state/holdfast/text-")


def test_every_key_arrives(tmp_path: Path) -> None:
    path = tmp_path / "fleet.toml"
    path.write_text(
        """
        state_directory = "state"
        containment = "walk"
        seed = 7
        [fleet]
        start_burst = 3
        start_spacing = "5ms"
        fatal_exit = 9
        [agents.store]
        command = ["store"]
        [agents.worker]
        command = ["python", "-u", "--", "run [1] final "]
        directory = "work"
        environment = { A = "1", "B.C" = "" }
        user = "nobody"
        log = "worker.log"
        after = ["store"]
        restart = "always"
        backoff = ["0s", "1m"]
        jitter = 0.5
        stable_after = "1h"
        max_restarts = "unlimited"
        burst = 5
        window = "10m"
        grace = "0s"
        running_after = "20ms"
        clean_codes = []
        fatal_codes = [3, 4]
        restart_codes = [5]
        clean_signals = ["SIGINT", "SIGTERM"]
        heartbeat = { file = "beat", format = "mtime", timeout = "3s", startup_grace = "1m" }
        """
    )
    settings = load(path, environ={})
    assert settings == Settings(
        agents=(
            AgentSettings(name="store", command=("store",), directory=str(tmp_path)),
            AgentSettings(
                name="worker",
                command=("python", "-u", "--", "run [1] final "),
                directory=f"{tmp_path}/work",
                environment={"A": "1", "B.C": ""},
                user="nobody",
                log=f"{tmp_path}/work/worker.log",
                heartbeat=HeartbeatSettings(BeatSource.FILE, f"{tmp_path}/work/beat", BeatFormat.MTIME),
                policy=AgentPolicy(
                    restart=Restart.ALWAYS,
                    clean_codes=frozenset(),
                    clean_signals=frozenset({SIGINT, SIGTERM}),
                    restart_codes=frozenset({5}),
                    fatal_codes=frozenset({3, 4}),
                    backoff=Backoff(delays=(0.0, 60.0), jitter=0.5),
                    stable_after=3600.0,
                    max_restarts=None,
                    burst=5,
                    window=600.0,
                    grace=0.0,
                    running_after=0.02,
                    heartbeat=HeartbeatPolicy(timeout=3.0, startup_grace=60.0),
                    after=("store",),
                ),
            ),
        ),
        state_directory=f"{tmp_path}/state",
        fleet=FleetPolicy(start_burst=3, start_spacing=0.005, fatal_exit=9, seed=7),
        containment=Containment.WALK,
        source=str(path),
    )


def test_an_exponential_backoff() -> None:
    agent = one(WORKER + 'backoff = { initial = "2s", max = "1m" }')
    assert agent.policy.backoff == Backoff(delays=(2.0,), multiplier=2.0, maximum=60.0)


@pytest.mark.parametrize("table", ["TOP", "FLEET", "AGENT", "POLICY", "HEARTBEAT"])
def test_the_written_default_of_each_key_is_the_real_one(table: str) -> None:
    bare = one(WORKER + "heartbeat = { file = 'beat' }")
    real: dict[str, object] = {
        **{name: getattr(bare.policy, name) for name in keys.POLICY if name != "jitter"},
        **{name: getattr(FleetPolicy(), name) for name in (*keys.FLEET, "seed")},
        **{name: getattr(bare, name) for name in ("environment", "log")},
        "jitter": bare.policy.backoff.jitter,
        "after": bare.policy.after,
        "containment": Containment.AUTO,
        "format": BeatFormat.AUTO,
        "timeout": HeartbeatPolicy().timeout,
    }
    elsewhere = {"state_directory", "startup_grace"}  # made of other settings
    for name, key in getattr(keys, table).items():
        if key.default and name not in elsewhere:
            value = tomllib.loads(f"x = {key.default}")["x"]
            assert key.kind.read(value, At(FileOrigin("x", "/"), [])) == real[name], name


# Layers ----------------------------------------------------------------------------------------------------------


def test_each_layer_wins_over_those_below() -> None:
    preset = 'preset = "external"\n'
    shared, own = '[defaults]\ngrace = "2s"\n', 'grace = "3s"\n'
    environ, flags = {"HOLDFAST_GRACE": "4s"}, {"grace": "5s"}
    assert one(preset + WORKER).policy.grace == 10.0
    assert one(preset + shared + WORKER).policy.grace == 2.0
    assert one(preset + shared + WORKER + own).policy.grace == 3.0
    assert one(preset + shared + WORKER + own, environ).policy.grace == 4.0
    assert one(preset + shared + WORKER + own, environ, flags).policy.grace == 5.0


def test_a_preset_is_the_lowest_layer_and_may_come_from_anywhere() -> None:
    assert one('preset = "external"\n' + WORKER).policy.max_restarts == 3
    assert one(WORKER, {"HOLDFAST_PRESET": "external"}).policy.max_restarts == 3
    assert one(WORKER, overrides={"preset": "external"}).policy.max_restarts == 3
    assert one('preset = "autopilot"\n' + WORKER, {"HOLDFAST_PRESET": "external"}).policy.max_restarts == 3
    assert one('preset = "external"\n[defaults]\nmax_restarts = 0\n' + WORKER).policy.max_restarts == 0
    assert load('preset = "external"\n[fleet]\nfatal_exit = 5\n' + WORKER, environ={}).fleet.fatal_exit == 5


def test_every_variable_is_read() -> None:
    environ = {
        "HOLDFAST_STATE_DIRECTORY": "/elsewhere",
        "HOLDFAST_CONTAINMENT": "cgroup",
        "HOLDFAST_SEED": "4",
        "HOLDFAST_FLEET_START_BURST": "2",
        "HOLDFAST_BACKOFF": "1s, 2s",
        "HOLDFAST_JITTER": "0.25",
        "HOLDFAST_MAX_RESTARTS": "unlimited",
        "HOLDFAST_CLEAN_CODES": "0,7",
        "HOLDFAST_FATAL_CODES": "",
        "HOLDFAST_CLEAN_SIGNALS": "SIGINT",
        "HOLDFAST_HEARTBEAT_TIMEOUT": "7s",
        "HOLDFAST_AGENT": "outer",
        "HOLDFAST_GENERATION": "3",
        "HOLDFAST_HEARTBEAT_FILE": "/outer/beat",
    }
    settings = load(WORKER + "heartbeat = { notify = true }", environ=environ)
    policy = settings.agents[0].policy
    assert (settings.state_directory, settings.containment) == ("/elsewhere", Containment.CGROUP)
    assert (settings.fleet.seed, settings.fleet.start_burst) == (4, 2)
    assert policy.backoff == Backoff(delays=(1.0, 2.0), jitter=0.25)
    assert (policy.max_restarts, policy.clean_codes, policy.fatal_codes) == (None, {0, 7}, frozenset())
    assert policy.clean_signals == {SIGINT}
    assert policy.heartbeat == HeartbeatPolicy(timeout=7.0, startup_grace=7.0)


def test_an_exponential_backoff_fits_into_a_flag() -> None:
    policy = one(WORKER, overrides={"backoff": "initial=1s,multiplier=1.5,max=5m"}).policy
    assert policy.backoff == Backoff(delays=(1.0,), multiplier=1.5, maximum=300.0)


def test_environment_and_heartbeat_are_merged_key_by_key() -> None:
    text = '[defaults]\nenvironment = { A = "1", B = "1" }\nheartbeat = { timeout = "5s", startup_grace = "9s" }\n'
    agent = one(
        text + WORKER + 'environment = { B = "2" }\nheartbeat = { file = "/beat" }', {}, {"environment": {"C": "3"}}
    )
    assert agent.environment == {"A": "1", "B": "2", "C": "3"}
    assert agent.heartbeat == HeartbeatSettings(BeatSource.FILE, "/beat")
    assert agent.policy.heartbeat == HeartbeatPolicy(timeout=5.0, startup_grace=9.0)


def test_a_source_of_beats_replaces_the_one_below() -> None:
    agent = one('[defaults]\nheartbeat = { file = "/beat" }\n' + WORKER + "heartbeat = { output = true }")
    assert agent.heartbeat == HeartbeatSettings(BeatSource.OUTPUT)


def test_a_heartbeat_can_be_switched_off() -> None:
    agent = one("[defaults]\nheartbeat = { notify = true }\n" + WORKER + 'heartbeat = "off"')
    assert (agent.heartbeat, agent.policy.heartbeat) == (None, None)


# Presets ---------------------------------------------------------------------------------------------------------


def test_autopilot_is_what_the_defaults_are() -> None:
    """The numbers of its design are RST's and HB's own."""
    settings = load('preset = "autopilot"\n' + WORKER, environ={})
    assert settings.agents[0].policy == AgentPolicy()
    assert settings.fleet == FleetPolicy()


def test_external_has_the_numbers_of_its_design() -> None:
    settings = load('preset = "external"\n' + WORKER + 'heartbeat = { file = "/beat" }', environ={})
    (agent,) = settings.agents
    assert settings.fleet.fatal_exit == 1
    assert agent.policy.backoff == Backoff(delays=(5.0,))
    assert (agent.policy.max_restarts, agent.policy.clean_codes) == (3, {0})
    assert not agent.policy.fatal_codes | agent.policy.clean_signals
    assert agent.policy.heartbeat == HeartbeatPolicy(timeout=30.0, startup_grace=30.0)
    assert agent.heartbeat == HeartbeatSettings(BeatSource.FILE, "/beat", BeatFormat.JSON)


@pytest.mark.parametrize("name", presets.PRESETS)
def test_a_preset_alone_watches_no_heartbeat(name: str) -> None:
    assert one(f'preset = "{name}"\n' + WORKER).heartbeat is None


# Places ----------------------------------------------------------------------------------------------------------


def test_a_file_means_the_same_from_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.toml").write_text(WORKER)
    monkeypatch.chdir(tmp_path)
    here = load(Path("a/x.toml"), environ={})
    monkeypatch.chdir(tmp_path / "a")
    there = load(Path("x.toml"), environ={})
    assert here.agents == there.agents
    assert here.agents[0].directory == str(tmp_path / "a")
    assert here.state_directory == there.state_directory


def test_relative_paths_of_flags_and_variables_start_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    overrides = {"directory": "d", "state_directory": "s", "log": "l", "heartbeat.file": "b"}
    settings = load_command(["x"], environ={}, overrides=overrides)
    (agent,) = settings.agents
    assert (settings.state_directory, agent.directory) == (f"{tmp_path}/s", f"{tmp_path}/d")
    assert agent.heartbeat is not None
    assert (agent.log, agent.heartbeat.path) == (f"{tmp_path}/d/l", f"{tmp_path}/d/b")


def test_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    settings = load('state_directory = "~/s"\n' + WORKER + "log = '~/log'\ndirectory = '~'", environ={})
    assert settings.state_directory == "/home/me/s"
    assert (settings.agents[0].log, settings.agents[0].directory) == ("/home/me/log", "/home/me")


def test_the_state_directory_is_found_again_while_the_file_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "fleet.toml"
    environ = {"HOME": str(tmp_path)}
    path.write_text(WORKER)
    assert state_directory_of(path, environ) == load(path, environ=environ).state_directory
    path.write_text("[agents.worker\n")
    assert state_directory_of(path, environ).startswith(f"{tmp_path}/.local/state/holdfast/fleet-")
    path.write_text('state_directory = "s"\ngrace = 5\n')
    assert state_directory_of(path, environ) == f"{tmp_path}/s"
    assert state_directory_of(path, {"HOLDFAST_STATE_DIRECTORY": "/v"}) == "/v"


def test_different_things_have_different_state_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for directory in ("a", "b"):
        (tmp_path / directory).mkdir()
        (tmp_path / directory / "x.toml").write_text(WORKER)
    found = {load(tmp_path / directory / "x.toml", environ={}).state_directory for directory in ("a", "b")}
    found |= {load_command(command, environ={}).state_directory for command in (["x"], ["x", "y"], ["y"])}
    monkeypatch.chdir(tmp_path)
    found.add(load_command(["x"], environ={}).state_directory)
    assert len(found) == 6


# A command without a file ---------------------------------------------------------------------------------------


def test_a_command_is_taken_as_it_is() -> None:
    command = ["/usr/bin/env", "--restart", "never", "--", "a b", ""]
    settings = load_command(command, environ={})
    (agent,) = settings.agents
    assert (agent.name, list(agent.command)) == ("env", command)
    assert (settings.source, agent.directory) == ("", os.getcwd())


@pytest.mark.parametrize(
    ("program", "name"), [("./my agent!", "my-agent-"), ("/", "agent"), ("..", "agent"), ("x" * 99, "x" * 64)]
)
def test_the_agent_is_called_after_its_program(program: str, name: str) -> None:
    assert load_command([program], environ={}).agents[0].name == name


def test_a_given_name_must_be_a_good_one() -> None:
    assert load_command(["x"], name="pilot", environ={}).agents[0].name == "pilot"
    with pytest.raises(ConfigError, match="command line: --name"):
        load_command(["x"], name="a/b", environ={})


def test_a_flag_that_does_not_exist_is_the_caller_s_mistake() -> None:
    with pytest.raises(KeyError):
        load(WORKER, environ={}, overrides={"grce": "5s"})


def test_a_user_without_a_home_must_say_where_state_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # as for a user id that is nobody's
    with pytest.raises(ConfigError, match="--state-directory PATH, or set HOLDFAST_STATE_DIRECTORY or HOME"):
        load_command(["true"], environ={})
    assert load_command(["true"], environ={"HOLDFAST_STATE_DIRECTORY": "/state"}).state_directory == "/state"
    assert load_command(["true"], environ={"HOME": "/home/me"}).state_directory.startswith("/home/me/.local/state/")
